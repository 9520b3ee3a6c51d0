//! The configured nodes, each asked by itself: a decision combines the values of one node, and nothing is sent, nor
//! given up, before all of them were asked.

use std::cell::Cell;
use std::time::{Duration, Instant};

use supra_core::client::ChainClient;
use supra_core::client::sight::{BEHIND_S, Sight};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::submit::journal::Fate;
use supra_core::target::Target;

use crate::connect::TargetReader;
use crate::settings::Settings;

/// The longest wait for one node's answer to one of these questions.
pub const LIMIT: Duration = Duration::from_secs(5);
/// How often a node is asked again until it shows something.
const POLL: Duration = Duration::from_millis(500);
/// One URL may stand for several nodes that take turns, so that it is asked this often.
const SAMPLES: usize = 3;

/// Reads one node's view of the value that a transaction changes.
pub type Question<T> = fn(&ChainClient, &Target, Duration) -> Result<Sight<T>, Error>;

/// The nodes of a run, and the one of them that it reads.
pub struct Nodes<T> {
    readers: Vec<TargetReader>,
    target: Target,
    question: Question<T>,
    pinned: Cell<usize>,
}

impl<T: Send> Nodes<T> {
    /// Opens a connection to each node of the settings. Sends nothing yet.
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn open(settings: &Settings, target: &Target, question: Question<T>) -> Result<Self, Error> {
        let readers = TargetReader::open_each(settings)?;
        Ok(Self { readers, target: target.clone(), question, pinned: Cell::new(0) })
    }

    /// The node that this run reads.
    pub fn reader(&self) -> &TargetReader {
        &self.readers[self.pinned.get()]
    }

    /// The node's client.
    pub fn client(&self) -> &ChainClient {
        &self.reader().client
    }

    /// Whether there is nothing to choose from.
    pub fn is_single(&self) -> bool {
        self.readers.len() == 1
    }

    /// Asks all nodes at once. One of another chain than the expected one fails.
    pub fn survey(&self) -> Vec<Result<Sight<T>, Error>> {
        let (target, question) = (&self.target, self.question);
        self.each(|client| {
            let sight = question(client, target, LIMIT)?;
            match (target.chain_id, sight.chain_id) {
                (Some(expected), Some(found)) if expected != found => {
                    let message = format!("the node serves chain {found}, expected is {expected}");
                    Err(Error::new(FailureKind::WrongChain, message))
                }
                _ => Ok(sight),
            }
        })
    }

    /// Asks all nodes, and each URL as often as several nodes may take turns behind it.
    pub fn samples(&self) -> Vec<Result<Sight<T>, Error>> {
        let samples = if self.client().identity().starts_with("rpc ") { SAMPLES } else { 1 };
        (0..samples).flat_map(|_| self.survey()).collect()
    }

    /// Chooses the node to read: the first that shows one of the best values and is not behind the others that do. Where
    /// none does, the choice stays.
    pub fn pin(&self, sights: &[Result<Sight<T>, Error>], is_best: impl Fn(&T) -> bool) {
        let best = || {
            let answered =
                sights.iter().enumerate().filter_map(|(index, sight)| Some((index, sight.as_ref().ok()?)));
            answered.filter(|(_, sight)| is_best(&sight.value))
        };
        let newest = best().filter_map(|(_, sight)| sight.chain_s).max();
        let is_near =
            |sight: &Sight<T>| sight.chain_s >= newest.map(|newest| newest.saturating_sub(BEHIND_S));
        if let Some((index, _)) = best().find(|(_, sight)| is_near(sight)) {
            self.pinned.set(index);
        }
    }

    /// The chain that the nodes serve: the expected one, else that of the first node that says so.
    ///
    /// # Errors
    /// When none does.
    pub fn chain_id(&self) -> Result<u8, Error> {
        if let Some(id) = self.target.chain_id {
            return Ok(id);
        }
        let sights = self.survey();
        let found = sights.iter().flatten().find_map(|sight| sight.chain_id);
        found.ok_or_else(|| {
            failure(&sights, "no node says which chain it serves")
                .with_hint("name the chain with DVRF_CHAIN_ID or DVRF_NETWORK")
        })
    }

