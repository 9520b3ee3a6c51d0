//! The route of each request, below `/rpc/VERSION`.

use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, utf8_percent_encode};

use crate::transport::{PAGE_V3, Request};

/// The path and the query. Both heights are always sent, because some nodes fail without them.
pub(super) fn of(request: &Request) -> String {
    match request {
        Request::View(_) => "/view".to_owned(),
        Request::Resource { account, type_tag } => {
            format!("/accounts/{account}/resources/{}", path_segment(type_tag))
        }
        Request::TableItem { handle, .. } => format!("/tables/{handle}/item"),
        Request::ModuleAbi { account, module } => format!("/accounts/{account}/modules/{module}"),
        Request::ChainId => "/transactions/chain_id".to_owned(),
        Request::Transaction { hash } => format!("/transactions/{}", path_segment(hash)),
        Request::NodeVersion => "/version".to_owned(),
        Request::Block { height: None, .. } => "/block".to_owned(),
        Request::Block { height: Some(height), transactions } => {
            let query = if *transactions { "?with_finalized_transactions=true" } else { "" };
            format!("/block/height/{height}{query}")
        }
        Request::Events { type_tag, from, to, cursor } => {
            let cursor = cursor.as_ref().map(|cursor| format!("&start={cursor}")).unwrap_or_default();
            let tag = path_segment(type_tag);
            format!("/events/{tag}?start_height={from}&end_height={to}&limit={PAGE_V3}{cursor}")
        }
        Request::EventsV1 { type_tag, from, to } => {
            format!("/events/{}?start={from}&end={to}", path_segment(type_tag))
        }
    }
}

/// The path-segment percent-encode set of the URL standard, with `%` itself.
const PATH_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'^')
    .add(b'\\')
    .add(b'|');

fn path_segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, PATH_SEGMENT)
}
