//! The configured nodes, each asked by itself: a top-up is sent only when none of them shows that it is not needed.

use std::time::{Duration, Instant};

use dvrf_cli::connect::TargetReader;
use dvrf_cli::settings::Settings;
use supra_core::client::fund::FundSight;
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::submit::journal::Fate;
use supra_core::target::Target;

/// The longest wait for one node's answer to one of these questions.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// How often a node is asked again until it shows something.
const POLL: Duration = Duration::from_millis(500);
/// One URL may stand for several nodes that take turns, so that it is asked this often.
const SAMPLES: usize = 3;

pub(crate) struct Nodes {
    first: TargetReader,
    others: Vec<TargetReader>,
    target: Target,
}

impl Nodes {
    pub(crate) fn open(settings: &Settings, target: &Target) -> Result<Self, Error> {
        let mut readers = TargetReader::open_each(settings)?.into_iter();
        let none = || Error::new(FailureKind::Config, "no node is configured");
        let first = readers.next().ok_or_else(none)?;
        Ok(Self { first, others: readers.collect(), target: target.clone() })
    }

    /// The node that this run reads.
    pub(crate) fn reader(&self) -> &TargetReader {
        &self.first
    }

    fn all(&self) -> impl Iterator<Item = &TargetReader> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The highest fund that any node shows, with the latest clock; one of another chain than the expected one fails.
    ///
    /// # Errors
    /// When no node answers.
    pub(crate) fn highest(&self) -> Result<FundSight, Error> {
        let samples = if self.first.client.identity().starts_with("rpc ") { SAMPLES } else { 1 };
        let mut best: Option<FundSight> = None;
        let mut failure = None;
        for reader in (0..samples).flat_map(|_| self.all()) {
            match self.sight(reader) {
                Ok(sight) => {
                    best = Some(best.map_or(sight, |best| FundSight {
                        balance: best.balance.max(sight.balance),
                        chain_id: best.chain_id.or(sight.chain_id),
                        chain_s: best.chain_s.max(sight.chain_s),
                    }));
                }
                Err(error) => failure = Some(error),
            }
        }
        let none = || Error::new(FailureKind::Unreachable, "no node shows the client's fund");
        best.ok_or_else(|| failure.unwrap_or_else(none))
    }

    fn sight(&self, reader: &TargetReader) -> Result<FundSight, Error> {
        let sight = reader.client.fund_sight(&self.target, LIMIT)?;
        match (self.target.chain_id, sight.chain_id) {
            (Some(expected), Some(found)) if expected != found => {
                let message = format!("the node serves chain {found}, expected is {expected}");
                Err(Error::new(FailureKind::WrongChain, message))
            }
            _ => Ok(sight),
        }
    }

    /// What the nodes say of a transaction; `None` where none can be asked.
    pub(crate) fn fate(&self, hash: &str) -> Option<Fate> {
        let fates = self.all().filter_map(|reader| reader.client.fate(hash, LIMIT).ok());
        let rank = |fate: &Fate| match fate {
            Fate::Succeeded => 3,
            Fate::Failed(_) => 2,
            Fate::Pending => 1,
            Fate::Absent => 0,
        };
        fates.max_by_key(rank)
    }
}

/// Asks until `shows` finds what it looks for, at least once and for at most `limit`.
pub(crate) fn until<T>(limit: Duration, shows: impl Fn() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = shows() {
            return Some(found);
        }
        let left = limit.saturating_sub(start.elapsed());
        if left.is_zero() {
            return None;
        }
        std::thread::sleep(POLL.min(left));
    }
}
