//! Unwraps response bodies of all node versions.

use serde_json::Value;

use crate::abort::classify_view;
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::metadata::module_abi;
use crate::transport::{Block, EventPage, EventRow, Request};

/// Extracts the reply from the body of a successful response.
pub(super) fn open(request: &Request, body: Value, cursor: Option<&str>) -> Result<Value, Error> {
    if let Some(message) = body.get("message").and_then(Value::as_str)
        && body.get("result").is_none()
    {
        return Err(classify_view(message).into());
    }
    match request {
        Request::View(_) => view(body),
        Request::Resource { type_tag, .. } => {
            let inner = unwrapped(body).ok_or_else(|| absent(type_tag))?;
            let data = inner.get("data").filter(|data| data.is_object()).cloned();
            let data = data.unwrap_or(inner);
            if data.is_object() { Ok(data) } else { Err(undecodable("a resource object", &data)) }
        }
        Request::TableItem { .. } => unwrapped(body).ok_or_else(|| absent("the item")),
        Request::ModuleAbi { module, .. } => {
            let inner = unwrapped(body).ok_or_else(|| absent(module))?;
            module_abi(inner).ok_or_else(|| absent(module))
        }
        Request::ChainId => match body {
            Value::Number(_) | Value::String(_) => Ok(body),
            other => Err(undecodable("a chain id", &other)),
        },
        Request::NodeVersion => match body {
            Value::Object(_) => Ok(body),
            other => Err(undecodable("the node's version", &other)),
        },
        Request::Block { .. } => block(&body).ok_or_else(|| undecodable("a block", &body)),
        // `null` where the node does not have it.
        Request::Transaction { .. } if body.is_null() || body.is_object() => Ok(body),
        Request::Transaction { .. } => Err(undecodable("a transaction", &body)),
        Request::Events { .. } => {
            let cursor = cursor.filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            page(&body, cursor, true).ok_or_else(|| undecodable("a list of events", &body))
        }
        Request::EventsV1 { .. } => {
            page(&body, None, false).ok_or_else(|| undecodable("a list of events", &body))
        }
    }
}

/// A whole number, as a JSON number or a string.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Decodes a block. Only v3 wraps the header; the time has three forms.
fn block(body: &Value) -> Option<Value> {
    let header = body.get("header").unwrap_or(body);
    let time = header.get("timestamp")?;
    let time = time.get("microseconds_since_unix_epoch").or_else(|| time.get("timestamp")).unwrap_or(time);
    let chain_id = header.pointer("/view/epoch_id/chain_id").and_then(whole);
    let transactions = body.get("transactions").or_else(|| header.get("transactions"));
    let transactions = transactions.and_then(Value::as_array).cloned().unwrap_or_default();
    let block = Block {
        height: whole(header.get("height")?)?,
        time_us: whole(time)?,
        chain_id: chain_id.and_then(|id| id.try_into().ok()),
        transactions,
    };
    serde_json::to_value(block).ok()
}

/// Decodes a page of events. v3 wraps each event and adds height and hash; v1 does neither.
fn page(body: &Value, cursor: Option<&str>, places: bool) -> Option<Value> {
    let rows = body.get("data").unwrap_or(body).as_array()?.iter().map(|row| {
        let event = row.get("event").unwrap_or(row);
        let (height, hash) = (row.get("block_height").and_then(whole), row.get("transaction_hash"));
        if places && height.is_none() {
            return None;
        }
        let hash = hash.and_then(Value::as_str).map(str::to_owned);
        Some(EventRow { height, hash, data: event.get("data")?.clone() })
    });
    let rows = rows.collect::<Option<Vec<_>>>()?;
    serde_json::to_value(EventPage { rows, cursor: cursor.map(str::to_owned) }).ok()
}

/// Decodes return values: `{"result": […]}`, or a bare array.
fn view(body: Value) -> Result<Value, Error> {
    match body {
        Value::Array(_) => Ok(body),
        Value::Object(mut fields) => match fields.remove("result") {
            Some(result @ Value::Array(_)) => Ok(result),
            Some(other) => Err(undecodable("a list of return values", &other)),
            None => Err(undecodable("an object with `result`", &Value::Object(fields))),
        },
        other => Err(undecodable("an object with `result`", &other)),
    }
}

/// Unwraps v1's `{"result": […]}`; `None` for its `null`, which means that nothing was found.
fn unwrapped(body: Value) -> Option<Value> {
    match body {
        Value::Null => None,
        Value::Object(mut fields) => match fields.remove("result") {
            Some(Value::Array(mut items)) if !items.is_empty() => {
                Some(items.swap_remove(0)).filter(|v| !v.is_null())
            }
            Some(Value::Array(_) | Value::Null) => None,
            Some(other) => Some(other),
            None => Some(Value::Object(fields)),
        },
        other => Some(other),
    }
}

fn absent(what: &str) -> Error {
    Error::new(FailureKind::Unsupported, format!("the account does not have {}", quote(what)))
}

fn undecodable(wanted: &str, found: &Value) -> Error {
    Error::new(
        FailureKind::Undecodable,
        format!("{wanted} is wanted, the node answered {}", quote(&found.to_string())),
    )
}

/// The only REST versions that have the request, where they are not all.
pub(super) fn only_versions(request: &Request) -> Option<&'static [&'static str]> {
    match request {
        Request::Events { .. } => Some(&["v3", "v4"]),
        Request::EventsV1 { .. } => Some(&["v1"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use serde_json::json;

    #[test]
    fn every_generation() {
        let call = crate::view::ViewCall {
            function: "0x1::timestamp::now_microseconds".parse().unwrap(),
            type_arguments: vec![],
            arguments: vec![],
        };
        let view = Request::View(call);
        let resource = Request::Resource { account: Address::FRAMEWORK, type_tag: "0x1::m::S".into() };
        let abi = Request::ModuleAbi { account: Address::FRAMEWORK, module: "m".into() };
        for (request, body, answer) in [
            (&view, json!({"result": ["1"]}), Some(json!(["1"]))),
            (&view, json!(["1"]), Some(json!(["1"]))),
            (&view, json!({"result": "1"}), None),
            (&view, json!({}), None),
            (&view, json!(null), None),
            (&resource, json!({"type": "0x1::m::S", "data": {"a": "1"}}), Some(json!({"a": "1"}))),
            (&resource, json!({"result": [{"a": "1"}]}), Some(json!({"a": "1"}))),
            (&resource, json!({"result": [null]}), None),
            (&resource, json!(null), None),
            (
                &abi,
                json!({"bytecode": "0x", "abi": {"name": "m"}}),
                Some(json!({"name": "m", "bytecode_id": "ed51d4c27063e889df1010ee"})),
            ),
            (&abi, json!({"result": [{"abi": {"name": "m"}}]}), Some(json!({"name": "m"}))),
            (
                &abi,
                json!({"name": "m", "exposed_functions": []}),
                Some(json!({"name": "m", "exposed_functions": []})),
            ),
            (&abi, json!({"bytecode": "0x"}), None),
            (&Request::ChainId, json!(6), Some(json!(6))),
            (&Request::ChainId, json!({"a": 1}), None),
        ] {
            assert_eq!(open(request, body.clone(), None).ok(), answer, "{body}");
        }
        let refused = open(&view, json!({"message": "FUNCTION_RESOLUTION_FAILURE"}), None).unwrap_err();
        assert_eq!(refused.kind(), FailureKind::Unsupported);
    }
}
