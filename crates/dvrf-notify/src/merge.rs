//! Joins messages that say the same: one cause of many subscriptions is one message, and so are the changes of one
//! subscription in one run. Pagers and Alertmanager get every incident by itself. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::message::Message;
use crate::notification::EventKind;
use crate::outbox::OutboxEntry;
use crate::problem::UNKNOWN;
use dvrf_cli::channel::ChannelKind;
use supra_core::check::code::Code;
use supra_core::check::remediation::remedy;
use supra_core::check::{Severity, Status};
use supra_core::stable_id::stable_id;

/// A message to send, and the waiting messages that it stands for.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub message: Message,
    /// The number of the subscription, and the id of its message.
    pub members: Vec<(usize, String)>,
}

/// What messages must have in common to be joined.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    /// A cause outside the subscriptions: the event, and codes and sentences.
    Cause(&'static str, Vec<(String, String)>),
    /// The changes of one subscription in one run: its number, the event, and the run's time.
    Run(usize, &'static str, i64),
}

/// Messages that are joined, each with the number of its subscription.
type Group<'a> = (Option<Bond>, Vec<(usize, &'a OutboxEntry)>);

/// The parcels for a channel. The order of each subscription's messages is kept.
pub(crate) fn parcels(kind: ChannelKind, entries: &[(usize, &OutboxEntry)]) -> Vec<Parcel> {
    let mut groups: Vec<Group> = Vec::new();
    let mut last_of: BTreeMap<usize, usize> = BTreeMap::new();
    for (subscription, entry) in entries {
        let bond = bond(kind, *subscription, entry);
        let least = last_of.get(subscription).copied();
        let fits = |position: usize, group: &Group| {
            let is_alone = !group.1.iter().any(|(member, _)| member == subscription);
            let is_run = matches!(group.0, Some(Bond::Run(..)));
            // An earlier group would be sent before a message that this one has to follow.
            let is_in_order = least.is_none_or(|least| position > least || is_run && position == least);
            bond.is_some() && group.0 == bond && is_in_order && (is_alone || is_run)
        };
        let found = (0..).zip(&groups).find(|(position, group)| fits(*position, group));
        let position = found.map_or(groups.len(), |(position, _)| position);
        match groups.get_mut(position) {
            Some((_, members)) => members.push((*subscription, entry)),
            None => groups.push((bond, vec![(*subscription, entry)])),
        }
        last_of.insert(*subscription, position);
    }
    groups.into_iter().filter_map(|(bond, members)| join(bond.as_ref(), &members)).collect()
}

fn bond(kind: ChannelKind, subscription: usize, entry: &OutboxEntry) -> Option<Bond> {
    let message = &entry.message;
    let event = message.event.name();
    let is_chat = kind.is_chat();
    let is_incident = !message.problem.is_empty();
    let is_report = message.event == EventKind::Report && message.status == Status::Unknown;
    let is_outside = message.problem == UNKNOWN
        || message.problem == Code::DepositPaused.name()
        || is_report && message.items.iter().all(|item| item.severity == Severity::Unknown);
    if is_outside && !message.items.is_empty() && (is_chat || kind == ChannelKind::Generic) {
        let items = message.items.iter().map(|item| (item.code.clone(), without_spans(&item.sentence)));
        return Some(Bond::Cause(event, items.collect()));
    }
    (is_chat && is_incident).then_some(Bond::Run(subscription, event, entry.queued_at_s))
}

