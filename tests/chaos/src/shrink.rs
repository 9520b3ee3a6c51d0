//! Shrinks a failing case: removes or simplifies everything that it does not need to fail.

use crate::case::{Case, Pipeline};

/// The smallest case found that `fails`, and the number of cases tried.
pub(crate) fn shrink(mut case: Case, fails: &mut dyn FnMut(&Case) -> bool) -> (Case, usize) {
    let mut tries = 0;
    // It ends, because every step makes one of a few dimensions smaller.
    loop {
        let smaller = simpler(&case).into_iter().find(|candidate| {
            tries += 1;
            fails(candidate)
        });
        match smaller {
            Some(found) => case = found,
            None => return (case, tries),
        }
    }
}

/// All cases with one thing removed or simplified.
fn simpler(case: &Case) -> Vec<Case> {
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut candidate = case.clone();
        change(&mut candidate);
        if candidate != *case {
            found.push(candidate);
        }
    };
    with(&|c| c.later = None);
    for index in 0..case.faults.len() {
        with(&|c| drop(c.faults.remove(index)));
    }
    if let Some((_, faults)) = &case.later {
        for index in 0..faults.len() {
            with(&|c| c.later.iter_mut().for_each(|(_, faults)| drop(faults.remove(index))));
        }
    }
    with(&|c| c.pipeline = Pipeline::Piped);
    with(&|c| c.unordered = false);
    with(&|c| c.clients = 0);
    with(&|c| c.clients /= 2);
    with(&|c| "rpc".clone_into(&mut c.transport));
    with(&|c| "none".clone_into(&mut c.noise));
    with(&|c| "v3".clone_into(&mut c.interface));
    with(&|c| (c.node, c.api) = ("v11.7".to_owned(), "v1,v2,v3".to_owned()));
    with(&|c| "recorded".clone_into(&mut c.words));
    with(&|c| c.abi = true);
    with(&|c| "healthy".clone_into(&mut c.scenario));
    with(&|c| c.detail = String::new());
    with(&|c| c.jobs = 24);
    with(&|c| c.retries = 0);
    with(&|c| (c.timeout_ms, c.call_timeout_ms) = (2000, 1000));
    with(&|c| c.seed = 1);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_failure_needs_stays() {
        let mut case = Case::of(5, 5);
        case.faults = ["latency=1ms", "hang", "stale=5", "html"].map(str::to_owned).to_vec();
        case.scenario = "at-minimum".to_owned();
        case.later = Some((9, vec!["reset".to_owned()]));
        let mut fails =
            |c: &Case| c.faults.contains(&"hang".to_owned()) && c.scenario == "at-minimum" && c.retries <= 3;
        let (small, tries) = shrink(case, &mut fails);
        assert_eq!(small.faults, ["hang"]);
        assert_eq!(
            (small.later, small.scenario.as_str(), small.transport.as_str()),
            (None, "at-minimum", "rpc")
        );
        assert_eq!((small.pipeline, small.retries, small.seed), (Pipeline::Piped, 0, 1));
        assert!(tries < 100, "{tries}");
    }

    #[test]
    fn a_case_that_does_not_fail_again_stays_the_same() {
        let case = Case::of(5, 6);
        assert_eq!(shrink(case.clone(), &mut |_| false).0, case);
    }
}
