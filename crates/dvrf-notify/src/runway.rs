//! Estimates for how many hours the deposit lasts, from the request count of the last week.

use serde::{Deserialize, Serialize};

use supra_core::amount::Count;

/// Hourly samples of a subscription's request count, at most of a week.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestHistory(Vec<RequestSample>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct RequestSample {
    at_s: i64,
    requests: Count,
}

impl RequestHistory {
    /// Drops the samples after a time: they were taken before the clock was set back.
    pub fn drop_after(&mut self, now_s: i64) {
        self.0.retain(|sample| sample.at_s <= now_s);
    }

    /// Adds a sample of the request count, and estimates for how many hours the remaining requests will last at the rate
    /// of the last week. `None` until the samples cover an hour and a request.
    pub fn hours_left(
        &mut self,
        requests: Option<Count>,
        requests_left: Option<Count>,
        now_s: i64,
    ) -> Option<u128> {
        const HOUR_S: i64 = 3600;
        const SAMPLES_MAX: usize = 7 * 24;
        let requests = requests?;
        // A lower count belongs to another contract or a new chain.
        if self.0.last().is_some_and(|last| last.requests > requests) {
            self.0.clear();
        }
        if self.0.last().is_none_or(|last| now_s.saturating_sub(last.at_s) >= HOUR_S) {
            self.0.push(RequestSample { at_s: now_s, requests });
        }
        let surplus = self.0.len().saturating_sub(SAMPLES_MAX);
        self.0.drain(..surplus);
        let first = self.0.first()?;
        let span_s = u128::try_from(now_s.saturating_sub(first.at_s))
            .ok()
            .filter(|span| *span >= HOUR_S.unsigned_abs().into())?;
        let made = requests.get().checked_sub(first.requests.get()).filter(|made| *made > 0)?;
        requests_left?.get().checked_mul(span_s)?.checked_div(made.checked_mul(3600)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runway_needs_an_hour_and_a_request() {
        let mut history = RequestHistory::default();
        let mut hours = |requests, now| history.hours_left(Some(Count(requests)), Some(Count(90)), now);
        assert_eq!(hours(10, 0), None);
        assert_eq!(hours(12, 1800), None);
        assert_eq!(hours(13, 3600), Some(30));
        assert_eq!(hours(16, 7200), Some(30));
        // A lower count belongs to another contract.
        assert_eq!(hours(1, 10_000), None);
        assert_eq!(hours(1, 20_000), None);
        assert_eq!(history.hours_left(None, Some(Count(90)), 30_000), None);
        for hour in 0..400 {
            history.hours_left(Some(Count(10)), None, 100_000 + hour * 3600);
        }
        assert_eq!(history.0.len(), 168);
    }
}