/// A sentence without its spans of time: how long a node was waited for differs between subscriptions.
fn without_spans(sentence: &str) -> String {
    const UNITS: [&str; 12] = ["d", "h", "min", "s", "ms", "µs", "ns", "д", "ч", "мин", "с", "мс"];
    let bare = |word: &str| word.trim_matches(|c: char| c.is_ascii_punctuation()).to_owned();
    let unit_of =
        |word: &str| bare(word).trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned();
    let is_span = |word: &str| {
        let unit = unit_of(word);
        unit.len() < bare(word).len() && UNITS.contains(&unit.as_str())
    };
    let mut words: Vec<&str> = Vec::new();
    let mut rest = sentence.split(' ').peekable();
    while let Some(word) = rest.next() {
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_two_words = is_number && rest.next_if(|next| UNITS.contains(&bare(next).as_str())).is_some();
        if !(is_two_words || is_span(word)) {
            words.push(word);
        } else if words.last() != Some(&"…") {
            words.push("…");
        }
    }
    words.join(" ")
}

fn join(bond: Option<&Bond>, members: &[(usize, &OutboxEntry)]) -> Option<Parcel> {
    let ids: Vec<(usize, String)> =
        members.iter().map(|(subscription, entry)| (*subscription, entry.message.id.clone())).collect();
    let (_, first) = members.first()?;
    let mut message = first.message.clone();
    if members.len() > 1 {
        let all = || members.iter().map(|(_, entry)| &entry.message);
        message.id = id_of(all().map(|message| message.id.as_str()));
        message.incident = id_of(all().map(|message| message.incident.as_str()));
        message.severity = all().filter_map(|message| message.severity).max();
        message.since_s = all().filter_map(|message| message.since_s).min();
        message.record = None;
        if let Some(Bond::Cause(..)) = bond {
            let count = members.len();
            message.shared_by = all().map(|message| message.subscription.clone()).collect();
            message.subscription =
                message.lang.pick(format!("{count} subscriptions"), format!("подписки ({count})"));
            message.numbers.clear();
            message.network =
                message.network.filter(|_| all().all(|one| one.network == first.message.network));
            // A remedy may name an amount and an address, which are those of one subscription.
            for item in &mut message.items {
                item.command = None;
                if let Some(code) = Code::of_name(&item.code) {
                    item.remedy = remedy(code, message.lang);
                }
            }
        } else {
            message.problem.clear();
            message.was = all().map(|message| message.was).reduce(|a, b| a.filter(|_| a == b))?;
            message.items = all().flat_map(|message| message.items.clone()).collect();
            message.items.sort_by_key(|item| Reverse(item.severity));
        }
    }
    Some(Parcel { message, members: ids })
}

