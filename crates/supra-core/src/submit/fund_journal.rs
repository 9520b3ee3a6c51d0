//! What is kept on disk about the top-ups of one client: the open intent, and what was spent. Pure but for its calls of
//! the store.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard::{GuardError, IntentJournal, IntentTimes};
use super::journal::{DAY_S, Intent, JournalError, Moment};
use crate::address::Address;
use crate::amount::{Count, Quants};
use crate::stable_id::stable_id;
use crate::state_dir::{LockedState, StateDir};

/// The value of the file's `schema`.
pub const SCHEMA: &str = "dvrf.fund-journal/1";
const KIND: &str = "json";
/// A month of limits.
const MONTH_S: i64 = 30 * DAY_S;
/// Top-ups that are older than a month are kept up to this number.
const OLD_MAX: usize = 1000;

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundJournal {
    /// Which version wrote it.
    pub schema: String,
    /// The dVRF package.
    pub deposit: String,
    /// The client that is paid for.
    pub client: String,
    /// The chain.
    pub chain_id: u8,
    /// When the journal was begun, by this host's clock, seconds since 1970.
    pub begun_s: i64,
    /// The same by the chain's clock.
    pub begun_chain_s: Option<i64>,
    /// How many top-ups were ever begun.
    pub count: Count,
    /// A top-up that was about to be sent, and of which the outcome is not known.
    pub intent: Option<FundIntent>,
    /// The top-ups that reached the chain, or may have, oldest first.
    pub top_ups: Vec<TopUpRow>,
}

/// What is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpPlan {
    /// The amount.
    pub amount: Quants,
    /// The client's fund before it.
    pub balance: Quants,
}

/// A top-up that was about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundIntent {
    /// When, by which run and transaction; its round is the number of the top-up.
    pub intent: Intent,
    /// How much, and on top of what.
    pub plan: TopUpPlan,
}

/// A top-up that reached the chain, or may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TopUpRow {
    /// The run that sent it.
    pub run_id: String,
    /// When, by this host's clock, seconds since 1970.
    pub at_s: i64,
    /// When, by the chain's clock.
    pub chain_s: Option<i64>,
    /// The amount in quants.
    pub amount: Quants,
    /// The transaction, where it is known.
    pub tx_hash: Option<String>,
    /// The chain's clock when its end was seen.
    pub seen_chain_s: Option<i64>,
    /// Whether the chain shows it; `false`: whether it arrived is not known, and it counts as spent.
    pub confirmed: bool,
}

impl TopUpRow {
    /// When it was sent.
    pub fn moment(&self) -> Moment {
        Moment { wall_s: self.at_s, chain_s: self.chain_s }
    }
}

impl FundJournal {
    /// Reads the file's content. A top-up that ends before it begins would never end by elapsed time: refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let journal: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let ends_early = |open: &FundIntent| open.intent.expires_s < open.intent.at_s;
        if journal.schema != SCHEMA {
            return Err("it was written by another version".to_owned());
        }
        if journal.intent.as_ref().is_some_and(ends_early) {
            return Err("its top-up expires before it begins".to_owned());
        }
        Ok(journal)
    }

    /// What was spent in the last day and in the last 30 days, in quants. A top-up of which no clock can tell the age
    /// counts.
    pub fn spent(&self, now: Moment) -> (u128, u128) {
        let within = |span_s: i64| {
            let young = |row: &&TopUpRow| now.since(row.moment()).is_none_or(|passed| passed < span_s);
            let amounts = self.top_ups.iter().filter(young).map(|row| row.amount.get());
            amounts.fold(0, u128::saturating_add)
        };
        (within(DAY_S), within(MONTH_S))
    }

    /// For how many more seconds nothing is sent after the last top-up.
    pub fn rest(&self, cool_down_s: i64, now: Moment) -> Option<i64> {
        let last = self.top_ups.last()?;
        left(cool_down_s, now.since(last.moment()))
    }

    /// For how many more seconds a journal that has just been begun waits: an earlier one may have been lost while its
    /// transaction was under way.
    pub fn settles_in(&self, lifetime_s: i64, now: Moment) -> Option<i64> {
        if self.count.get() > 0 {
            return None;
        }
        left(lifetime_s, now.since(Moment { wall_s: self.begun_s, chain_s: self.begun_chain_s }))
    }

    /// Whether a reading is older than the last top-up by the chain's clock: the node is behind.
    pub fn is_before_last(&self, now: Moment) -> bool {
        let last = self.top_ups.last().and_then(|row| row.seen_chain_s);
        now.chain_s.zip(last).is_some_and(|(now, last)| now < last)
    }

    /// Ends the intent. `confirmed` is whether the chain shows the top-up; without it the top-up counts as not sent.
    /// `seen_chain_s` is the chain's clock now.
    pub fn close(&mut self, confirmed: Option<bool>, seen_chain_s: Option<i64>) {
        let Some(FundIntent { intent, plan }) = self.intent.take() else { return };
        let Some(confirmed) = confirmed else { return };
        let Intent { run_id, at_s, chain_s, hash: tx_hash, .. } = intent;
        self.top_ups.push(TopUpRow {
            run_id,
            at_s,
            chain_s,
            amount: plan.amount,
            tx_hash,
            seen_chain_s,
            confirmed,
        });
        let is_old = |row: &TopUpRow| at_s.saturating_sub(row.at_s) > MONTH_S;
        while self.top_ups.len() > OLD_MAX && self.top_ups.first().is_some_and(is_old) {
            self.top_ups.remove(0);
        }
    }
}

