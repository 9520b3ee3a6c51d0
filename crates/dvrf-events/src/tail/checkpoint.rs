//! The checkpoint of `tail`, which survives restarts in the state directory.

use std::collections::BTreeMap;
use std::time::Duration;

use dvrf_cli::Session;
use dvrf_cli::args::StateArgs;
use dvrf_cli::settings::Settings;
use serde::{Deserialize, Serialize};
use supra_core::error::Error;
use supra_core::stable_id::stable_id;
use supra_core::state_dir::LockedState;

const STATE_KIND: &str = "tail.json";
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The next block to read, and which events of the blocks before it have been printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The first block that was asked for; `None` before the first reading.
    pub(super) start: Option<u64>,
    pub(super) next: u64,
    /// The heights of printed events by their ids, for the blocks that are read again.
    #[serde(rename = "told")]
    pub(super) printed: BTreeMap<String, u64>,
}

impl Checkpoint {
    /// Moves on to the block `next`, and forgets the events of blocks that are not read again.
    pub(super) fn advance(&mut self, next: u64, rescan: u64) {
        self.next = self.next.max(next);
        let first = self.next.saturating_sub(rescan);
        self.printed.retain(|_, height| *height >= first);
    }
}

/// The checkpoint's locked place in the state directory.
pub(super) struct CheckpointFile(LockedState);

impl CheckpointFile {
    /// Locks the checkpoint of these event types; `None` without a state directory. Each set of types has its own.
    pub(super) fn open(types: &[String], settings: &Settings) -> Result<Option<Self>, Error> {
        let Some(directory) = StateArgs::open(settings)? else { return Ok(None) };
        let name = format!("events-{}", stable_id(&[&types.join("\n")]));
        Ok(Some(Self(directory.lock(&name, LOCK_WAIT)?)))
    }

    /// Reads the checkpoint. One that cannot be parsed is set aside, and the run begins without a checkpoint.
    pub(super) fn load(&self, session: &Session) -> Result<Checkpoint, Error> {
        let Some(bytes) = self.0.read(STATE_KIND)? else { return Ok(Checkpoint::default()) };
        if let Ok(checkpoint) = serde_json::from_slice(&bytes) {
            return Ok(checkpoint);
        }
        let aside = self.0.quarantine(STATE_KIND)?;
        session.log("warning", &format!("the checkpoint cannot be read and is now {}", aside.display()));
        Ok(Checkpoint::default())
    }

    pub(super) fn save(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let bytes = serde_json::to_vec(checkpoint).unwrap_or_default();
        Ok(self.0.replace(STATE_KIND, &bytes)?)
    }
}
