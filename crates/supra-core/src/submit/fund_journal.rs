//! What is kept on disk about the top-ups of one client: the open intent, and what was spent. Pure but for its calls of
//! the store.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard::{GuardError, IntentJournal, IntentTimes};
use super::journal::{DAY_S, EXPIRES_EARLY, Intent, JournalError, Moment};
use super::{DRIFT_S, LIFETIME_S_MAX};
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
/// The longest that the Supra CLI may run for a top-up, seconds.
pub const SUBMIT_S_MAX: i64 = 600;
/// For how many seconds a new journal waits: the longest that a transaction of a lost one can be under way, whatever flags
/// that run had.
pub const NEW_JOURNAL_WAIT_S: i64 = LIFETIME_S_MAX + SUBMIT_S_MAX + DRIFT_S;

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
    /// Reads the file's content. An intent that ends before it begins is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let journal: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if journal.schema != SCHEMA {
            return Err("it was written by another version".to_owned());
        }
        if journal.intent.as_ref().is_some_and(|open| open.intent.ends_early()) {
            return Err(EXPIRES_EARLY.to_owned());
        }
        Ok(journal)
    }

    /// Reads the journal of a client on a chain; `None` where there is none.
    fn read(held: &LockedState, whose: (Address, Address, u8)) -> Result<Option<Self>, JournalError> {
        let Some(bytes) = held.read(KIND)? else { return Ok(None) };
        let damaged = |why| JournalError::Damaged { path: held.path(KIND).display().to_string(), why };
        let journal = Self::parse(&bytes).map_err(damaged)?;
        let (deposit, client, chain_id) = (whose.0.to_string(), whose.1.to_string(), whose.2);
        if (&journal.deposit, &journal.client, journal.chain_id) != (&deposit, &client, chain_id) {
            return Err(damaged("it is about another client or chain".to_owned()));
        }
        Ok(Some(journal))
    }

    /// What was spent in the last day and in the last 30 days, in quants. The open intent counts, and so does a top-up of
    /// which no clock can tell the age.
    pub fn spent(&self, now: Moment) -> (u128, u128) {
        let open = self.intent.as_ref().map_or(0, |open| open.plan.amount.get());
        let within = |span_s: i64| {
            let young = |row: &&TopUpRow| now.since(row.moment()).is_none_or(|passed| passed < span_s);
            let amounts = self.top_ups.iter().filter(young).map(|row| row.amount.get());
            amounts.fold(open, u128::saturating_add)
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
    pub fn settles_in(&self, now: Moment) -> Option<i64> {
        if self.count.get() > 0 {
            return None;
        }
        left(NEW_JOURNAL_WAIT_S, now.since(Moment { wall_s: self.begun_s, chain_s: self.begun_chain_s }))
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
fn name((deposit, client, chain_id): (Address, Address, u8)) -> String {
    format!("fund-{}", stable_id(&[&deposit.to_string(), &client.to_string(), &chain_id.to_string()]))
}

impl LockedFundJournal {
    /// Locks and reads the journal of a package, a client and a chain, waiting no longer than `wait` for the lock; one that
    /// is not there is begun.
    pub fn open(
        state: &StateDir,
        whose: (Address, Address, u8),
        now: Moment,
        wait: Duration,
    ) -> Result<Self, JournalError> {
        let held = state.lock(&name(whose), wait)?;
        if let Some(journal) = FundJournal::read(&held, whose)? {
            return Ok(Self { held, journal });
        }
        let journal = FundJournal {
            schema: SCHEMA.to_owned(),
            deposit: whose.0.to_string(),
            client: whose.1.to_string(),
            chain_id: whose.2,
            begun_s: now.wall_s,
            begun_chain_s: now.chain_s,
            ..FundJournal::default()
        };
        let this = Self { held, journal };
        this.write()?;
        Ok(this)
    }

    /// Reads the journal of a client, if there is one, without beginning it.
    pub fn read(
        state: &StateDir,
        whose: (Address, Address, u8),
        wait: Duration,
    ) -> Result<Option<FundJournal>, JournalError> {
        let name = name(whose);
        if !state.has(&name) {
            return Ok(None);
        }
        FundJournal::read(&state.lock(&name, wait)?, whose)
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
        assert_eq!(journal.settles_in(at(1000)), None);
        let new = FundJournal { begun_s: 1000, begun_chain_s: Some(1000), ..FundJournal::default() };
        assert_eq!([new.settles_in(at(1100)), new.settles_in(at(2230))], [Some(1130), None]);
        assert_eq!(new.settles_in(Moment { wall_s: 5000, chain_s: Some(1100) }), Some(1130));
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
    fn a_reading_from_before_the_last_top_up_is_of_a_node_that_is_behind() {
        let journal = journal(&[(1000, 5)]);
        let by_chain = |chain_s| journal.is_before_last(Moment { wall_s: 5000, chain_s });
        assert_eq!([Some(999), Some(1000), Some(1001), None].map(by_chain), [true, false, false, false]);
    }

    /// What is older than a month is dropped where there are many; what is younger limits what may be spent.
    #[test]
    fn the_oldest_top_ups_are_dropped() {
        let closed = |rows: &[(i64, u128)], at_s: i64| {
            let times = IntentTimes { run_id: "r", now: at(at_s), expiration_s: None, submit_s: 1 };
            let plan = TopUpPlan { amount: Quants(3), balance: Quants(2) };
            let mut journal = journal(rows);
            journal.intent = Some(FundIntent { intent: times.intent(Count(1)), plan });
            journal.close(Some(true), Some(at_s));
            journal.top_ups.len()
        };
        let rows = |count: usize, at_s: i64| vec![(at_s, 1); count];
        assert_eq!(closed(&rows(OLD_MAX - 1, 0), MONTH_S + 1), OLD_MAX, "not too many yet");
        assert_eq!(closed(&rows(OLD_MAX + 5, 0), MONTH_S + 1), OLD_MAX);
        assert_eq!(closed(&rows(OLD_MAX + 5, 0), MONTH_S), OLD_MAX + 6, "not older than a month");
    }

    #[test]
    fn a_new_journal_says_when_and_for_whom_it_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let whose = (Address::FRAMEWORK, "0x7".parse().unwrap(), 6);
        let now = Moment { wall_s: 1000, chain_s: Some(990) };
        let begun = LockedFundJournal::open(&state, whose, now, Duration::ZERO).unwrap().journal;
        let expected = FundJournal {
            schema: SCHEMA.into(),
            deposit: Address::FRAMEWORK.to_string(),
            client: whose.1.to_string(),
            chain_id: 6,
            begun_s: 1000,
            begun_chain_s: Some(990),
            ..FundJournal::default()
        };
        assert_eq!(begun, expected);
        let read = LockedFundJournal::read(&state, whose, Duration::ZERO).unwrap();
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn a_journal_of_another_client_is_refused_whoever_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let whose = |client: &str, chain_id| (Address::FRAMEWORK, client.parse().unwrap(), chain_id);
        drop(LockedFundJournal::open(&state, whose("0x9", 6), at(1000), Duration::ZERO).unwrap());
        let file = |whose| folder.path().join(format!("{}.{KIND}", name(whose)));
        for other in [whose("0x8", 6), whose("0x9", 8)] {
            assert_eq!(LockedFundJournal::read(&state, other, Duration::ZERO).unwrap(), None);
            std::fs::copy(file(whose("0x9", 6)), file(other)).unwrap();
            drop(state.lock(&name(other), Duration::ZERO).unwrap());
            let read = LockedFundJournal::read(&state, other, Duration::ZERO).map(drop);
            let open = LockedFundJournal::open(&state, other, at(1000), Duration::ZERO).map(drop);
            for error in [read.unwrap_err(), open.unwrap_err()] {
                assert!(error.to_string().ends_with("it is about another client or chain"), "{error}");
            }
        }
    }

    #[test]
    fn one_intent_is_on_disk_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let whose = (Address::FRAMEWORK, "0x7".parse().unwrap(), 6);
        let mut locked = LockedFundJournal::open(&state, whose, at(1000), Duration::ZERO).unwrap();
        let on_disk = || {
            let bytes = std::fs::read(folder.path().join(format!("{}.{KIND}", name(whose)))).unwrap();
            FundJournal::parse(&bytes).unwrap()
        };
        let times = IntentTimes { run_id: "r", now: at(1000), expiration_s: None, submit_s: 1 };
        let plan = TopUpPlan { amount: Quants(3), balance: Quants(2) };
        locked.open_intent(plan, &times).unwrap();
        let expected = FundIntent { intent: times.intent(Count(1)), plan };
        assert_eq!((on_disk().intent, on_disk().count), (Some(expected), Count(1)));
        let refused = locked.open_intent(plan, &times);
        assert!(matches!(refused, Err(GuardError::IntentOpen(run)) if run == "r"));
        locked.note_hash("0xab");
        assert_eq!(on_disk().intent.unwrap().intent.hash.as_deref(), Some("0xab"));
        locked.close_unsent(true).unwrap();
        assert_eq!((on_disk().intent, on_disk().count, on_disk().top_ups), (None, Count(1), vec![]));
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
        assert_eq!(journal.spent(at(100 * DAY_S)), (3, 3), "an open one counts, however old it is");
        journal.close(None, None);
        assert_eq!((journal.intent.is_none(), journal.top_ups.len()), (true, 0));
        open(&mut journal);
        journal.close(Some(true), Some(9));
        assert_eq!((journal.top_ups[0].amount, journal.top_ups[0].confirmed), (Quants(3), true));
        let early = String::from_utf8(bytes).unwrap().replace("\"at_s\":7", "\"at_s\":7000000");
        assert_eq!(
            FundJournal::parse(early.as_bytes()),
            Err("its transaction expires before it begins".into())
        );
    }
}
