//! Delivers messages to all channels at once, each within its own deadline, with retries where they can help.

use std::time::{Duration, Instant};

use crate::merge::Parcel;
use crate::message::Message;
use crate::payload::{Form, WebhookRequest, follow_up, has_plain_form, request};
use crate::response::{WebhookResponse, attempt, failed_attempt};
use crate::smtp;
use dvrf_cli::channel::{Channel, ChannelKind, Receiver};
use supra_core::delivery::{Attempt, Disposition};
use supra_core::http::{Call, Http};
use supra_core::retry::Backoff;
use supra_core::time::Clock;
use supra_core::transport::parallel;

/// The most bytes of a response that are read.
const RESPONSE_BYTES_MAX: u64 = 64 << 10;

/// Sends messages to channels.
#[derive(Debug, Clone)]
pub(crate) struct WebhookSender {
    pub http: Http,
    /// When the deliveries to a channel must be done.
    pub deadline: Instant,
    /// The longest wait for one response of a receiver that joins duplicates.
    pub call_timeout: Duration,
    /// How many times a message is sent again.
    pub retries: u32,
    pub clock: Clock,
}

/// The messages of one channel, and the sender with the time that the channel has.
pub(crate) struct Queue<'a> {
    pub channel: &'a Channel,
    pub sender: WebhookSender,
    pub parcels: Vec<Parcel>,
}

/// Delivers each channel's messages in order, all channels at once, and calls `on_attempt` for each as it ends. The first
/// message that is not taken also holds back the messages behind it, so that their order is kept and a dead receiver is
/// waited for once; a rejected one does not.
pub(crate) fn deliver_all(queues: &[Queue], mut on_attempt: impl FnMut(&Channel, &Parcel, Attempt)) {
    parallel::stream(
        queues,
        |queue, attempts| {
            for parcel in &queue.parcels {
                let attempt = queue.sender.send(queue.channel, &parcel.message);
                let must_wait = must_wait(&attempt);
                // The receiver outlives all senders.
                let _ = attempts.send((queue.channel, parcel, attempt));
                if must_wait {
                    break;
                }
            }
        },
        |(channel, parcel, attempt)| on_attempt(channel, parcel, attempt),
    );
}

/// Whether a message was neither taken nor refused.
pub(crate) fn must_wait(attempt: &Attempt) -> bool {
    matches!(attempt.disposition, Disposition::Retry { .. } | Disposition::Unauthorized)
}

impl WebhookSender {
    /// The longest wait for one response. A receiver that cannot recognise a duplicate is waited for as long as there is
    /// time: if it is only slow, it gets one copy.
    fn longest_wait(&self, kind: ChannelKind) -> Duration {
        let remaining = self.remaining();
        if kind.joins_duplicates() { self.call_timeout.min(remaining) } else { remaining }
    }

    fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Sends a message until it is accepted or refused, or until retries or time run out.
    fn send(&self, channel: &Channel, message: &Message) -> Attempt {
        if let Receiver::Mail(mail) = &channel.receiver {
            return self.send_forms(channel.kind, |_| {
                smtp::send(channel, mail, message, self.http.roots(), self.longest_wait(channel.kind))
            });
        }
        let now = || self.clock.now();
        let first =
            self.send_forms(channel.kind, |form| self.call(channel, &request(channel, message, form, now())));
        match follow_up(channel, message).filter(|_| first.disposition == Disposition::Accepted) {
            Some(next) => self.send_request(channel, &next),
            None => first,
        }
    }

    /// Sends a request with retries.
    pub(crate) fn send_request(&self, channel: &Channel, request: &WebhookRequest) -> Attempt {
        self.send_forms(channel.kind, |_| self.call(channel, request))
    }

    /// Sends a message in its rich form, then in its plain form if its markup is refused, with retries.
    fn send_forms(&self, kind: ChannelKind, send: impl Fn(Form) -> Attempt) -> Attempt {
        let mut backoff = Backoff::default();
        let mut form = Form::Rich;
        let (mut tries, mut retries, mut status) = (0, 0, None);
        loop {
            if self.remaining().is_zero() {
                let reason = Some("no time was left to send it".to_owned());
                return Attempt { disposition: Disposition::Retry { after: None }, reason, status, tries };
            }
            tries += 1;
            let attempt = send(form);
            let is_bad_request = attempt.status == Some(400);
            status = attempt.status.or(status);
            match attempt.disposition {
                Disposition::Rejected if is_bad_request && form == Form::Rich && has_plain_form(kind) => {
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
    fn call(&self, channel: &Channel, request: &WebhookRequest) -> Attempt {
        let headers: Vec<_> = channel.headers().iter().chain(&request.headers).cloned().collect();
        let answer = self.http.send(&Call {
            method: request.method,
            url: request.url.reveal(),
            headers: &headers,
            body: &request.body,
            content_type: request.content_type,
            timeout: self.longest_wait(channel.kind).max(Duration::from_millis(1)),
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
