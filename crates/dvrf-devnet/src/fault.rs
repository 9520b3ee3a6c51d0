//! Faults of the node: which there are, and by seed when one strikes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What goes wrong. Rates are percentages of the requests; 100 is always.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// Milliseconds before every answer.
    pub(crate) latency: u64,
    /// Up to so many milliseconds more.
    pub(crate) jitter: u64,
    /// 429 for the first so many requests.
    pub(crate) throttle_first: u64,
    /// 429 at this rate.
    pub(crate) throttle_rate: u64,
    /// The `Retry-After` header of a 429: seconds, or `date` for an HTTP date one second ahead.
    pub(crate) retry_after: Option<Value>,
    /// A 5xx at this rate.
    pub(crate) error_rate: u64,
    /// Which 5xx.
    pub(crate) error_status: Option<u64>,
    /// A web page with status 200 at this rate.
    pub(crate) html_rate: u64,
    /// Half a body at this rate.
    pub(crate) truncate_rate: u64,
    /// A reset connection at this rate.
    pub(crate) reset_rate: u64,
    /// No answer at all at this rate.
    pub(crate) hang_rate: u64,
    /// A body that is not JSON at this rate.
    pub(crate) garbage_rate: u64,
    /// A body of 64 MB at this rate.
    pub(crate) huge_rate: u64,
    /// The answers come from this chain instead.
    pub(crate) wrong_chain: Option<u8>,
    /// The chain's clock stands so many seconds behind.
    pub(crate) stale: u64,
    /// Views that fail, by function name: abort, missing, garbage, null, text or error.
    pub(crate) fail: BTreeMap<String, String>,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    None,
    Throttle,
    Error,
    Html,
    Truncate,
    Reset,
    Hang,
    Garbage,
    Huge,
}

impl Faults {
    /// Reads `name=value,…`; `fail.FUNCTION=KIND` names a view.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut fields = Map::new();
        let mut fail = Map::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, value) =
                item.split_once('=').ok_or_else(|| format!("--fault has {item:?}: NAME=VALUE is needed"))?;
            match name.strip_prefix("fail.") {
                Some(function) => fail.insert(function.to_owned(), value.into()),
                None => fields
                    .insert(name.to_owned(), value.parse::<u64>().map_or_else(|_| value.into(), Value::from)),
            };
        }
        fields.insert("fail".to_owned(), Value::Object(fail));
        serde_json::from_value(Value::Object(fields)).map_err(|error| format!("--fault: {error}"))
    }

    /// Draws what happens to the `number`-th request of a run with this seed.
    pub(crate) fn strike(&self, seed: u64, number: u64) -> Strike {
        if number < self.throttle_first {
            return Strike::Throttle;
        }
        for (position, (rate, strike)) in [
            (self.throttle_rate, Strike::Throttle),
            (self.error_rate, Strike::Error),
            (self.html_rate, Strike::Html),
            (self.truncate_rate, Strike::Truncate),
            (self.reset_rate, Strike::Reset),
            (self.hang_rate, Strike::Hang),
            (self.garbage_rate, Strike::Garbage),
            (self.huge_rate, Strike::Huge),
        ]
        .into_iter()
        .enumerate()
        {
            let drawn = draw(seed ^ (position as u64) << 32, number) % 100;
            if drawn < rate {
                return strike;
            }
        }
        Strike::None
    }

    /// Milliseconds before the answer.
    pub(crate) fn delay_ms(&self, seed: u64, number: u64) -> u64 {
        self.latency + if self.jitter == 0 { 0 } else { draw(seed, number) % (self.jitter + 1) }
    }
}

/// A number that depends only on seed and position.
pub(crate) fn draw(seed: u64, number: u64) -> u64 {
    let mut z =
        seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing() {
        let faults = Faults::parse("latency=50, retry_after=date,fail.check_client_fund=abort").unwrap();
        assert_eq!((faults.latency, faults.retry_after), (50, Some(Value::from("date"))));
        assert_eq!(faults.fail["check_client_fund"], "abort");
        assert!(Faults::parse("latncy=1").unwrap_err().contains("latncy"));
        assert!(Faults::parse("latency").is_err());
    }

    #[test]
    fn rates_and_repeatability() {
        let faults = Faults { error_rate: 30, ..Faults::default() };
        let strikes = |seed| (0..1000).map(|n| faults.strike(seed, n)).collect::<Vec<_>>();
        let hits = strikes(7).iter().filter(|strike| **strike == Strike::Error).count();
        assert!((250..350).contains(&hits), "{hits}");
        assert_eq!(strikes(7), strikes(7));
        assert_ne!(strikes(7), strikes(8));
        let first = Faults { throttle_first: 2, ..Faults::default() };
        assert_eq!([0, 1, 2].map(|n| first.strike(1, n)), [Strike::Throttle, Strike::Throttle, Strike::None]);
    }
}
