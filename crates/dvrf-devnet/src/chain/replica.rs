//! The chain as a node shows it that is behind.

use super::Chain;
use crate::state::State;

/// The state from a height on.
#[derive(Clone)]
pub(crate) struct Past {
    height: u64,
    state: State,
    events: usize,
    transactions: usize,
}

impl Chain {
    /// Keeps the state for replicas, if there are any.
    pub(crate) fn remember(&mut self) {
        if self.options.replicas == 0 {
            return;
        }
        let (events, transactions) = (self.events.len(), self.transactions.len());
        let height = self.clock.height();
        // A control order changes the state without a transaction, so that every height has its last state.
        self.past.retain(|past| past.height < height);
        self.past.push(Past { height, state: self.state.clone(), events, transactions });
        let excess = self.past.len().saturating_sub(2000);
        self.past.drain(..excess);
    }

    /// The chain as it was at a height, or at the oldest one that is kept.
    pub(crate) fn at(&self, height: u64) -> Self {
        let mut chain = Self { past: Vec::new(), mempool: Vec::new(), ..self.clone() };
        let known = self.past.iter().rev().find(|past| past.height <= height).or_else(|| self.past.first());
        if let Some(past) = known {
            chain.state = past.state.clone();
            chain.events.truncate(past.events);
            chain.transactions.truncate(past.transactions);
        }
        chain.clock = self.clock.up_to(height);
        chain
    }
}
