//! Sending under one deadline: again where the receiver may take it later, never where it said no.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::message::Message;
use super::payload::{Form, WebhookRequest, has_plain_form, request};
use super::reply::{Meaning, Reply, meaning, no_answer};
use dvrf_cli::channel::Channel;
use supra_core::http::{Call, Http, Method};
use supra_core::retry::Backoff;
use supra_core::time::Clock;

/// Receivers answer in a few words; more is not read.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What one run's deliveries share.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// The connections.
    pub http: Http,
    /// When the run must be over with.
    pub deadline: Instant,
    /// The longest wait for one answer.
    pub per_call: Duration,
    /// How often a message is sent again.
    pub retries: u32,
    /// The time, for what the receivers are told of it.
    pub clock: Clock,
    /// Spreads the waits of runs that began together.
    pub seed: u64,
}

/// How sending one message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The end.
    pub end: End,
    /// How often it was sent.
    pub attempts: u32,
    /// The last status, where there was an answer.
    pub status: Option<u16>,
}

/// The end of sending one message. `why` is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Taken.
    Delivered,
    /// Not in this run.
    Later {
        /// Why.
        why: String,
        /// Not before this second, where the receiver asked for it.
        not_before_s: Option<i64>,
    },
    /// The content was refused.
    Refused {
        /// Why.
        why: String,
    },
    /// The address was refused.
    NoEntry {
        /// Why.
        why: String,
        /// What to do.
        fix: &'static str,
        /// Whether it must never be called again.
        gone: bool,
    },
}

impl End {
    /// Why not.
    pub(crate) fn why(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Later { why, .. } | Self::Refused { why } | Self::NoEntry { why, .. } => Some(why),
        }
    }
}

/// Sends every channel its messages, oldest first, all channels at once; `done` hears of each as it ends. A message
/// that has to wait holds back those behind it, so that the order stays; one that was refused does not.
pub(crate) fn deliver(
    sender: &Sender,
    queues: &[(&Channel, Vec<Message>)],
    mut done: impl FnMut(&Channel, &Message, Delivery),
) {
    std::thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let send_all = |position: usize, tell: &mpsc::Sender<_>| {
            let Some((channel, messages)) = queues.get(position) else { return };
            for (index, message) in messages.iter().enumerate() {
                let delivery = sender.send(channel, message);
                let stop = matches!(delivery.end, End::Later { .. } | End::NoEntry { .. });
                // The receiver lives as long as this scope.
                let _ = tell.send((position, index, delivery));
                if stop {
                    break;
                }
            }
        };
        // Where the system gives no more threads, this one sends: later, but all.
        let alone: Vec<usize> = (0..queues.len())
            .filter(|position| {
                let (position, tell) = (*position, tell.clone());
                let thread = std::thread::Builder::new();
                thread.spawn_scoped(scope, move || send_all(position, &tell)).is_err()
            })
            .collect();
        for position in alone {
            send_all(position, &tell);
        }
        drop(tell);
        for (position, index, delivery) in told {
            if let Some((channel, message)) =
                queues.get(position).and_then(|(channel, messages)| Some((*channel, messages.get(index)?)))
            {
                done(channel, message, delivery);
            }
        }
    });
}

impl Sender {
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Sends a message until it is taken, refused, or the time is over.
    pub(crate) fn send(&self, channel: &Channel, message: &Message) -> Delivery {
        let mut backoff = Backoff::new(self.seed ^ u64::from_le_bytes(seed_of(&message.id)));
        let mut form = Form::Rich;
        let mut attempts = 0;
        let mut status = None;
        let mut repeats = 0;
        loop {
            if self.left().is_zero() {
                let why = "no time was left to send it".to_owned();
                return Delivery { end: End::Later { why, not_before_s: None }, attempts, status };
            }
            attempts += 1;
            let (found, answered) = self.call(channel, &request(channel, message, form, self.clock.now()));
            status = answered.or(status);
            let end = match found {
                Meaning::Taken => End::Delivered,
                Meaning::Refused { .. }
                    if answered == Some(400) && form == Form::Rich && has_plain_form(channel.kind) =>
                {
                    form = Form::Plain;
                    continue;
                }
                Meaning::Refused { why } => End::Refused { why },
                Meaning::NoEntry { why, fix, gone } => End::NoEntry { why, fix, gone },
                Meaning::Again { why, after } => {
                    let wait = after.unwrap_or_else(|| backoff.next_wait());
                    if repeats < self.retries && wait < self.left() {
                        repeats += 1;
                        std::thread::sleep(wait);
                        continue;
                    }
                    let second = |after| self.clock.now_s().saturating_add_unsigned(after);
                    End::Later { why, not_before_s: after.map(|after| second(after.as_secs())) }
                }
            };
            return Delivery { end, attempts, status };
        }
    }

    /// One request and what its answer means; nothing secret is left in the words.
    pub(crate) fn call(&self, channel: &Channel, request: &WebhookRequest) -> (Meaning, Option<u16>) {
        let headers: Vec<_> = channel.endpoint.headers.iter().chain(&request.headers).cloned().collect();
        let call = Call {
            method: Method::Post,
            url: request.url.reveal(),
            headers: &headers,
            body: &request.body,
            content_type: request.content_type,
            timeout: self.per_call.min(self.left()).max(Duration::from_millis(1)),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        match self.http.send(&call) {
            Err(error) => (no_answer(&error), None),
            Ok(answer) => {
                let body = channel.sanitize(&String::from_utf8_lossy(&answer.body));
                let retry_after = answer.header("retry-after");
                // The meaning is read from the body as it came; only its words are made safe.
                let raw = String::from_utf8_lossy(&answer.body);
                let found = meaning(channel.kind, Reply { status: answer.status, retry_after, body: &raw });
                (shown(found, answer.status, &body), Some(answer.status))
            }
        }
    }
}

/// Puts the safe body in the place of the raw one.
fn shown(meaning: Meaning, status: u16, body: &str) -> Meaning {
    let safe = |why: String| match why.split_once(": ") {
        Some((first, _)) if !(300..=399).contains(&status) => format!("{first}: {body}"),
        _ => why,
    };
    match meaning {
        Meaning::Taken => Meaning::Taken,
        Meaning::Again { why, after } => Meaning::Again { why: safe(why), after },
        Meaning::Refused { why } => Meaning::Refused { why: safe(why) },
        Meaning::NoEntry { why, fix, gone } => Meaning::NoEntry { why: safe(why), fix, gone },
    }
}

fn seed_of(id: &str) -> [u8; 8] {
    let mut seed = [0; 8];
    for (slot, byte) in seed.iter_mut().zip(id.bytes()) {
        *slot = byte;
    }
    seed
}
