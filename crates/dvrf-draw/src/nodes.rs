//! The configured nodes, each asked by itself: a decision combines the values of one node, and nothing is sent, nor
//! given up, before all of them were asked.

use std::cell::Cell;
use std::time::{Duration, Instant};

use dvrf_cli::connect::TargetReader;
use dvrf_cli::settings::Settings;
use supra_core::amount::Count;
use supra_core::client::ChainClient;
use supra_core::client::draws::Sight;
use supra_core::draw::{DrawError, DrawErrorCode};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::submit::journal::Fate;
use supra_core::target::Target;

/// The longest wait for one node's answer to one of these questions.
const LIMIT: Duration = Duration::from_secs(5);
/// How often a node is asked again until it shows something.
const POLL: Duration = Duration::from_millis(500);
/// One URL may stand for several nodes that take turns, so that it is asked this often.
const SAMPLES: usize = 3;
/// A node whose clock is this far behind another's with the same counter loses to it.
const BEHIND_S: i64 = 30;

pub(crate) struct Nodes {
    readers: Vec<TargetReader>,
    target: Target,
    /// The node that this run reads.
    pinned: Cell<usize>,
}

impl Nodes {
    pub(crate) fn open(settings: &Settings, target: &Target) -> Result<Self, Error> {
        let readers = TargetReader::open_each(settings)?;
        Ok(Self { readers, target: target.clone(), pinned: Cell::new(0) })
    }

    /// The node that this run reads.
    pub(crate) fn reader(&self) -> &TargetReader {
        &self.readers[self.pinned.get()]
    }

    /// The node's client.
    pub(crate) fn client(&self) -> &ChainClient {
        &self.reader().client
    }

    /// Asks all nodes at once. One of another chain than the expected one fails.
    pub(crate) fn survey(&self) -> Vec<Result<Sight, Error>> {
        let target = &self.target;
        self.each(|client| {
            let sight = client.sight(target, LIMIT)?;
            match (target.chain_id, sight.chain_id) {
                (Some(expected), Some(found)) if expected != found => {
                    let message = format!("the node serves chain {found}, expected is {expected}");
                    Err(Error::new(FailureKind::WrongChain, message))
                }
                _ => Ok(sight),
            }
        })
    }

    /// Chooses the node to read: of those with the highest counter the first that is not behind by its clock.
    ///
    /// # Errors
    /// When nodes contradict each other.
    pub(crate) fn pin(&self) -> Result<(), DrawError> {
        if self.readers.len() == 1 {
            return Ok(());
        }
        let sights = self.survey();
        refuse_contradiction(&sights)?;
        let best = highest(&sights);
        let of_best = |sight: &Sight| sight.lottery.rng_request_count >= best;
        let answered =
            || sights.iter().enumerate().filter_map(|(index, sight)| Some((index, sight.as_ref().ok()?)));
        let newest =
            answered().filter(|(_, sight)| of_best(sight)).filter_map(|(_, sight)| sight.chain_s).max();
        let is_near = |sight: &Sight| sight.chain_s >= newest.map(|newest| newest.saturating_sub(BEHIND_S));
        if let Some((index, _)) = answered().find(|(_, sight)| of_best(sight) && is_near(sight)) {
            self.pinned.set(index);
        }
        Ok(())
    }

    /// The highest counter of requests that any node shows.
    ///
    /// # Errors
    /// When no node shows one.
    pub(crate) fn highest(&self) -> Result<Count, Error> {
        highest_known(&self.samples())
    }

    /// The same, for a decision; `code` is that of the error when no node shows it.
    ///
    /// # Errors
    /// When no node shows one, or nodes contradict each other.
    pub(crate) fn highest_agreed(&self, code: DrawErrorCode) -> Result<Count, DrawError> {
        let sights = self.samples();
        refuse_contradiction(&sights)?;
        highest_known(&sights).map_err(|failure| DrawError::of(code, &failure))
    }

