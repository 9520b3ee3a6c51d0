//! Silences: problems that somebody muted or acknowledged, kept in the state directory, and the maintenance windows of the
//! settings file. Each ends by itself.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use supra_core::check::silence::{Silence, SilenceKind};
use supra_core::error::{Error, chain};
use supra_core::failure::FailureKind;
use supra_core::lang::Lang;
use supra_core::state_dir::{StateDir, StateError};

use crate::Session;
use crate::text::plain;

/// The name of the file and of its lock.
const FILE: &str = "silences";
const SCHEMA: &str = "dvrf.silences/1";
/// How long to wait for another command that changes the file.
const LOCK_WAIT: Duration = Duration::from_secs(5);

#[derive(Serialize, Deserialize)]
struct File {
    schema: String,
    silences: Vec<Silence>,
}

/// The silences that hold now.
#[derive(Debug, Clone, Default)]
pub struct Silences(pub Vec<Silence>);

/// What a silence is about and until when, in a sentence without a full stop.
pub fn text(silence: &Silence, lang: Lang) -> String {
    let what = match silence.kind {
        SilenceKind::Mute => lang.pick("muted", "без уведомлений"),
        SilenceKind::Ack => lang.pick("acknowledged", "в работе"),
        SilenceKind::Maintenance => lang.pick("maintenance", "обслуживание"),
    };
    let all = lang.pick("all subscriptions", "все подписки");
    let about = silence.subscription.as_deref().unwrap_or(&all);
    let problem = silence.problem.as_ref().map(|problem| format!(" {problem}")).unwrap_or_default();
    let until = Timestamp::from_second(silence.until_s).unwrap_or(Timestamp::MAX);
    let until = until.strftime("%Y-%m-%d %H:%M UTC");
    let until = lang.pick(format!("until {until}"), format!("до {until}"));
    let reason = if silence.reason.is_empty() { String::new() } else { format!(": {}", silence.reason) };
    plain(&format!("{what}: {about}{problem}, {until} ({}{reason})", silence.by))
}

impl Silences {
    /// Those of the settings file and of the state directory. A file that cannot be read is logged, and silences nothing.
    pub fn load(state_dir: Option<&StateDir>, session: &Session) -> Self {
        CurrentSilences::default().get(state_dir, session).clone()
    }

    /// The same, with the reason why the file cannot be read instead of a log.
    fn read(state_dir: Option<&StateDir>, session: &Session) -> (Self, Option<String>) {
        let now_s = session.now.as_second();
        let mut all = windows(session);
        let bytes = state_dir.map(|directory| directory.read(FILE, "json")).transpose();
        let bytes = bytes.map_err(|error| chain(&error));
        match bytes.and_then(|bytes| parse(bytes.flatten().as_deref(), now_s)) {
            Ok(found) => {
                all.extend(found);
                (Self(all), None)
            }
            Err(problem) => (Self(all), Some(problem)),
        }
    }

    /// The mute or the window that covers a problem.
    pub fn mute(&self, subscription: &str, names: &[&str]) -> Option<&Silence> {
        let mutes = self.0.iter().filter(|silence| silence.kind != SilenceKind::Ack);
        mutes.filter(|silence| silence.covers(subscription, names)).max_by_key(|found| found.until_s)
    }

    /// The acknowledgement of a problem that began at this time.
    pub fn ack(&self, subscription: &str, names: &[&str], since_s: i64) -> Option<&Silence> {
        let acks = self.0.iter().filter(|silence| is_ack_of(silence, subscription, names, since_s));
        acks.max_by_key(|found| found.until_s)
    }

    /// A line for each.
    pub fn text(&self, lang: Lang) -> String {
        self.0.iter().map(|silence| text(silence, lang) + "\n").collect()
    }
}

/// Whether a silence is the acknowledgement of a problem that began at this time.
pub fn is_ack_of(silence: &Silence, subscription: &str, names: &[&str], since_s: i64) -> bool {
    silence.kind == SilenceKind::Ack && silence.since_s >= since_s && silence.covers(subscription, names)
}

/// The silences of a run that goes on: they are read again in each second.
#[derive(Default)]
pub(crate) struct CurrentSilences {
    read_at_s: Option<i64>,
    silences: Silences,
    /// Why the file could not be read, which is logged when it changes.
    problem: Option<String>,
}

