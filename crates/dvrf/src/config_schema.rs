//! The JSON schema of `dvrf.toml`, for editors; made from the tables that the parser uses.

use dvrf_cli::channel::ChannelKind;
use dvrf_cli::settings::file::keys::{key, known, variables_of};
use serde_json::{Map, Value, json};

/// A value of a setting: text, a number, or a list where the setting takes one.
fn any(description: &str) -> Value {
    json!({"description": description, "type": ["string", "number", "boolean", "array"]})
}

fn table(properties: &Map<String, Value>) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn settings(name: &str) -> Map<String, Value> {
    let mut properties = Map::new();
    for variable in variables_of(name) {
        let key = key(variable);
        properties.insert(key.clone(), any(variable.meaning));
        if variable.secret {
            properties.insert(format!("{key}_file"), any("File that holds it."));
            properties.insert(format!("{key}_env"), any("Variable that holds it."));
        }
    }
    properties
}

fn keys(name: &str) -> Map<String, Value> {
    known(name).into_iter().map(|key| (key, any(""))).collect()
}

/// The schema.
pub(crate) fn schema() -> Value {
    let thresholds = table(&keys("thresholds"));
    let mut subscription = keys("subscription");
    subscription.insert("thresholds".to_owned(), thresholds.clone());
    let mut subscription = table(&subscription);
    if let Some(found) = subscription.as_object_mut() {
        found.insert("required".to_owned(), json!(["name"]));
    }
    let kinds: Vec<&str> = ChannelKind::ALL.iter().map(|(name, _)| *name).collect();
    let channel = json!({
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": kinds}, "min": {"enum": ["ok", "info", "unknown", "warning", "critical"]}},
    });
    let mut top = settings("");
    for name in ["prom", "draw", "fund"] {
        top.insert(name.to_owned(), table(&settings(name)));
    }
    top.insert("rpc_urls".to_owned(), table(&keys("rpc_urls")));
    top.insert("thresholds".to_owned(), thresholds);
    top.insert("subscription".to_owned(), json!({"type": "array", "items": subscription}));
    top.insert("channel".to_owned(), json!({"type": "array", "items": channel}));
    let mut schema = table(&top);
    if let Some(found) = schema.as_object_mut() {
        found.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        found.insert("title".to_owned(), json!("dvrf.toml"));
    }
    schema
}
