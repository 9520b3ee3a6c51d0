//! Names requests for the record's `views`, and reads the chain id, which is not in the catalogue.

use super::Collected;
use crate::failure::{Failure, FailureKind};
use crate::move_value::Node;
use crate::target::Target;
use crate::transport::{Reply, Request};
use crate::view_report::ViewReport;

/// The name of a request in the record's `views`.
pub(super) fn request_name(request: &Request) -> String {
    match request {
        Request::View(call) => call.function.to_string(),
        Request::ModuleAbi { account, module } => format!("{account}::{module}"),
        Request::ChainId => "chain id".to_owned(),
        Request::NodeVersion => "version".to_owned(),
        Request::Block { .. } => "block".to_owned(),
        Request::Transaction { hash } => hash.clone(),
        Request::Resource { type_tag, .. }
        | Request::Events { type_tag, .. }
        | Request::EventsV1 { type_tag, .. } => type_tag.clone(),
    }
}

/// Stores the chain id of a reply and compares it with the expected one.
pub(super) fn read_chain_id(reply: &Reply, target: &Target, collected: &mut Collected) {
    let result = reply
        .result
        .clone()
        .and_then(|value| Ok(Node::root(&value).returned(0).and_then(|node| node.u8())?));
    let mut report = ViewReport {
        function: Some(request_name(&Request::ChainId)),
        duration_ms: reply.elapsed_ms(),
        attempts: reply.attempts,
        ..ViewReport::default()
    };
    match result {
        Ok(id) => {
            collected.state.chain.id = Some(id);
            if let Some(expected) = target.chain_id.filter(|expected| *expected != id) {
                let message = format!("the node serves chain {id}, expected is {expected}");
                report.error = Some(Failure::new(FailureKind::WrongChain, message));
            }
        }
        Err(error) => report.error = Some(error.into()),
    }
    collected.views.insert("chain_id".to_owned(), report);
}