fn left(span_s: i64, passed: Option<i64>) -> Option<i64> {
    Some(span_s.saturating_sub(passed.unwrap_or(0))).filter(|left| *left > 0)
}

/// The journal of one client, and the lock that excludes other runs.
pub struct LockedFundJournal {
    held: LockedState,
    /// What is kept on disk.
    pub journal: FundJournal,
}

/// The name of a client's state on a chain.
fn name(deposit: Address, client: Address, chain_id: u8) -> String {
    format!("fund-{}", stable_id(&[&deposit.to_string(), &client.to_string(), &chain_id.to_string()]))
}

impl LockedFundJournal {
    /// Locks and reads the journal of a client on a chain, waiting no longer than `wait` for the lock; one that is not
    /// there is begun.
    pub fn open(
        state: &StateDir,
        (deposit, client, chain_id): (Address, Address, u8),
        now: Moment,
        wait: Duration,
    ) -> Result<Self, JournalError> {
        let held = state.lock(&name(deposit, client, chain_id), wait)?;
        let (deposit, client) = (deposit.to_string(), client.to_string());
        let Some(bytes) = held.read(KIND)? else {
            let (begun_s, begun_chain_s) = (now.wall_s, now.chain_s);
            let schema = SCHEMA.to_owned();
            let new = FundJournal {
                schema,
                deposit,
                client,
                chain_id,
                begun_s,
                begun_chain_s,
                ..FundJournal::default()
            };
            let this = Self { held, journal: new };
            this.write()?;
            return Ok(this);
        };
        let damaged = |why| JournalError::Damaged { path: held.path(KIND).display().to_string(), why };
        let journal = FundJournal::parse(&bytes).map_err(damaged)?;
        if (&journal.deposit, &journal.client, journal.chain_id) != (&deposit, &client, chain_id) {
            return Err(damaged("it is about another client or chain".to_owned()));
        }
        Ok(Self { held, journal })
    }

    /// Reads the journal of a client, if there is one, without beginning it.
    pub fn read(
        state: &StateDir,
        (deposit, client, chain_id): (Address, Address, u8),
        wait: Duration,
    ) -> Result<Option<FundJournal>, JournalError> {
        let name = name(deposit, client, chain_id);
        if !state.has(&name) {
            return Ok(None);
        }
        let held = state.lock(&name, wait)?;
        let damaged = |why| JournalError::Damaged { path: held.path(KIND).display().to_string(), why };
        held.read(KIND)?.map(|bytes| FundJournal::parse(&bytes)).transpose().map_err(damaged)
    }

    /// Writes the journal; it is on disk when this returns.
    pub fn write(&self) -> Result<(), JournalError> {
        let bytes = serde_json::to_vec(&self.journal)
            .map_err(|error| JournalError::Damaged { path: "-".to_owned(), why: error.to_string() })?;
        Ok(self.held.replace(KIND, &bytes)?)
    }
}

impl IntentJournal for LockedFundJournal {
    type Plan = TopUpPlan;

    fn open_intent(&mut self, plan: TopUpPlan, times: &IntentTimes) -> Result<(), GuardError> {
        if let Some(open) = &self.journal.intent {
            return Err(GuardError::IntentOpen(open.intent.run_id.clone()));
        }
        let number = Count(self.journal.count.get().saturating_add(1));
        self.journal.count = number;
        self.journal.intent = Some(FundIntent { intent: times.intent(number), plan });
        Ok(self.write()?)
    }

