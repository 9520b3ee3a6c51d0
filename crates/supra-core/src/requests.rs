//! Pairs requests with answers by nonce, and summarises them for the record.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::amount::{Count, Quants};
use crate::events::Event;
use crate::failure::{Abort, Failure};

/// The `requests` of a record: the requests and answers in a range of blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Requests {
    /// The first block that was read.
    pub since_height: u64,
    /// The time from which events were read, UTC; `null` if a height was given.
    pub since: Option<String>,
    /// The last block that was read.
    pub until_height: u64,
    /// Requests in that range.
    pub requested: u64,
    /// Answers to them in that range.
    pub handled: u64,
    /// Answers whose request is not in that range.
    pub orphans: u64,
    /// Requests without an answer, oldest first.
    pub pending: Vec<Pending>,
    /// The age of the oldest of them.
    pub oldest_pending_age_seconds: Option<u64>,
    /// The time of the last request, UTC.
    pub last_requested_at: Option<String>,
    /// The time of the last answer, UTC.
    pub last_handled_at: Option<String>,
    /// How long answers took; `null` where there was none.
    pub latency: Option<Latency>,
    /// The last answers in that range, newest first, at most ten.
    pub last_answers: Vec<Answer>,
    /// Every type that was read, with its last event.
    pub seen: Vec<Seen>,
    /// Events that changed a whitelist, oldest first.
    pub whitelist_changes: Vec<Change>,
    /// The highest fee that the deposit module took for one of the client's callbacks, in quants.
    pub callback_fee_quants: Option<Quants>,
    /// Answers to pending requests that the lottery's callback aborted.
    pub callback_failures: Vec<CallbackFailure>,
    /// Which blocks were not read: those that are pruned or not indexed yet.
    pub notes: Vec<String>,
    /// Why nothing could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// A request without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pending {
    /// Its nonce.
    pub nonce: Count,
    /// Its block.
    pub height: u64,
    /// Its transaction.
    pub transaction_hash: Option<String>,
    /// The block's time, UTC.
    pub requested_at: Option<String>,
    /// Seconds since then.
    pub age_seconds: Option<u64>,
    /// The requester.
    pub requester: Option<String>,
}

/// The most answers that a record lists.
const LAST_ANSWERS_MAX: usize = 10;

/// An answered request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The nonce that both share.
    pub nonce: Count,
    /// The time of the answer's block, UTC.
    pub handled_at: Option<String>,
    /// Milliseconds from request to answer; `null` where one of the times is not known.
    pub latency_ms: Option<u64>,
}

/// How long answers took, in milliseconds between block times; quantiles are of the nearest rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// The number of answers.
    pub count: u64,
    /// The fastest.
    pub min_ms: u64,
    /// The median.
    pub p50_ms: u64,
    /// The 90th percentile.
    pub p90_ms: u64,
    /// The 99th percentile.
    pub p99_ms: u64,
    /// The slowest.
    pub max_ms: u64,
}

/// The last event of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// The full type.
    #[serde(rename = "type")]
    pub type_tag: String,
    /// The number of events.
    pub count: u64,
    /// The last one's time, UTC.
    pub last_at: Option<String>,
}

/// An event that changed a whitelist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The event's name.
    pub name: String,
    /// Its block.
    pub height: u64,
    /// Its time, UTC.
    pub at: Option<String>,
    /// Its transaction.
    pub transaction_hash: Option<String>,
}

/// An answer that the callback aborted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallbackFailure {
    /// Its block.
    pub height: u64,
    /// Its transaction.
    pub transaction_hash: Option<String>,
    /// The nonce that it answered, where the node shows the arguments.
    #[serde(default)]
    pub nonce: Option<Count>,
    /// The status from the node, truncated.
    pub status: String,
    /// The abort, where it is one.
    pub abort: Option<Abort>,
    /// The section of the documentation that explains it.
    pub help: Option<String>,
}

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// It was not answered yet.
    Pending,
    /// The answer was read, but not the request.
    Orphan,
}

