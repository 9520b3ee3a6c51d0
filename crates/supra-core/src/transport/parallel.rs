//! Bounded parallel work on scoped threads. If the system cannot start a thread, the calling thread does the remaining
//! work itself; this is the only place that falls back in this way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// Applies `act` to every item on at most `jobs` threads, the calling one included. Results keep the items' order.
pub fn map<T: Sync, R: Send>(items: &[T], jobs: usize, act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = jobs.clamp(1, items.len().max(1));
    if workers == 1 {
        return items.iter().map(act).collect();
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        while let Some((index, item)) = take(items, &next) {
            let result = act(item);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs `act` for all items at the same time and calls `on_result` on the calling thread for every value that `act`
/// sends, in the order of arrival. Without threads the results arrive when all the work is done.
pub fn stream<'a, T: Sync, R: Send>(
    items: &'a [T],
    act: impl Fn(&'a T, &mpsc::Sender<R>) + Sync,
    on_result: impl FnMut(R),
) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let work = |sender: &mpsc::Sender<R>| {
        while let Some((_, item)) = take(items, &next) {
            act(item, sender);
        }
    };
    thread::scope(|scope| {
        for _ in items {
            let sender_of_thread = sender.clone();
            if thread::Builder::new().spawn_scoped(scope, move || work(&sender_of_thread)).is_err() {
                work(&sender);
                break;
            }
        }
        drop(sender);
        receiver.into_iter().for_each(on_result);
    });
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_the_bound_holds() {
        let running = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        let items: Vec<u64> = (0..50).collect();
        let doubled = map(&items, 4, |item| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(std::time::Duration::from_micros(50 - item));
            running.fetch_sub(1, Ordering::SeqCst);
            item * 2
        });
        assert_eq!(doubled, (0..50).map(|item| item * 2).collect::<Vec<_>>());
        assert!(most.into_inner() <= 4);
        assert_eq!(map(&items[..0], 4, |item| *item), Vec::<u64>::new());
    }

    #[test]
    fn streamed_results_arrive_while_other_items_still_run() {
        let first_arrived = std::sync::Barrier::new(2);
        let mut results = Vec::new();
        let act = |item: &u64, sender: &mpsc::Sender<u64>| {
            if *item == 1 {
                first_arrived.wait();
            }
            sender.send(*item).unwrap();
        };
        stream(&[1, 2], act, |result| {
            results.push(result);
            if result == 2 {
                first_arrived.wait();
            }
        });
        assert_eq!(results, [2, 1]);
    }
}
