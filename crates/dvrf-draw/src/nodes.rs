//! What the nodes say about a contract's counter of requests.

use dvrf_cli::nodes::{Nodes, failure};
use supra_core::amount::Count;
use supra_core::client::sight::Sight;
use supra_core::draw::{DrawError, DrawErrorCode};
use supra_core::error::Error;
use supra_core::state::Lottery;

/// The counters of a layout's contract are those of a lottery here.
pub(crate) type LotteryNodes = Nodes<Lottery>;
type Sights = [Result<Sight<Lottery>, Error>];

/// Chooses the node to read: of those with the highest counter the first that is not behind by its clock.
///
/// # Errors
/// When nodes contradict each other.
pub(crate) fn pin(nodes: &LotteryNodes) -> Result<(), DrawError> {
    if nodes.is_single() {
        return Ok(());
    }
    let sights = nodes.survey();
    refuse_contradiction(&sights)?;
    let best = highest_of(&sights);
    nodes.pin(&sights, |lottery| lottery.rng_request_count >= best);
    Ok(())
}

/// The highest counter of requests that any node shows.
///
/// # Errors
/// When no node shows one.
pub(crate) fn highest(nodes: &LotteryNodes) -> Result<Count, Error> {
    highest_known(&nodes.samples())
}

/// The same, for a decision; `code` is that of the error when no node shows it.
///
/// # Errors
/// When no node shows one, or nodes contradict each other.
pub(crate) fn highest_agreed(nodes: &LotteryNodes, code: DrawErrorCode) -> Result<Count, DrawError> {
    let sights = nodes.samples();
    refuse_contradiction(&sights)?;
    highest_known(&sights).map_err(|failure| DrawError::of(code, &failure))
}

/// The first of the nodes' lotteries that satisfies.
///
/// # Errors
/// When no node answers.
pub(crate) fn first_that(
    sights: &Sights,
    satisfies: impl Fn(&Lottery) -> bool,
) -> Result<Option<Lottery>, Error> {
    if sights.iter().all(Result::is_err) {
        return Err(failure(sights, "no node shows the lottery"));
    }
    Ok(sights.iter().flatten().map(|sight| &sight.value).find(|lottery| satisfies(lottery)).cloned())
}

/// On one chain the counter never falls: nodes of which one counts more and another, not behind it, counts less are not on
/// one chain. Which of them is right cannot be told.
fn refuse_contradiction(sights: &Sights) -> Result<(), DrawError> {
    let known = |sight: &Sight<Lottery>| Some((sight.value.rng_request_count?, sight.chain_s?));
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

fn highest_known(sights: &Sights) -> Result<Count, Error> {
    highest_of(sights).ok_or_else(|| failure(sights, "no node shows the contract's counter of requests"))
}

fn highest_of(sights: &Sights) -> Option<Count> {
    sights.iter().flatten().filter_map(|sight| sight.value.rng_request_count).max()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use supra_core::failure::FailureKind;

    use super::*;

    #[rstest]
    #[case::all_are_down(&[None, None], Err(()))]
    #[case::one_answers(&[None, Some(4)], Ok(None))]
    #[case::the_second_satisfies(&[Some(4), Some(5), None], Ok(Some(5)))]
    fn what_is_waited_for(#[case] counts: &[Option<u128>], #[case] expected: Result<Option<u128>, ()>) {
        let answer = |count: &Option<u128>| {
            let value = Lottery { rng_request_count: count.map(Count), ..Lottery::default() };
            let down = || Error::new(FailureKind::Unreachable, "down");
            count.map(|_| Sight { value, chain_id: None, chain_s: None }).ok_or_else(down)
        };
        let answers: Vec<_> = counts.iter().map(answer).collect();
        let found = first_that(&answers, |lottery| lottery.rng_request_count > Some(Count(4)));
        let count = found.map(|found| found.and_then(|lottery| lottery.rng_request_count).map(Count::get));
        assert_eq!(count.map_err(drop), expected);
    }

    /// Nodes by their counters and clocks.
    #[rstest]
    #[case::agree(&[(Some(4), Some(100)), (Some(4), Some(100))], true)]
    #[case::one_is_behind(&[(Some(5), Some(101)), (Some(4), Some(100))], true)]
    #[case::less_at_the_same_time(&[(Some(5), Some(100)), (Some(4), Some(100))], false)]
    #[case::less_later(&[(Some(4), Some(101)), (Some(5), Some(100))], false)]
    #[case::the_same_later(&[(Some(4), Some(101)), (Some(4), Some(100))], true)]
    #[case::without_a_clock(&[(Some(5), Some(100)), (Some(4), None)], true)]
    #[case::without_a_counter(&[(Some(5), Some(100)), (None, Some(100))], true)]
    #[case::the_third_has_forked(&[(Some(5), Some(100)), (Some(4), Some(99)), (Some(3), Some(100))], false)]
    fn one_chain(#[case] nodes: &[(Option<u128>, Option<i64>)], #[case] is_one: bool) {
        let sight = |&(count, chain_s): &(Option<u128>, Option<i64>)| {
            let value = Lottery { rng_request_count: count.map(Count), ..Lottery::default() };
            Ok(Sight { value, chain_id: None, chain_s })
        };
        let answers: Vec<_> = nodes.iter().map(sight).collect();
        let refused = refuse_contradiction(&answers).map_err(|error| error.code);
        assert_eq!(refused, if is_one { Ok(()) } else { Err(DrawErrorCode::NodesDisagree) });
        assert_eq!(highest_of(&answers), nodes.iter().filter_map(|(count, _)| count.map(Count)).max());
    }
}