/// A request and its answer: a line of `dvrf-events pair`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// The state of the request.
    pub outcome: Outcome,
    /// The nonce that both share.
    pub nonce: Count,
    /// The block of the request.
    pub requested_height: Option<u64>,
    /// Its time, UTC.
    pub requested_at: Option<String>,
    /// Its transaction.
    pub request_hash: Option<String>,
    /// The requester.
    pub requester: Option<String>,
    /// The block of the answer.
    pub handled_height: Option<u64>,
    /// Its time, UTC.
    pub handled_at: Option<String>,
    /// Its transaction.
    pub answer_hash: Option<String>,
    /// Milliseconds from request to answer.
    pub latency_ms: Option<u64>,
    /// Seconds that a pending one has waited.
    pub age_seconds: Option<u64>,
}

/// The last line of `dvrf-events pair`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Requests read.
    pub requested: u64,
    /// Requests with an answer.
    pub answered: u64,
    /// Requests without one.
    pub pending: u64,
    /// Answers without a request.
    pub orphans: u64,
    /// The age of the oldest pending one.
    pub oldest_pending_age_seconds: Option<u64>,
    /// How long answers took.
    pub latency: Option<Latency>,
}

/// Pairs requests with answers by module and nonce, in the order of the requests; orphans are placed by their own block.
/// Events of other types and repeated events are ignored.
pub fn pair(events: &[Event], now_us: u64) -> Vec<Pair> {
    let mut sorted: Vec<&Event> = Vec::with_capacity(events.len());
    let mut ids = BTreeSet::new();
    sorted.extend(events.iter().filter(|event| ids.insert(event.id())));
    // A request and its answer may share a block: the request comes first.
    sorted.sort_by_key(|event| (event.height, event.name != "DrawRequestedEvent"));
    let mut pairs: Vec<Pair> = Vec::new();
    let mut open: BTreeMap<(String, u128), VecDeque<usize>> = BTreeMap::new();
    let mut requested_us: BTreeMap<usize, u64> = BTreeMap::new();
    for event in sorted {
        let Some(nonce) = event.number("nonce") else { continue };
        let module = event.type_tag.rsplit_once("::").map_or("", |(module, _)| module);
        let key = (module.to_owned(), nonce);
        match event.name.as_str() {
            "DrawRequestedEvent" => {
                if let Some(us) = event.micros() {
                    requested_us.insert(pairs.len(), us);
                }
                open.entry(key).or_default().push_back(pairs.len());
                pairs.push(pending_pair(event, nonce, now_us));
            }
            "DrawHandledEvent" => {
                let place = open.get_mut(&key).and_then(VecDeque::pop_front);
                let latency_ms = place
                    .and_then(|place| requested_us.get(&place))
                    .and_then(|requested| Some(event.micros()?.saturating_sub(*requested) / 1000));
                let place = place.unwrap_or_else(|| {
                    pairs.push(orphan(nonce));
                    pairs.len() - 1
                });
                let pair = &mut pairs[place];
                if pair.outcome == Outcome::Pending {
                    pair.outcome = Outcome::Answered;
                }
                (pair.age_seconds, pair.latency_ms) = (None, latency_ms);
                pair.handled_height = Some(event.height);
                pair.handled_at.clone_from(&event.time);
                pair.answer_hash.clone_from(&event.transaction_hash);
            }
            _ => {}
        }
    }
    pairs
}

fn orphan(nonce: u128) -> Pair {
    Pair {
        outcome: Outcome::Orphan,
        nonce: Count(nonce),
        requested_height: None,
        requested_at: None,
        request_hash: None,
        requester: None,
        handled_height: None,
        handled_at: None,
        answer_hash: None,
        latency_ms: None,
        age_seconds: None,
    }
}

