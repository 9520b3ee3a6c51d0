//! Pings of dead man's switches when a run starts and ends. A switch raises its alarm when the pings stop.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::delivery::WebhookSender;
use crate::payload::ping::{Signal, ping_request};
use dvrf_cli::Session;
use dvrf_cli::channel::{Channel, Level};
use dvrf_cli::exit::Exit;

/// The pings of one run.
pub(crate) struct Heartbeat {
    channels: Vec<Channel>,
    sender: WebhookSender,
    timeout: Duration,
    run_id: String,
    started: Vec<JoinHandle<Option<String>>>,
}

impl Heartbeat {
    /// Pings that the run has started, in parallel to the run itself.
    pub(crate) fn start(
        channels: Vec<Channel>,
        sender: WebhookSender,
        timeout: Duration,
        run_id: String,
    ) -> Self {
        let mut heartbeat = Self { channels, sender, timeout, run_id, started: Vec::new() };
        for channel in heartbeat.channels.clone() {
            let (sender, run_id) = (heartbeat.sender(), heartbeat.run_id.clone());
            let start = move || ping(&sender, &channel, Signal::Start, &run_id, "");
            // If the system refuses another thread, only the end of the run is pinged.
            heartbeat.started.extend(std::thread::Builder::new().spawn(start));
        }
        heartbeat
    }

    fn sender(&self) -> WebhookSender {
        WebhookSender { deadline: Instant::now() + self.timeout, ..self.sender.clone() }
    }

    /// Pings how the run ended. A failed ping is only logged: the missing ping itself raises the alarm.
    pub(crate) fn finish(mut self, level: Level, exit: Exit, messages: &str, session: &Session) {
        let mut errors: Vec<String> =
            self.started.drain(..).filter_map(|start| start.join().ok().flatten()).collect();
        for channel in &self.channels {
            let has_failed = level >= channel.min || exit == Exit::CannotAnswer || exit == Exit::Busy;
            let signal = if has_failed { Signal::Fail } else { Signal::Ok };
            errors.extend(ping(&self.sender(), channel, signal, &self.run_id, messages));
        }
        errors.dedup();
        for error in errors {
            session.log("warning", &error);
        }
    }
}

/// Sends one ping; returns what to log if it fails.
fn ping(
    sender: &WebhookSender,
    channel: &Channel,
    signal: Signal,
    run_id: &str,
    text: &str,
) -> Option<String> {
    let reason = sender.send_request(channel, &ping_request(channel, signal, run_id, text)).reason?;
    Some(format!("channel {}: the ping was not taken: {reason}", channel.name))
}
