//! When each subscription's report was last complete. An exporter keeps it in memory, a single run in the state directory.

use std::collections::BTreeMap;
use std::time::Duration;

use dvrf_cli::Session;
use dvrf_cli::args::StateArgs;
use jiff::Timestamp;
use supra_core::error::Error;
use supra_core::state_dir::LockedState;

const STATE_NAME: &str = "prom";
const STATE_KIND: &str = "json";
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The time of the last complete report, by the subscription's label.
#[derive(Default)]
pub(crate) struct LastSuccess {
    /// Unix time in seconds.
    times: BTreeMap<String, i64>,
    /// Locked from `load` to `save`, so that a concurrent run loses no time.
    file: Option<LockedState>,
}

impl LastSuccess {
    /// Reads the state directory, if one is set. If that fails, it logs why and starts empty, so that the metrics go on.
    pub(crate) fn load(session: &Session) -> Self {
        Self::try_load(session).unwrap_or_else(|failure| {
            session.log_error(&failure);
            Self::default()
        })
    }

    fn try_load(session: &Session) -> Result<Self, Error> {
        let Some(directory) = StateArgs::open(&session.settings)? else { return Ok(Self::default()) };
        let file = directory.lock(STATE_NAME, LOCK_WAIT)?;
        let times = match file.read(STATE_KIND)? {
            None => BTreeMap::new(),
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                if let Ok(aside) = file.quarantine(STATE_KIND) {
                    let sentence =
                        format!("the memory of prom was not readable and is now {}", aside.display());
                    session.log("warning", &sentence);
                }
                BTreeMap::new()
            }),
        };
        Ok(Self { times, file: Some(file) })
    }

    /// Adds a success and returns the time of the latest one. A clock that jumped back does not replace a later time.
    pub(crate) fn update(&mut self, subscription: &str, success: Option<Timestamp>) -> Option<Timestamp> {
        if let Some(success) = success {
            self.raise(subscription.to_owned(), success.as_second());
        }
        self.times.get(subscription).and_then(|seconds| Timestamp::from_second(*seconds).ok())
    }

    /// Adds the times that another run saved, and takes over its lock.
    pub(crate) fn merge(&mut self, other: Self) {
        for (subscription, seconds) in other.times {
            self.raise(subscription, seconds);
        }
        self.file = other.file;
    }

    fn raise(&mut self, subscription: String, seconds: i64) {
        let last = self.times.entry(subscription).or_insert(seconds);
        *last = seconds.max(*last);
    }

    /// Writes the state directory and releases the lock.
    pub(crate) fn save(&mut self, session: &Session) {
        let Some(file) = self.file.take() else { return };
        let bytes = serde_json::to_vec(&self.times).unwrap_or_default();
        if let Err(error) = file.replace(STATE_KIND, &bytes) {
            session.log_error(&error.into());
        }
    }
}
