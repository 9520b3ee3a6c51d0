//! The JSON schema of `dvrf.toml`, for editors; made from the tables that the parser uses.

use dvrf_cli::channel::{ChannelKind, Level};
use dvrf_cli::settings::file::keys::{key, known, takes_list, variables_of};
use serde_json::{Map, Value, json};

/// A value of a setting: text or a number, or a list where the setting takes one.
fn value(description: &str, is_list: bool) -> Value {
    let mut types = vec!["string", "number", "boolean"];
    types.extend(is_list.then_some("array"));
    let mut value = json!({"type": types});
    if let Some(found) = value.as_object_mut().filter(|_| !description.is_empty()) {
        found.insert("description".to_owned(), json!(description));
    }
    value
}

fn table(properties: &Map<String, Value>, required: &[&str]) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn settings(name: &str) -> Map<String, Value> {
    let mut properties = Map::new();
    for variable in variables_of(name) {
        let key = key(variable);
        properties.insert(key.clone(), value(variable.meaning, takes_list(&key)));
        if variable.secret {
            properties.insert(format!("{key}_file"), value("File that holds it.", false));
            properties.insert(format!("{key}_env"), value("Variable that holds it.", false));
        }
    }
    properties
}

fn keys(name: &str) -> Map<String, Value> {
    known(name).into_iter().map(|key| (key.clone(), value("", takes_list(&key)))).collect()
}

/// The options of a kind of channel, in the spelling of the file.
fn channel(name: &str, kind: ChannelKind) -> Value {
    let levels: Vec<&str> = Level::ALL.iter().map(|(name, _)| *name).collect();
    let mut properties: Map<String, Value> =
        kind.options().iter().map(|option| (option.replace('-', "_"), value("", false))).collect();
    properties.insert("kind".to_owned(), json!({"const": name}));
    properties.insert("min".to_owned(), json!({"enum": levels}));
    table(&properties, &["kind"])
}

/// The schema.
pub(crate) fn schema() -> Value {
    let flags = ["thresholds", "alerts"].map(|name| (name, table(&keys(name), &[])));
    let fund = table(&settings("fund"), &[]);
    let mut subscription = keys("subscription");
    subscription.insert("fund".to_owned(), fund.clone());
    let mut top = settings("");
    for (name, table) in flags {
        subscription.insert(name.to_owned(), table.clone());
        top.insert(name.to_owned(), table);
    }
    for name in ["prom", "draw"] {
        top.insert(name.to_owned(), table(&settings(name), &[]));
    }
    top.insert("fund".to_owned(), fund);
    top.insert("rpc_urls".to_owned(), table(&keys("rpc_urls"), &[]));
    let channels: Vec<Value> = ChannelKind::ALL.iter().map(|(name, kind)| channel(name, *kind)).collect();
    let subscription = table(&subscription, &["name"]);
    let maintenance = table(&keys("maintenance"), &[]);
    top.insert("subscription".to_owned(), json!({"type": "array", "items": subscription}));
    top.insert("maintenance".to_owned(), json!({"type": "array", "items": maintenance}));
    top.insert("channel".to_owned(), json!({"type": "array", "items": {"oneOf": channels}}));
    let mut schema = table(&top, &[]);
    if let Some(found) = schema.as_object_mut() {
        found.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        found.insert("title".to_owned(), json!("dvrf.toml"));
    }
    schema
}