impl CurrentSilences {
    pub(crate) fn get(&mut self, state_dir: Option<&StateDir>, session: &Session) -> &Silences {
        let now_s = session.now.as_second();
        if self.read_at_s.replace(now_s) != Some(now_s) {
            let (silences, problem) = Silences::read(state_dir, session);
            if let Some(why) = problem.as_ref().filter(|_| problem != self.problem) {
                session.log("warning", &format!("the mutes cannot be read ({why}); nothing is muted"));
            }
            (self.silences, self.problem) = (silences, problem);
        }
        &self.silences
    }
}

/// The windows that are open now; one for each subscription and problem that they name.
fn windows(session: &Session) -> Vec<Silence> {
    let now_s = session.now.as_second();
    let mut found = Vec::new();
    for window in &session.settings.file().maintenance {
        let Some(until_s) = window.open_until(now_s) else { continue };
        for subscription in or_all(&window.only) {
            for problem in or_all(&window.problems) {
                found.push(Silence {
                    kind: SilenceKind::Maintenance,
                    subscription: subscription.cloned(),
                    problem: problem.cloned(),
                    since_s: now_s,
                    until_s,
                    by: window.place.clone(),
                    reason: window.reason.clone(),
                });
            }
        }
    }
    found
}

/// Each of a list, or once none where it is empty.
fn or_all(list: &[String]) -> Vec<Option<&String>> {
    if list.is_empty() { vec![None] } else { list.iter().map(Some).collect() }
}

fn parse(bytes: Option<&[u8]>, now_s: i64) -> Result<Vec<Silence>, String> {
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    let file: File = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if file.schema != SCHEMA {
        return Err(format!("the schema is {:?}, this version writes {SCHEMA}", file.schema));
    }
    let mut silences = file.silences;
    silences.retain(|silence| silence.until_s > now_s);
    Ok(silences)
}

/// Changes the silences of the state directory; those that ended are forgotten. A file that cannot be read is moved aside.
pub fn change<T>(
    state_dir: &StateDir,
    now_s: i64,
    change: impl FnOnce(&mut Vec<Silence>) -> T,
) -> Result<T, Error> {
    let failed = |error: StateError| Error::from(error);
    let held = state_dir.lock(FILE, LOCK_WAIT).map_err(failed)?;
    let bytes = held.read("json").map_err(failed)?;
    let mut silences = parse(bytes.as_deref(), now_s).or_else(|_| {
        held.quarantine("json").map_err(failed)?;
        Ok::<_, Error>(Vec::new())
    })?;
    let result = change(&mut silences);
    let file = File { schema: SCHEMA.to_owned(), silences };
    let bytes =
        serde_json::to_vec(&file).map_err(|error| Error::new(FailureKind::Output, error.to_string()))?;
    held.replace("json", &bytes).map_err(failed)?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(kind: SilenceKind, subscription: Option<&str>, problem: Option<&str>) -> Silence {
        Silence {
            kind,
            subscription: subscription.map(str::to_owned),
            problem: problem.map(str::to_owned),
            since_s: 100,
            until_s: 200,
            by: "ann".to_owned(),
            reason: String::new(),
        }
    }

    #[test]
    fn an_acknowledgement_is_about_the_problem_that_was_there() {
        let silences = Silences(vec![silence(SilenceKind::Ack, Some("main"), None)]);
        let of = |since_s| silences.ack("main", &["deposit"], since_s).is_some();
        assert_eq!((of(99), of(100), of(101)), (true, true, false));
        assert_eq!(silences.mute("main", &["deposit"]), None);
    }

    #[test]
    fn silences_are_kept_until_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let directory = StateDir::open(folder.path()).unwrap();
        let kept = |now_s| change(&directory, now_s, |silences| silences.len()).unwrap();
        change(&directory, 100, |silences| silences.push(silence(SilenceKind::Mute, None, None))).unwrap();
        assert_eq!((kept(199), kept(200), kept(199)), (1, 0, 0));
        std::fs::write(folder.path().join("silences.json"), "{").unwrap();
        assert_eq!(kept(199), 0);
        assert!(folder.path().join("silences.json.corrupt").exists());
    }

    #[test]
    fn a_silence_is_a_sentence() {
        let mute = Silence {
            reason: "new node".to_owned(),
            ..silence(SilenceKind::Mute, Some("main"), Some("unknown"))
        };
        assert_eq!(text(&mute, Lang::En), "muted: main unknown, until 1970-01-01 00:03 UTC (ann: new node)");
        let window = silence(SilenceKind::Maintenance, None, None);
        assert_eq!(
            text(&window, Lang::En),
            "maintenance: all subscriptions, until 1970-01-01 00:03 UTC (ann)"
        );
    }
}
