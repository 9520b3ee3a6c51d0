//! Names requests for the record's `views`.

use crate::transport::Request;

/// The name of a request in the record's `views`.
pub(super) fn request_name(request: &Request) -> String {
    match request {
        Request::View(call) => call.function.to_string(),
        Request::TableItem { handle, .. } => format!("table {handle}"),
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