    fn close_unsent(&mut self, _tried: bool) -> Result<(), JournalError> {
        self.journal.intent = None;
        self.write()
    }

    fn note_hash(&mut self, hash: &str) {
        if let Some(open) = &mut self.journal.intent {
            open.intent.hash = Some(hash.to_owned());
            let _ = self.write();
        }
    }

    fn share_with_children(&self) {
        self.held.share_with_children();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_s: i64) -> Moment {
        Moment { wall_s, chain_s: Some(wall_s) }
    }

    fn journal(rows: &[(i64, u128)]) -> FundJournal {
        let row = |&(at_s, amount): &(i64, u128)| TopUpRow {
            run_id: "r".into(),
            at_s,
            chain_s: Some(at_s),
            amount: Quants(amount),
            tx_hash: None,
            seen_chain_s: Some(at_s),
            confirmed: true,
        };
        let top_ups: Vec<_> = rows.iter().map(row).collect();
        let count = Count(top_ups.len() as u128);
        FundJournal { schema: SCHEMA.into(), count, top_ups, ..FundJournal::default() }
    }

    #[test]
    fn what_was_spent_in_a_day_and_in_a_month() {
        let journal = journal(&[(0, 1), (29 * DAY_S, 10), (30 * DAY_S - 1, 100)]);
        assert_eq!(journal.spent(at(30 * DAY_S - 1)), (110, 111));
        assert_eq!(journal.spent(at(30 * DAY_S)), (100, 110));
        // The slower clock counts, so that neither a jump nor a node that is behind frees money.
        assert_eq!(journal.spent(Moment { wall_s: 99 * DAY_S, chain_s: Some(30 * DAY_S - 1) }), (110, 111));
    }

    #[test]
    fn it_rests_after_a_top_up_and_when_it_is_new() {
        let journal = journal(&[(1000, 5)]);
        assert_eq!(journal.rest(600, at(1100)), Some(500));
        assert_eq!(journal.rest(600, at(1600)), None);
        assert_eq!(journal.settles_in(600, at(1000)), None);
        let new = FundJournal { begun_s: 1000, begun_chain_s: Some(1000), ..FundJournal::default() };
        assert_eq!(new.settles_in(600, at(1100)), Some(500));
        assert_eq!(new.settles_in(600, Moment { wall_s: 5000, chain_s: Some(1100) }), Some(500));
        assert_eq!(new.rest(600, at(1100)), None);
    }

    #[test]
    fn a_top_up_in_doubt_counts_as_spent_and_rests() {
        let times = IntentTimes { run_id: "r", now: at(1000), expiration_s: None, submit_s: 1 };
        let plan = TopUpPlan { amount: Quants(3), balance: Quants(2) };
        let mut journal = journal(&[]);
        journal.intent = Some(FundIntent { intent: times.intent(Count(1)), plan });
        journal.close(Some(false), None);
        assert!(!journal.top_ups[0].confirmed);
        assert_eq!((journal.spent(at(1100)), journal.rest(600, at(1100))), ((3, 3), Some(500)));
    }

    #[test]
    fn an_intent_ends_as_a_row_or_as_nothing() {
        let times = IntentTimes { run_id: "r", now: at(7), expiration_s: None, submit_s: 1 };
        let plan = TopUpPlan { amount: Quants(3), balance: Quants(2) };
        let open = |journal: &mut FundJournal| {
            journal.intent = Some(FundIntent { intent: times.intent(Count(1)), plan });
        };
        let mut journal = journal(&[]);
        open(&mut journal);
        let bytes = serde_json::to_vec(&journal).unwrap();
        assert_eq!(FundJournal::parse(&bytes).as_ref(), Ok(&journal));
        journal.close(None, None);
        assert_eq!((journal.intent.is_none(), journal.top_ups.len()), (true, 0));
        open(&mut journal);
        journal.close(Some(true), Some(9));
        assert_eq!((journal.top_ups[0].amount, journal.top_ups[0].confirmed), (Quants(3), true));
        let early = String::from_utf8(bytes).unwrap().replace("\"at_s\":7", "\"at_s\":7000000");
        assert_eq!(FundJournal::parse(early.as_bytes()), Err("its top-up expires before it begins".into()));
    }
}
