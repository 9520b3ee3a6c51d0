//! From a time to a height: no node has such a route, so blocks are asked for by a guess that is halved when it is bad.

use jiff::{Timestamp, civil};

use super::{Scanner, There, decoded};
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::time::parse_span;
use crate::transport::{Absent, Block, Request};

/// More than halving a range of 2^64 twice over.
const STEPS_MAX: u32 = 130;

/// A point in the chain's history as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockPoint {
    /// This block.
    Height(u64),
    /// The first block at or after this time, in microseconds since 1970.
    Micros(u64),
}

impl BlockPoint {
    /// `2h`, `45m`, `7d`, an RFC 3339 time, a date, or a height.
    pub fn parse(flag: &str, text: &str, now: Timestamp) -> Result<Self, Error> {
        let text = text.trim();
        let bad = || {
            let message = format!(
                "{flag} is {:?}: a span such as 2h or 7d, a time such as 2026-01-31T08:00:00Z, or a height is needed",
                quote(text)
            );
            Error::new(FailureKind::Config, message)
        };
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Height).map_err(|_| bad());
        }
        // A number without a unit is a height or a mistake, not seconds.
        let span = parse_span(text).filter(|_| text.ends_with(|c: char| c.is_ascii_alphabetic()));
        let time = match span {
            Some(span) => now.checked_sub(span).map_err(|_| bad())?,
            None => match text.parse::<Timestamp>() {
                Ok(time) => time,
                Err(_) => text
                    .parse::<civil::Date>()
                    .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
                    .map_err(|_| bad())?
                    .timestamp(),
            },
        };
        u64::try_from(time.as_microsecond()).map(Self::Micros).map_err(|_| bad())
    }
}

impl Scanner<'_> {
    fn block_or_absent(&self, height: u64) -> Result<There<Block>, Error> {
        decoded(&self.one(Request::Block { height: Some(height), transactions: false })?)
    }

    /// The height of the first block at or after a point; one above the tip where there is none yet. Where the node
    /// has pruned that past, the oldest block it has.
    pub fn height_of(&self, when: BlockPoint, tip: &Block) -> Result<u64, Error> {
        match when {
            BlockPoint::Height(height) => Ok(height),
            BlockPoint::Micros(micros) => self.first_at(micros, tip),
        }
    }

    fn first_at(&self, micros: u64, tip: &Block) -> Result<u64, Error> {
        if micros > tip.time_us {
            return Ok(tip.next_height());
        }
        // `late` is at or after the time, all up to `early` (exclusive) are before it or gone.
        let (mut early, mut late) = (0, tip.height);
        let mut late_us = tip.time_us;
        let mut early_us: Option<u64> = None;
        let mut back = 1000;
        for step in 0..STEPS_MAX {
            if early >= late {
                return Ok(late);
            }
            let guess = match early_us {
                None => late.saturating_sub(back).max(early),
                // Blocks come at an even pace; every third guess halves, so that an uneven one costs little.
                Some(us) if step % 3 != 2 && late_us > us => {
                    let share =
                        u128::from(late.saturating_sub(early)) * u128::from(micros.saturating_sub(us));
                    let ahead = share.div_ceil(u128::from(late_us - us));
                    early
                        .saturating_add(u64::try_from(ahead).unwrap_or(0))
                        .saturating_sub(1)
                        .clamp(early, late - 1)
                }
                Some(_) => early.midpoint(late),
            };
            match self.block_or_absent(guess)? {
                There::Yes(block) if block.time_us >= micros => {
                    (late, late_us) = (guess, block.time_us);
                    // The pace is known from two blocks; from the first pair we aim.
                    back = next_back(back, tip, &block, micros);
                }
                There::Yes(block) => (early, early_us) = (guess.saturating_add(1), Some(block.time_us)),
                There::No(Absent::Pruned(Some(oldest))) if oldest > early && oldest <= late => early = oldest,
                There::No(_) => early = guess.saturating_add(1),
            }
        }
        Ok(late)
    }
}

/// How far back the next guess goes while nothing before the time is known: what the pace so far says, and a little more.
fn next_back(back: u64, tip: &Block, block: &Block, micros: u64) -> u64 {
    let (blocks, span) = (tip.height.saturating_sub(block.height), tip.time_us.saturating_sub(block.time_us));
    if blocks == 0 || span == 0 {
        return back.saturating_mul(4);
    }
    let left = u128::from(block.time_us.saturating_sub(micros)) * u128::from(blocks);
    u64::try_from(left / u128::from(span)).unwrap_or(u64::MAX).saturating_add(1).max(1)
}
