//! Delivers messages to all channels at once within one deadline, with retries where they can help.

use std::time::{Duration, Instant};

use crate::message::Message;
use crate::payload::{Form, WebhookRequest, has_plain_form, request};
use crate::response::{WebhookResponse, attempt, failed_attempt};
use dvrf_cli::channel::Channel;
use supra_core::delivery::{Attempt, Disposition};
use supra_core::http::{Call, Http, Method};
use supra_core::retry::Backoff;
use supra_core::time::Clock;
use supra_core::transport::parallel;

/// The most bytes of a response that are read.
const RESPONSE_BYTES_MAX: u64 = 64 << 10;

/// Sends messages to channels.
#[derive(Debug, Clone)]
pub(crate) struct WebhookSender {
    pub http: Http,
    /// When all deliveries of the run must be done.
    pub deadline: Instant,
    /// The longest wait for one response.
    pub call_timeout: Duration,
    /// How many times a message is sent again.
    pub retries: u32,
    pub clock: Clock,
}

/// Delivers each channel's messages in order, all channels at once, and calls `on_attempt` for each as it ends. A
/// message that has to wait also holds back the messages behind it, so that their order is kept; a rejected one does
/// not.
pub(crate) fn deliver_all(
    sender: &WebhookSender,
    queues: &[(&Channel, Vec<Message>)],
    mut on_attempt: impl FnMut(&Channel, &Message, Attempt),
) {
    parallel::stream(
        queues,
        |(channel, messages), attempts| {
            for message in messages {
                let attempt = sender.send(channel, message);
                let must_wait =
                    matches!(attempt.disposition, Disposition::Retry { .. } | Disposition::Unauthorized);
                // The receiver outlives all senders.
                let _ = attempts.send((*channel, message, attempt));
                if must_wait {
                    break;
                }
            }
        },
        |(channel, message, attempt)| on_attempt(channel, message, attempt),
    );
}

impl WebhookSender {
    fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Sends a message until it is accepted or refused, or until retries or time run out.
    fn send(&self, channel: &Channel, message: &Message) -> Attempt {
        let mut backoff = Backoff::default();
        let mut form = Form::Rich;
        let (mut tries, mut retries, mut status) = (0, 0, None);
        loop {
            if self.remaining().is_zero() {
                let reason = Some("no time was left to send it".to_owned());
                return Attempt { disposition: Disposition::Retry { after: None }, reason, status, tries };
            }
            tries += 1;
            let attempt = self.call(channel, &request(channel, message, form, self.clock.now()));
            let is_bad_request = attempt.status == Some(400);
            status = attempt.status.or(status);
            match attempt.disposition {
                Disposition::Rejected
                    if is_bad_request && form == Form::Rich && has_plain_form(channel.kind) =>
                {
                    form = Form::Plain;
                }
                Disposition::Retry { after } => {
                    let wait = after.unwrap_or_else(|| backoff.next_wait());
                    if retries == self.retries || wait >= self.remaining() {
                        return Attempt { status, tries, ..attempt };
                    }
                    retries += 1;
                    std::thread::sleep(wait);
                }
                _ => return Attempt { status, tries, ..attempt },
            }
        }
    }

    /// Sends a single request. The reason of the attempt contains no secret.
    pub(crate) fn call(&self, channel: &Channel, request: &WebhookRequest) -> Attempt {
        let headers: Vec<_> = channel.endpoint.headers.iter().chain(&request.headers).cloned().collect();
        let answer = self.http.send(&Call {
            method: Method::Post,
            url: request.url.reveal(),
            headers: &headers,
            body: &request.body,
            content_type: request.content_type,
            timeout: self.call_timeout.min(self.remaining()).max(Duration::from_millis(1)),
            body_bytes_max: RESPONSE_BYTES_MAX,
        });
        match answer {
            Err(error) => failed_attempt(&error),
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body);
                let response = WebhookResponse {
                    status: answer.status,
                    retry_after: answer.header("retry-after"),
                    body: &body,
                    printable_body: &channel.sanitize(&body),
                };
                attempt(channel.kind, response)
            }
        }
    }
}