fn pending_pair(event: &Event, nonce: u128, now_us: u64) -> Pair {
    Pair {
        outcome: Outcome::Pending,
        requested_height: Some(event.height),
        requested_at: event.time.clone(),
        request_hash: event.transaction_hash.clone(),
        requester: event.address("requester").map(|address| address.to_string()),
        age_seconds: event.micros().map(|us| now_us.saturating_sub(us) / 1_000_000),
        ..orphan(nonce)
    }
}

/// Counts and quantiles of pairs.
pub fn summary(pairs: &[Pair]) -> Summary {
    let count = |outcome| pairs.iter().filter(|pair| pair.outcome == outcome).count() as u64;
    let (answered, pending, orphans) =
        (count(Outcome::Answered), count(Outcome::Pending), count(Outcome::Orphan));
    Summary {
        requested: answered + pending,
        answered,
        pending,
        orphans,
        oldest_pending_age_seconds: pairs.iter().filter_map(|pair| pair.age_seconds).max(),
        latency: latency(pairs.iter().filter_map(|pair| pair.latency_ms).collect()),
    }
}

/// Nearest-rank quantiles: each is a latency that was measured.
fn latency(mut all: Vec<u64>) -> Option<Latency> {
    all.sort_unstable();
    let rank = |percent: usize| all.get((all.len() * percent).div_ceil(100).max(1) - 1).copied();
    Some(Latency {
        count: all.len() as u64,
        min_ms: *all.first()?,
        p50_ms: rank(50)?,
        p90_ms: rank(90)?,
        p99_ms: rank(99)?,
        max_ms: *all.last()?,
    })
}