    fn samples(&self) -> Vec<Result<Sight, Error>> {
        let samples = if self.client().identity().starts_with("rpc ") { SAMPLES } else { 1 };
        (0..samples).flat_map(|_| self.survey()).collect()
    }

    /// The chain that the nodes serve, from the first that says so.
    pub(crate) fn chain_id(&self) -> Result<u8, Error> {
        if let Some(id) = self.target.chain_id {
            return Ok(id);
        }
        let sights = self.survey();
        let found = sights.iter().flatten().find_map(|sight| sight.chain_id);
        found.ok_or_else(|| {
            let failure = sights.into_iter().find_map(Result::err);
            failure
                .unwrap_or_else(|| Error::new(FailureKind::Undecodable, "no node says which chain it serves"))
                .with_hint("name the chain with DVRF_CHAIN_ID or DVRF_NETWORK")
        })
    }

    /// What the nodes say of a transaction; `None` where none can be asked.
    pub(crate) fn fate(&self, hash: &str) -> Option<Fate> {
        let fates = self.each(|client| client.fate(hash, LIMIT));
        let rank = |fate: &Fate| match fate {
            Fate::Succeeded => 3,
            Fate::Failed(_) => 2,
            Fate::Pending => 1,
            Fate::Absent => 0,
        };
        fates.into_iter().flatten().max_by_key(rank)
    }

    /// Asks until `shows` finds what it looks for, at least once and for at most `limit`.
    pub(crate) fn until<T>(
        &self,
        limit: Duration,
        shows: impl Fn(&Self) -> Result<Option<T>, Error>,
    ) -> Result<T, Option<Error>> {
        let start = Instant::now();
        loop {
            let failure = match shows(self) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => None,
                Err(failure) => Some(failure),
            };
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(failure);
            }
            std::thread::sleep(POLL.min(left));
        }
    }

    fn each<T: Send>(&self, ask: impl Fn(&ChainClient) -> Result<T, Error> + Sync) -> Vec<Result<T, Error>> {
        if let [reader] = self.readers.as_slice() {
            return vec![ask(&reader.client)];
        }
        let ask = &ask;
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                self.readers.iter().map(|reader| scope.spawn(move || ask(&reader.client))).collect();
            let ended = |_| Err(Error::new(FailureKind::Unreachable, "the question failed"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(ended)).collect()
        })
    }
}

/// On one chain the counter never falls: nodes of which one counts more and another, not behind it, counts less are not on
/// one chain. Which of them is right cannot be told.
fn refuse_contradiction(sights: &[Result<Sight, Error>]) -> Result<(), DrawError> {
    let known = |sight: &Sight| Some((sight.lottery.rng_request_count?, sight.chain_s?));
    let known: Vec<(Count, i64)> = sights.iter().flatten().filter_map(known).collect();
    let pairs = known.iter().flat_map(|a| known.iter().map(move |b| (*a, *b)));
    let forked = pairs.into_iter().find(|((more, earlier), (less, later))| less < more && later >= earlier);
    forked.map_or(Ok(()), |((more, _), (less, _))| {
        let text = format!(
            "one node counts {more} requests, and another that is not behind it counts {less}: nothing is sent"
        );
        Err(DrawError::new(DrawErrorCode::NodesDisagree, text)
            .with_hint("one of them has forked: find out which, and leave it out of SUPRA_RPC_URL"))
    })
}

fn highest_known(sights: &[Result<Sight, Error>]) -> Result<Count, Error> {
    highest(sights).ok_or_else(|| {
        let failure = sights.iter().find_map(|sight| sight.as_ref().err().cloned());
        failure.unwrap_or_else(|| {
            Error::new(FailureKind::Undecodable, "no node shows the lottery's counter of requests")
        })
    })
}

fn highest(sights: &[Result<Sight, Error>]) -> Option<Count> {
    sights.iter().flatten().filter_map(|sight| sight.lottery.rng_request_count).max()
}