    /// What the nodes say of a transaction; `None` where none can be asked.
    pub fn fate(&self, hash: &str) -> Option<Fate> {
        let fates = self.each(|client| client.fate(hash, LIMIT));
        let rank = |fate: &Fate| match fate {
            Fate::Succeeded => 3,
            Fate::Failed(_) => 2,
            Fate::Pending => 1,
            Fate::Absent => 0,
        };
        fates.into_iter().flatten().max_by_key(rank)
    }

    /// Asks until `shows` finds what it looks for, at least once and for at most `limit`. The error is the last failure, if
    /// there was one.
    pub fn until<V>(
        &self,
        limit: Duration,
        shows: impl Fn(&Self) -> Result<Option<V>, Error>,
    ) -> Result<V, Option<Error>> {
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

    fn each<V: Send>(&self, ask: impl Fn(&ChainClient) -> Result<V, Error> + Sync) -> Vec<Result<V, Error>> {
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

/// The answers of nodes that are not behind the newest of them. One that does not tell the time counts.
pub fn current<T>(sights: &[Result<Sight<T>, Error>]) -> impl Iterator<Item = &Sight<T>> {
    let newest = sights.iter().flatten().filter_map(|sight| sight.chain_s).max();
    let is_behind =
        move |chain_s: i64| newest.is_some_and(|newest| chain_s < newest.saturating_sub(BEHIND_S));
    sights.iter().flatten().filter(move |sight| !sight.chain_s.is_some_and(is_behind))
}

/// Why no node answered: the first failure, else that the answers lack something.
pub fn failure<T>(sights: &[Result<Sight<T>, Error>], otherwise: &str) -> Error {
    let failure = sights.iter().find_map(|sight| sight.as_ref().err().cloned());
    failure.unwrap_or_else(|| Error::new(FailureKind::Undecodable, otherwise))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of a node, or that of one that is down.
    fn node(seen: Option<(u32, Option<i64>)>) -> Result<Sight<u32>, Error> {
        let down = || Error::new(FailureKind::Unreachable, "down");
        seen.map(|(value, chain_s)| Sight { value, chain_id: None, chain_s }).ok_or_else(down)
    }

    #[test]
    fn the_first_of_the_best_that_is_not_behind_is_read() {
        let settings = [("SUPRA_RPC_URL", "http://a,http://b,http://c"), ("DEPOSIT_ADDR", "0x2")];
        let settings = settings.into_iter().chain([("LOTTERY_ADDR", "0x1"), ("DVRF_TRANSPORT", "rpc")]);
        let settings = Settings::new(settings.map(|(name, text)| (name, text.to_owned())).collect());
        let (target, _) = crate::target::resolve(&settings, None).unwrap();
        let nodes = Nodes::<u32>::open(&settings, &target, |_, _, _| node(None)).unwrap();
        let pinned = |sights: &[_], least| {
            nodes.pinned.set(0);
            nodes.pin(sights, |value| *value >= least);
            nodes.pinned.get()
        };
        assert_eq!(
            pinned(&[node(None), node(Some((1, None))), node(Some((1, None)))], 0),
            1,
            "one that answers"
        );
        assert_eq!(
            pinned(&[node(Some((1, Some(69)))), node(Some((1, Some(100)))), node(Some((1, Some(100))))], 0),
            1
        );
        assert_eq!(
            pinned(&[node(Some((1, Some(70)))), node(Some((1, Some(100)))), node(Some((1, Some(100))))], 0),
            0
        );
        assert_eq!(
            pinned(&[node(Some((1, Some(900)))), node(Some((1, Some(900)))), node(Some((2, Some(5))))], 2),
            2
        );
        assert_eq!(pinned(&[node(None), node(None), node(None)], 0), 0);
    }

    #[test]
    fn a_node_that_is_behind_does_not_count() {
        let values = |sights: &[_]| current(sights).map(|sight: &Sight<u32>| sight.value).collect::<Vec<_>>();
        let sights = [
            node(Some((1, Some(100)))),
            node(Some((2, Some(69)))),
            node(None),
            node(Some((3, None))),
            node(Some((4, Some(70)))),
        ];
        assert_eq!(values(&sights), [1, 3, 4]);
        assert_eq!(values(&[node(None)]), [0; 0]);
    }
}
