//! Responses of REST nodes: an answer has the shape that was asked for and is part of the body; an error page is never
//! an answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use supra_core::address::Address;
use supra_core::transport::{Block, EventPage, Request};
use supra_core::view::ViewCall;
use supra_core::{abort, error, failure, metadata, transport};

// The module is private, so its source is included. It uses the five modules imported above as its crate's own.
#[allow(dead_code, reason = "the target uses a part of the file")]
#[path = "../../../../crates/supra-core/src/transport/rpc/envelope.rs"]
mod envelope;
use envelope::open;

fn holds(body: &Value, wanted: &Value) -> bool {
    body == wanted
        || match body {
            Value::Array(items) => items.iter().any(|item| holds(item, wanted)),
            Value::Object(fields) => fields.values().any(|item| holds(item, wanted)),
            _ => false,
        }
}

fuzz_target!(|data: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    let account = Address::FRAMEWORK;
    let function = "0x1::timestamp::now_microseconds".parse().expect("a function");
    let requests = [
        Request::View(ViewCall { function, type_arguments: vec![], arguments: vec![] }),
        Request::Resource { account, type_tag: "0x1::m::S".into() },
        Request::TableItem {
            handle: account,
            key_type: "u64".into(),
            value_type: "0x1::m::S".into(),
            key: "1".into(),
        },
        Request::ModuleAbi { account, module: "m".into() },
        Request::ChainId,
        Request::NodeVersion,
        Request::Transaction { hash: "0x1".into() },
        Request::Block { height: None, transactions: true },
        Request::Events { type_tag: "0x1::m::E".into(), from: 0, to: 9, cursor: None },
        Request::EventsV1 { type_tag: "0x1::m::E".into(), from: 0, to: 9 },
    ];
    let refusal = body.get("message").is_some_and(Value::is_string) && body.get("result").is_none();
    for request in &requests {
        match open(request, body.clone(), Some("c\u{1b}")) {
            Err(failure) => oracle::one_plain_line(&failure.message(), 1500),
            Ok(answer) => {
                assert!(!refusal, "a refusal is no answer: {body}");
                match request {
                    Request::View(_) => assert!(answer.is_array() && holds(&body, &answer)),
                    Request::Resource { .. } => assert!(answer.is_object() && holds(&body, &answer)),
                    Request::TableItem { .. } => assert!(holds(&body, &answer)),
                    // The bytecode's metadata completes it.
                    Request::ModuleAbi { .. } => assert!(answer.is_object()),
                    Request::ChainId | Request::NodeVersion | Request::Transaction { .. } => {
                        assert_eq!(answer, body);
                    }
                    Request::Block { .. } => {
                        serde_json::from_value::<Block>(answer).expect("a block");
                    }
                    Request::Events { .. } => {
                        let page: EventPage = serde_json::from_value(answer).expect("a page");
                        assert!(page.cursor.is_none(), "a cursor goes into a URL");
                        assert!(page.rows.iter().all(|row| row.height.is_some() && holds(&body, &row.data)));
                    }
                    Request::EventsV1 { .. } => {
                        let page: EventPage = serde_json::from_value(answer).expect("a page");
                        assert!(page.rows.iter().all(|row| holds(&body, &row.data)));
                    }
                }
            }
        }
    }
});