impl Requests {
    /// Summarises events; `types` are the types that were read.
    pub fn of(events: &[Event], types: &[String], now_us: u64) -> Self {
        let pairs = pair(events, now_us);
        let summary = summary(&pairs);
        let pending = pairs.iter().filter(|pair| pair.outcome == Outcome::Pending).map(|pair| Pending {
            nonce: pair.nonce,
            height: pair.requested_height.unwrap_or_default(),
            transaction_hash: pair.request_hash.clone(),
            requested_at: pair.requested_at.clone(),
            age_seconds: pair.age_seconds,
            requester: pair.requester.clone(),
        });
        let mut answered: Vec<&Pair> =
            pairs.iter().rev().filter(|pair| pair.outcome == Outcome::Answered).collect();
        answered.sort_by_key(|pair| std::cmp::Reverse(pair.handled_height));
        let last_answers = answered.into_iter().take(LAST_ANSWERS_MAX).map(|pair| Answer {
            nonce: pair.nonce,
            handled_at: pair.handled_at.clone(),
            latency_ms: pair.latency_ms,
        });
        let last = |name: &str| events.iter().rev().find(|event| event.name == name)?.time.clone();
        let seen = types.iter().map(|tag| {
            let mut of_type = events.iter().filter(|event| event.type_tag == *tag);
            Seen {
                type_tag: tag.clone(),
                count: of_type.clone().count() as u64,
                last_at: of_type.next_back().and_then(|event| event.time.clone()),
            }
        });
        let changed = |event: &&Event| {
            event.name.contains("Whitelist")
                || event.name.contains("Revoked")
                || event.name.contains("Remove")
        };
        let whitelists = events.iter().filter(changed).map(|event| Change {
            name: event.name.clone(),
            height: event.height,
            at: event.time.clone(),
            transaction_hash: event.transaction_hash.clone(),
        });
        let fees = events.iter().filter(|event| event.name == "SupraCollected");
        Self {
            requested: summary.requested,
            handled: summary.answered,
            orphans: summary.orphans,
            pending: pending.collect(),
            oldest_pending_age_seconds: summary.oldest_pending_age_seconds,
            last_requested_at: last("DrawRequestedEvent"),
            last_handled_at: last("DrawHandledEvent"),
            latency: summary.latency,
            last_answers: last_answers.collect(),
            seen: seen.collect(),
            whitelist_changes: whitelists.collect(),
            callback_fee_quants: fees.filter_map(|event| event.number("amount")).max().map(Quants),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::SCHEMA;

    fn event(name: &str, nonce: u64, height: u64) -> Event {
        Event {
            schema: SCHEMA.to_owned(),
            height,
            time: Some(format!("t{height}")),
            time_us: Some((height * 1_000_000).to_string()),
            transaction_hash: Some(format!("0x{name}{nonce}{height}")),
            index: 0,
            type_tag: format!("0xa::main_v2::{name}"),
            name: name.to_owned(),
            data: serde_json::json!({"nonce": nonce.to_string()}),
        }
    }

    #[test]
    fn answered_pending_orphan() {
        let (asked, handled) = ("DrawRequestedEvent", "DrawHandledEvent");
        let events = [
            event(handled, 1, 5),
            event(handled, 2, 12),
            event(asked, 2, 10),
            event(asked, 2, 10),
            event(asked, 3, 20),
            // The same nonce again, in one block with its answer.
            event(handled, 2, 30),
            event(asked, 2, 30),
        ];
        let pairs = pair(&events, 100_000_000);
        let shown: Vec<_> =
            pairs.iter().map(|p| (p.outcome, p.nonce.get(), p.latency_ms, p.age_seconds)).collect();
        assert_eq!(
            shown,
            [
                (Outcome::Orphan, 1, None, None),
                (Outcome::Answered, 2, Some(2000), None),
                (Outcome::Pending, 3, None, Some(80)),
                (Outcome::Answered, 2, Some(0), None),
            ]
        );
        let summary = summary(&pairs);
        assert_eq!((summary.requested, summary.answered, summary.pending, summary.orphans), (3, 2, 1, 1));
        assert_eq!(summary.oldest_pending_age_seconds, Some(80));
    }

    #[test]
    fn the_last_answers_come_first() {
        let (asked, handled) = ("DrawRequestedEvent", "DrawHandledEvent");
        let pairs = (1..=12)
            .flat_map(|nonce| [event(asked, nonce, nonce * 10), event(handled, nonce, nonce * 10 + nonce)]);
        // An orphan and a pending request are not answers to a request of the range.
        let others = [event(handled, 99, 999), event(asked, 98, 998)];
        let events: Vec<Event> = pairs.chain(others).collect();
        let found = Requests::of(&events, &[], 0).last_answers;
        let shown: Vec<_> = found.iter().map(|answer| (answer.nonce, answer.latency_ms)).collect();
        let expected = (3..=12_u64).rev().map(|nonce| (Count::from(nonce), Some(nonce * 1000)));
        assert_eq!(shown, expected.collect::<Vec<_>>());
        assert_eq!(found[0].handled_at.as_deref(), Some("t132"));
    }

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let found = latency((1..=200).rev().collect()).unwrap();
        assert_eq!(
            (found.min_ms, found.p50_ms, found.p90_ms, found.p99_ms, found.max_ms),
            (1, 100, 180, 198, 200)
        );
        assert_eq!(latency(vec![7]).unwrap().p99_ms, 7);
        assert_eq!(latency(vec![]), None);
    }

    proptest::proptest! {
        #[test]
        fn every_event_is_counted_once(list in proptest::collection::vec((proptest::bool::ANY, 0_u64..6, 0_u64..40), 0..60)) {
            let events: Vec<Event> = list.iter().map(|(asks, nonce, height)| {
                event(if *asks { "DrawRequestedEvent" } else { "DrawHandledEvent" }, *nonce, *height)
            }).collect();
            let ids: BTreeSet<String> = events.iter().map(Event::id).collect();
            let found = summary(&pair(&events, 0));
            let counted = found.requested + found.answered + found.orphans;
            proptest::prop_assert_eq!(counted, ids.len() as u64);
        }
    }
}
