//! The shapes of the old scripts: reasons and errors are sentences there, and ours are kept beside them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{AutoLine, DrawResult};
use crate::readiness::Readiness;

fn object<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

impl Readiness {
    /// The old summary: `reasons` are sentences, and `findings` are the reasons of today.
    pub fn to_legacy(&self) -> Value {
        let mut fields = object(self);
        let sentences: Vec<&str> = self.reasons.iter().map(|reason| reason.message.as_str()).collect();
        fields.insert("reasons".to_owned(), json!(sentences));
        // The report stays last, as it was.
        let report = fields.shift_remove("report");
        fields.insert("findings".to_owned(), json!(self.reasons));
        fields.extend(report.map(|report| ("report".to_owned(), report)));
        Value::Object(fields)
    }
}

impl DrawResult {
    /// The old result of a manual draw. A lottery whose readiness was not asked for counts as ready.
    pub fn to_legacy(&self) -> Value {
        let mut fields = object(self);
        fields.insert("ready".to_owned(), json!(self.ready.or(self.readiness_skipped.then_some(true))));
        fields.insert("readiness".to_owned(), json!(self.readiness.as_ref().map(Readiness::to_legacy)));
        for (key, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            fields.insert(key.to_owned(), json!(text.as_deref().map(str::trim)));
        }
        Value::Object(fields)
    }
}

impl AutoLine {
    /// The old line: `error` and `stderr` are texts, and `failure` is the error of today.
    pub fn to_legacy(&self) -> Value {
        let mut fields = object(self);
        fields.insert("readiness".to_owned(), json!(self.readiness.as_ref().map(Readiness::to_legacy)));
        // The old draw checked the readiness itself, and showed it once more.
        let without_report = || self.readiness.clone().map(|found| Readiness { report: None, ..found });
        let manual_draw = self.manual_draw.clone().map(|draw| {
            let readiness = draw.readiness.clone().or_else(without_report);
            DrawResult { readiness, ..draw }.to_legacy()
        });
        fields.insert("manual_draw".to_owned(), json!(manual_draw));
        fields.insert("stderr".to_owned(), json!(self.stderr.as_deref().unwrap_or_default().trim()));
        if let Some(error) = &self.error {
            fields.insert("error".to_owned(), json!(error.message));
            fields.insert("failure".to_owned(), json!(error));
        }
        Value::Object(fields)
    }

    /// Reads a line, of today or in the old shape.
    ///
    /// # Errors
    /// When it is neither.
    pub fn from_value(mut line: Value) -> Result<Self, serde_json::Error> {
        if let Some(fields) = line.as_object_mut()
            && let Some(failure) = fields.remove("failure")
        {
            fields.insert("error".to_owned(), failure);
        }
        for pointer in ["/readiness", "/manual_draw/readiness"] {
            if let Some(fields) = line.pointer_mut(pointer).and_then(Value::as_object_mut)
                && let Some(findings) = fields.remove("findings")
            {
                fields.insert("reasons".to_owned(), findings);
            }
        }
        serde_json::from_value(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of today in its shortest form.
    fn line() -> AutoLine {
        let mut readiness = Readiness { ticket_count: Some(3), ..Readiness::default() };
        readiness.object("TOO_FEW_TICKETS", "3 tickets are sold, 5 are needed".to_owned());
        readiness.report = Some(json!({"profile": "p"}));
        let line = json!({
            "timestamp": "2025-10-05T15:00:00.000001Z", "execute": false, "commands": {"readiness": []},
            "status": "error", "exit_code": 2, "schema": "dvrf.draw/1", "run_id": "r", "level": "error",
            "event": "auto_draw.error", "error": {"code": "UNKNOWN", "message": "why", "hint": "what to do"},
            "readiness": readiness,
        });
        AutoLine::from_value(line).unwrap()
    }

    #[test]
    fn a_line_in_the_old_shape_is_read_as_it_was_written() {
        let old = line().to_legacy();
        assert_eq!(old["error"], "why");
        assert_eq!(old["stderr"], "");
        assert_eq!(old["readiness"]["reasons"], json!(["3 tickets are sold, 5 are needed"]));
        assert_eq!(old["readiness"]["findings"][0]["code"], "TOO_FEW_TICKETS");
        assert_eq!(old["readiness"].as_object().unwrap().keys().next_back().unwrap(), "report");
        let read = AutoLine::from_value(old).unwrap();
        assert_eq!(AutoLine { stderr: None, ..read }, line());
    }

    #[test]
    fn a_skipped_readiness_counts_as_ready() {
        let skipped = DrawResult {
            readiness_skipped: true,
            stdout: Some("sent\n".to_owned()),
            ..DrawResult::default()
        };
        let old = skipped.to_legacy();
        assert_eq!(
            (&old["ready"], &old["stdout"], &old["readiness"]),
            (&json!(true), &json!("sent"), &json!(null))
        );
        assert_eq!(DrawResult::default().to_legacy()["ready"], json!(null));
    }
}
