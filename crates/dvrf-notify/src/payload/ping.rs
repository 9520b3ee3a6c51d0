//! The request that pings a dead man's switch.

use super::WebhookRequest;
use crate::escape::verbatim;
use crate::message::Message;
use crate::truncate::truncate;
use dvrf_cli::channel::Channel;
use supra_core::check::Status;
use supra_core::http::Method;
use supra_core::secret::Secret;

/// What a ping reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A run started.
    Start,
    /// A run ended without a problem.
    Ok,
    /// A run failed or found a problem.
    Fail,
}

impl Signal {
    pub(super) fn of(message: &Message) -> Self {
        if message.status == Status::Ok { Self::Ok } else { Self::Fail }
    }
}

/// The longest text of a ping, in UTF-16 units; healthchecks.io keeps 100 kB.
const BODY_UNITS_MAX: usize = 10_000;

/// The request of a ping. The signal is the last part of the path; `rid` connects the two pings of a run.
pub fn ping_request(channel: &Channel, signal: Signal, run_id: &str, text: &str) -> WebhookRequest {
    let url = channel.url();
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let suffix = match signal {
        Signal::Start => "/start",
        Signal::Ok => "",
        Signal::Fail => "/fail",
    };
    let query = if query.is_empty() { String::new() } else { format!("{query}&") };
    // healthchecks.io requires a UUID: our id, padded to 32 digits.
    let digits = format!("{run_id:0<32}");
    let part = |range| digits.get(range).unwrap_or_default();
    let rid = format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32));
    WebhookRequest {
        method: Method::Post,
        url: Secret::new(&format!("{}{suffix}?{query}rid={rid}", address.trim_end_matches('/'))),
        headers: Vec::new(),
        body: truncate(text, BODY_UNITS_MAX, verbatim).into_bytes(),
        content_type: "text/plain; charset=utf-8",
    }
}
