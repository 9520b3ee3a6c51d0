//! A dead man's switch: it is told that a run began, and how it ended; silence is its alarm.

use super::WebhookRequest;
use crate::escape::verbatim;
use crate::message::Message;
use crate::truncate::truncate;
use dvrf_cli::channel::Channel;
use supra_core::check::Status;
use supra_core::secret::Secret;

/// What is signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A run began.
    Start,
    /// It ended well.
    Ok,
    /// It ended badly.
    Fail,
}

impl Signal {
    pub(super) fn of(message: &Message) -> Self {
        if message.status == Status::Ok { Self::Ok } else { Self::Fail }
    }
}

/// healthchecks keeps 100 kB; the last lines of a run are enough.
const BODY_UNITS_MAX: usize = 10_000;

/// The request: the signal is the last part of the path, `rid` ties a run's two together.
pub fn signal(channel: &Channel, signal: Signal, run: &str, text: &str) -> WebhookRequest {
    let (address, query) =
        channel.endpoint.url.reveal().split_once('?').unwrap_or((channel.endpoint.url.reveal(), ""));
    let end = match signal {
        Signal::Start => "/start",
        Signal::Ok => "",
        Signal::Fail => "/fail",
    };
    let and = if query.is_empty() { String::new() } else { format!("{query}&") };
    // healthchecks wants a UUID; the first 32 digits of our id padded make one.
    let digits = format!("{run:0<32}");
    let part = |range| digits.get(range).unwrap_or_default();
    let run = format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32));
    WebhookRequest {
        url: Secret::new(&format!("{}{end}?{and}rid={run}", address.trim_end_matches('/'))),
        headers: Vec::new(),
        body: truncate(text, BODY_UNITS_MAX, verbatim).into_bytes(),
        content_type: "text/plain; charset=utf-8",
    }
}
