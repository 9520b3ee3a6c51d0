//! Finds the height for a time. Nodes have no route for this, so heights are guessed by interpolation and bisection.

use jiff::{Timestamp, civil};

use super::{Presence, Scanner, decode};
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::time::parse_span;
use crate::transport::{Absent, Block, Request};

/// The largest number of guesses: twice as many as bisecting 2^64 blocks takes.
const STEPS_MAX: u32 = 130;

/// A point in the history of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockPoint {
    /// This block.
    Height(u64),
    /// The first block at or after this time, in microseconds since 1970.
    Micros(u64),
}

impl BlockPoint {
    /// Parses `2h`, `45m`, `7d`, an RFC 3339 time, a date, or a height.
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
        // A number without a unit is a height, not seconds.
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
    fn block_or_absent(&self, height: u64) -> Result<Presence<Block>, Error> {
        decode(&self.ask_one(Request::Block { height: Some(height), transactions: false })?)
    }

    /// Returns the height of the first block at or after a point: one above the tip if there is none yet, and the oldest
    /// remaining block if the node has pruned that part.
    pub fn height_of(&self, when: BlockPoint, tip: &Block) -> Result<u64, Error> {
        match when {
            BlockPoint::Height(height) => Ok(height),
            BlockPoint::Micros(micros) => Ok(self.first_at(micros, tip)?.0),
        }
    }

    /// As [`height_of`](Self::height_of) for a time in µs; and the time from which on the node has all blocks, which is later
    /// if it has pruned those before.
    pub(crate) fn first_at(&self, micros: u64, tip: &Block) -> Result<(u64, u64), Error> {
        if micros > tip.time_us {
            return Ok((tip.next_height(), micros));
        }
        // `late` is at or after the time; all blocks below `early` are before it or pruned.
        let (mut early, mut late) = (0, tip.height);
        let mut late_us = tip.time_us;
        let mut early_us: Option<u64> = None;
        let mut back = 1000;
        for step in 0..STEPS_MAX {
            if early >= late {
                break;
            }
            let guess = match early_us {
                None => late.saturating_sub(back).max(early),
                // Interpolates, as blocks come at an even pace; every third guess bisects, in case they do not.
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
                Presence::Present(block) if block.time_us >= micros => {
                    (late, late_us) = (guess, block.time_us);
                    // Two blocks give the pace.
                    back = next_step_back(back, tip, &block, micros);
                }
                Presence::Present(block) => {
                    (early, early_us) = (guess.saturating_add(1), Some(block.time_us));
                }
                Presence::Absent(Absent::Pruned(Some(oldest))) if oldest > early && oldest <= late => {
                    early = oldest;
                }
                Presence::Absent(_) => early = guess.saturating_add(1),
            }
        }
        let is_pruned = early_us.is_none() && late > 0;
        Ok((late, if is_pruned { late_us } else { micros }))
    }
}

/// How far back the next guess goes while no block before the time is known: the distance by the pace so far, plus one.
fn next_step_back(back: u64, tip: &Block, block: &Block, micros: u64) -> u64 {
    let (blocks, span) = (tip.height.saturating_sub(block.height), tip.time_us.saturating_sub(block.time_us));
    if blocks == 0 || span == 0 {
        return back.saturating_mul(4);
    }
    let left = u128::from(block.time_us.saturating_sub(micros)) * u128::from(blocks);
    u64::try_from(left / u128::from(span)).unwrap_or(u64::MAX).saturating_add(1).max(1)
}