/// An id that is the same whenever the same messages are joined.
fn id_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut ids: Vec<&str> = ids.collect();
    ids.sort_unstable();
    stable_id(&ids)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::message::Item;

    fn entry(id: &str, problem: &str, event: EventKind, sentence: &str, at_s: i64) -> OutboxEntry {
        let severity = if problem == UNKNOWN { Severity::Unknown } else { Severity::Warning };
        let item = Item {
            code: problem.to_owned(),
            severity,
            sentence: sentence.to_owned(),
            title: String::new(),
            cause: String::new(),
            command: None,
            remedy: String::new(),
            link: String::new(),
        };
        let message = Message {
            id: id.to_owned(),
            problem: problem.to_owned(),
            subscription: format!("s{id}"),
            event,
            items: vec![item],
            ..Message::default()
        };
        OutboxEntry { channel: "c".to_owned(), message, queued_at_s: at_s, not_before_s: None }
    }

    fn joined(kind: ChannelKind, entries: &[(usize, OutboxEntry)]) -> Vec<Vec<String>> {
        let entries: Vec<_> = entries.iter().map(|(subscription, entry)| (*subscription, entry)).collect();
        let ids = |parcel: Parcel| parcel.members.into_iter().map(|(_, id)| id).collect();
        parcels(kind, &entries).into_iter().map(ids).collect()
    }

    #[test]
    fn one_cause_of_many_is_one_message() {
        let down = |id: &str| entry(id, UNKNOWN, EventKind::Firing, "no answer from rpc", 1);
        let entries: Vec<_> = (0..60).map(|n| (n, down(&n.to_string()))).collect();
        let pairs: Vec<_> = entries.iter().map(|(n, entry)| (*n, entry)).collect();
        let found = parcels(ChannelKind::Slack, &pairs);
        assert_eq!((found.len(), found[0].members.len()), (1, 60));
        let text = found[0].message.text();
        assert!(text.contains("60 subscriptions: ") && text.contains("Concerns: s0, s1, s2"), "{text}");
        assert!(text.contains("s19 and 40 more"), "{text}");
        assert_eq!(joined(ChannelKind::Generic, &entries).len(), 1);
        assert_eq!(joined(ChannelKind::Pagerduty, &entries).len(), 60);
        // Other words are another cause, and a low deposit is each subscription's own.
        let others = [
            (0, entry("a", UNKNOWN, EventKind::Firing, "no answer from rpc", 1)),
            (1, entry("b", UNKNOWN, EventKind::Firing, "wrong chain", 1)),
            (2, entry("c", "deposit", EventKind::Firing, "low", 1)),
            (3, entry("d", "deposit", EventKind::Firing, "low", 1)),
        ];
        assert_eq!(joined(ChannelKind::Slack, &others).len(), 4);
    }

    #[rstest]
    #[case::one(&["testnet", "testnet"], Some("testnet"))]
    #[case::several(&["testnet", "mainnet"], None)]
    #[case::one_not_known(&["testnet", ""], None)]
    fn a_network_is_named_if_all_are_on_it(#[case] networks: &[&str], #[case] expected: Option<&str>) {
        let on = |(number, network): (usize, &&str)| {
            let mut entry = entry(&number.to_string(), UNKNOWN, EventKind::Firing, "no answer", 1);
            entry.message.network = Some((*network).to_owned()).filter(|network| !network.is_empty());
            (number, entry)
        };
        let entries: Vec<_> = networks.iter().enumerate().map(on).collect();
        let pairs: Vec<_> = entries.iter().map(|(number, entry)| (*number, entry)).collect();
        let found = parcels(ChannelKind::Slack, &pairs);
        assert_eq!((found.len(), found[0].message.network.as_deref()), (1, expected));
    }

    #[test]
    fn spans_of_time_are_no_other_cause() {
        assert_eq!(without_spans("no answer within 9.98s, 4 tries"), "no answer within … 4 tries");
        assert_eq!(without_spans("http://10.0.0.1:9/s refused"), "http://10.0.0.1:9/s refused");
        assert_eq!(
            without_spans("the chain's clock is 2 h 5 min behind; 3 tries"),
            "the chain's clock is … behind; 3 tries"
        );
        assert_eq!(without_spans("отчёту 40 с"), "отчёту …");
    }

    #[test]
    fn the_changes_of_a_run_are_one_message_in_a_chat() {
        let entries = [
            (0, entry("1", "deposit", EventKind::Firing, "low", 1)),
            (0, entry("2", "MODULE_DISABLED a", EventKind::Firing, "off", 1)),
            (0, entry("3", "deposit", EventKind::Resolved, "low", 2)),
            (0, entry("4", "GAS", EventKind::Firing, "gas", 2)),
        ];
        assert_eq!(joined(ChannelKind::Slack, &entries), [vec!["1", "2"], vec!["3"], vec!["4"]]);
        assert_eq!(joined(ChannelKind::Generic, &entries).len(), 4);
    }

    #[test]
    fn the_order_of_a_subscription_is_kept() {
        let of = |subscription: usize, base: i64| {
            [EventKind::Firing, EventKind::Resolved, EventKind::Firing].into_iter().zip(0..).map(
                move |(event, n)| {
                    let id = format!("{subscription}{n}");
                    (subscription, entry(&id, UNKNOWN, event, "no answer", base + n))
                },
            )
        };
        let entries: Vec<_> = of(1, 0).chain(of(2, 100)).collect();
        assert_eq!(
            joined(ChannelKind::Slack, &entries),
            [vec!["10", "20"], vec!["11", "21"], vec!["12", "22"]]
        );
    }
}
