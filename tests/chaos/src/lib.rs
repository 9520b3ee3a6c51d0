//! The worker threads of the chaos programs.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Plays the numbers in `jobs` threads and adds what each returns to a summary, until `add` breaks off.
pub fn play_all<T, S: Default + Send>(
    numbers: Range<u64>,
    jobs: u64,
    play: impl Fn(u64) -> T + Sync,
    add: impl Fn(&mut S, u64, T) -> ControlFlow<()> + Sync,
) -> S {
    let (next, is_over) = (AtomicU64::new(numbers.start), AtomicBool::new(false));
    let summary = Mutex::new(S::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    let played = play(number);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    is_over.fetch_or(add(&mut summary, number, played).is_break(), Ordering::Relaxed);
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_played_once_until_one_breaks_off() {
        let add = |limit| {
            move |all: &mut Vec<u64>, _: u64, played: u64| {
                all.push(played);
                if played == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        };
        let mut all: Vec<u64> = play_all(3..100, 4, |number| number, add(u64::MAX));
        all.sort_unstable();
        assert_eq!(all, (3..100).collect::<Vec<_>>());
        assert_eq!(play_all(3..100, 1, |number| number, add(5)), [3, 4, 5]);
        assert_eq!(play_all(3..3, 0, |number| number, add(5)), [0; 0]);
    }
}
