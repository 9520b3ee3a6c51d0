//! Which of several nodes follow the chain: their latest blocks are compared before a run and every half minute of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A node whose clock is this far behind the freshest one is asked last.
const BEHIND: Duration = Duration::from_secs(60);
/// How long a comparison is believed.
const MAX_AGE: Duration = Duration::from_secs(30);
/// The time for a node to tell its latest block.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a node says of its latest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tip {
    /// Its time, in microseconds since 1970.
    At(u64),
    /// The node is silent.
    Silent,
    /// It answers, but not with a block.
    Unknown,
}

/// The nodes that are asked last.
pub(super) struct Freshness {
    compared: Mutex<Option<Instant>>,
    avoided: Vec<AtomicBool>,
}

impl Freshness {
    pub(super) fn new(nodes: usize) -> Self {
        Self { compared: Mutex::new(None), avoided: (0..nodes).map(|_| AtomicBool::new(false)).collect() }
    }

    /// Compares the nodes by what `tips` finds, unless there is one node or they were compared a moment ago. Other
    /// threads wait for it.
    pub(super) fn compare(&self, tips: impl FnOnce() -> Vec<Tip>) {
        if self.avoided.len() < 2 {
            return;
        }
        let mut compared = self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        if compared.is_some_and(|at| at.elapsed() < MAX_AGE) {
            return;
        }
        for (flag, avoid) in self.avoided.iter().zip(avoided(&tips())) {
            flag.store(avoid, Ordering::Relaxed);
        }
        *compared = Some(Instant::now());
    }

    /// The nodes in the order in which they are asked, beginning with `first`.
    pub(super) fn order(&self, first: usize) -> Vec<usize> {
        let count = self.avoided.len();
        let mut order: Vec<usize> = (0..count).map(|step| (first + step) % count).collect();
        order.sort_by_key(|index| self.avoided[*index].load(Ordering::Relaxed));
        order
    }
}

fn avoided(tips: &[Tip]) -> Vec<bool> {
    let time = |tip: &Tip| if let Tip::At(time) = tip { Some(*time) } else { None };
    let newest = tips.iter().filter_map(time).max().unwrap_or_default();
    let behind = u64::try_from(BEHIND.as_micros()).unwrap_or(u64::MAX);
    let avoid = |tip: &Tip| match tip {
        Tip::At(time) => newest.saturating_sub(*time) > behind,
        Tip::Silent => true,
        Tip::Unknown => false,
    };
    tips.iter().map(avoid).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Tip::{At, Silent, Unknown};
    use super::*;

    const MINUTE: u64 = 60_000_000;

    #[rstest]
    #[case::one_is_behind(&[At(1), At(MINUTE + 2)], &[true, false])]
    #[case::a_minute_is_not_behind(&[At(1), At(MINUTE + 1)], &[false, false])]
    #[case::silent(&[Silent, At(5)], &[true, false])]
    #[case::no_block_says_nothing(&[Unknown, At(5)], &[false, false])]
    #[case::none_answers(&[Silent, Silent], &[true, true])]
    fn nodes_are_avoided(#[case] tips: &[Tip], #[case] expected: &[bool]) {
        assert_eq!(avoided(tips), expected);
    }

    #[test]
    fn nodes_that_follow_come_first_and_all_are_asked() {
        let nodes = Freshness::new(4);
        assert_eq!(nodes.order(2), [2, 3, 0, 1]);
        nodes.compare(|| vec![At(1), At(10 * MINUTE), Silent, At(10 * MINUTE)]);
        assert_eq!(nodes.order(2), [3, 1, 2, 0]);
        nodes.compare(|| panic!("they were compared a moment ago"));
        Freshness::new(1).compare(|| panic!("one node has none to be compared with"));
    }
}
