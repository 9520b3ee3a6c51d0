//! The order of the transactions of one block. A node lists each type of event by itself, in the order of the chain; where two
//! transactions have no type in common, the lower nonce comes first.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Found;
use crate::events::number;

/// Sorts the rows of one block, which are sorted by type, by transaction and type.
pub(super) fn sort_block(rows: &mut [Found]) {
    if rows.len() < 2 {
        return;
    }
    let ranks = ranks(rows);
    rows.sort_by_key(|row| (ranks.get(&row.hash).copied(), row.kind));
}

/// The place of each transaction in the block.
fn ranks(rows: &[Found]) -> HashMap<Option<String>, usize> {
    let mut nonces: HashMap<&Option<String>, u128> = HashMap::new();
    for row in rows {
        let nonce = number(&row.data, "nonce").unwrap_or(u128::MAX);
        nonces.entry(&row.hash).and_modify(|least| *least = nonce.min(*least)).or_insert(nonce);
    }
    // The transactions of each type, in the node's order.
    let mut lists: Vec<VecDeque<&Option<String>>> = Vec::new();
    let mut lists_of: HashMap<&Option<String>, usize> = HashMap::new();
    for of_kind in rows.chunk_by(|a, b| a.kind == b.kind) {
        let mut seen = HashSet::new();
        let list: VecDeque<_> =
            of_kind.iter().map(|row| &row.hash).filter(|hash| seen.insert(*hash)).collect();
        for hash in &list {
            *lists_of.entry(hash).or_default() += 1;
        }
        lists.push(list);
    }
    let mut ranks = HashMap::new();
    loop {
        for list in &mut lists {
            while list.front().is_some_and(|hash| ranks.contains_key(*hash)) {
                list.pop_front();
            }
        }
        let heads: Vec<&Option<String>> = lists.iter().filter_map(|list| list.front().copied()).collect();
        // A transaction that is first in all its lists can be next. Lists that contradict each other have none.
        let is_first = |hash: &Option<String>| {
            lists_of.get(hash) == Some(&heads.iter().filter(|head| **head == hash).count())
        };
        let next = heads.iter().min_by_key(|hash| (!is_first(hash), nonces.get(**hash)));
        let Some(next) = next else { return ranks };
        ranks.insert((*next).clone(), ranks.len());
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// Rows of one block: the type, the transaction, the nonce. Each type is in the order in which the node lists it.
    #[rstest]
    #[case::the_nodes_order_counts(&[(0, "b", 14), (0, "a", 15)], "b14 a15")]
    #[case::whatever_the_nonces(&[(0, "a", 15), (0, "b", 14)], "a15 b14")]
    #[case::an_answer_follows_its_request(&[(0, "d", 14), (0, "b", 15), (1, "c", 14), (1, "a", 15)], "d14 c14 b15 a15")]
    #[case::transactions_stay_together(&[(0, "b", 1), (0, "a", 2), (1, "b", 9), (1, "a", 0)], "b1 b9 a2 a0")]
    #[case::a_shared_type_decides_for_others(&[(0, "b", 9), (1, "b", 9), (1, "c", 5), (2, "c", 5), (2, "a", 1)], "b9 b9 c5 c5 a1")]
    #[case::no_nonce_comes_last(&[(0, "a", -1), (1, "b", 7)], "b7 a-1")]
    #[case::lists_that_contradict_each_other(&[(0, "a", 1), (0, "b", 2), (1, "b", 2), (1, "a", 1)], "a1 a1 b2 b2")]
    fn transactions_of_a_block(#[case] rows: &[(usize, &str, i64)], #[case] expected: &str) {
        let found = |(kind, hash, nonce): &(usize, &str, i64)| Found {
            height: 1,
            hash: Some((*hash).to_owned()),
            kind: *kind,
            index: 0,
            data: if *nonce < 0 { json!({}) } else { json!({"nonce": nonce.to_string()}) },
        };
        let mut rows: Vec<Found> = rows.iter().map(found).collect();
        sort_block(&mut rows);
        let word = |row: &Found| {
            let nonce = number(&row.data, "nonce").map_or("-1".to_owned(), |nonce| nonce.to_string());
            format!("{}{nonce}", row.hash.as_deref().unwrap_or_default())
        };
        assert_eq!(rows.iter().map(word).collect::<Vec<_>>().join(" "), expected);
    }
}
