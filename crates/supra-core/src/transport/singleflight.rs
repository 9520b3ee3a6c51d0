//! Sends requests that several targets have in common once, and shares the reply for a short time.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Deadline, Reply, Request, Transport, parallel};

/// The age up to which a reply about the whole chain is shared, such as its time or whether the module is paused.
const MAX_AGE: Duration = Duration::from_secs(2);
/// The age up to which a module's ABI is shared; modules are upgraded rarely.
const MAX_AGE_ABI: Duration = Duration::from_secs(3600);
/// The largest number of shared replies; a stream of targets on one chain needs about ten.
const ENTRIES_MAX: usize = 64;

/// A transport that shares replies between targets.
pub struct Singleflight {
    inner: Box<dyn Transport>,
    entries: Mutex<HashMap<Request, Entry>>,
}

struct Entry {
    asked: Instant,
    reply: Arc<InFlight>,
}

/// A reply that one thread requests and others may wait for.
#[derive(Default)]
struct InFlight {
    reply: Mutex<Option<Reply>>,
    completed: Condvar,
}

impl InFlight {
    fn complete(&self, reply: Reply) {
        *lock(&self.reply) = Some(reply);
        self.completed.notify_all();
    }

    fn wait(&self, deadline: Deadline) -> Option<Reply> {
        let mut reply = lock(&self.reply);
        while reply.is_none() && !deadline.is_expired() {
            reply = self
                .completed
                .wait_timeout(reply, deadline.remaining())
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        reply.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a reply may be shared; `None` if the request concerns a single target.
fn max_age(request: &Request) -> Option<Duration> {
    match request {
        Request::ChainId | Request::Block { height: None, transactions: false } => Some(MAX_AGE),
        Request::View(call) if call.arguments.is_empty() => Some(MAX_AGE),
        Request::ModuleAbi { .. } => Some(MAX_AGE_ABI),
        _ => None,
    }
}

/// How to get the reply to a request.
enum Lookup {
    /// Another thread requests it, or has done so.
    Shared(Arc<InFlight>),
    /// This thread requests it for all.
    Leader(Arc<InFlight>),
    /// It is not shared.
    Unshared,
}

impl Singleflight {
    /// Shares the replies of `inner`.
    pub fn new(inner: Box<dyn Transport>) -> Self {
        Self { inner, entries: Mutex::default() }
    }

    fn look_up(&self, request: &Request) -> Lookup {
        let Some(max_age) = max_age(request) else { return Lookup::Unshared };
        let mut entries = lock(&self.entries);
        if let Some(known) = entries.get(request).filter(|known| known.asked.elapsed() < max_age) {
            return Lookup::Shared(Arc::clone(&known.reply));
        }
        if entries.len() >= ENTRIES_MAX
            && let Some(oldest) =
                entries.iter().min_by_key(|(_, entry)| entry.asked).map(|(key, _)| key.clone())
        {
            entries.remove(&oldest);
        }
        let answer = Arc::new(InFlight::default());
        entries.insert(request.clone(), Entry { asked: Instant::now(), reply: Arc::clone(&answer) });
        Lookup::Leader(answer)
    }

    /// Does not call the transport for an empty list: compose would start a container.
    fn ask_inner(&self, requests: &[Request], deadline: Deadline) -> Vec<Reply> {
        if requests.is_empty() { Vec::new() } else { self.inner.ask(requests, deadline) }
    }

    /// Sends requests that other threads may wait for and completes them. A failure is not shared later: the next target
    /// sends the request again.
    fn ask_as_leader(
        &self,
        requests: &[Request],
        in_flight: &[Arc<InFlight>],
        deadline: Deadline,
    ) -> Vec<Reply> {
        let replies = self.ask_inner(requests, deadline);
        for ((request, in_flight), reply) in requests.iter().zip(in_flight).zip(&replies) {
            if reply.result.is_err() {
                lock(&self.entries).remove(request);
            }
            in_flight.complete(reply.clone());
        }
        replies
    }
}

/// A part of the requests, with their positions in the whole list.
#[derive(Default)]
struct Part {
    places: Vec<usize>,
    requests: Vec<Request>,
}

impl Part {
    fn push(&mut self, place: usize, request: &Request) {
        self.places.push(place);
        self.requests.push(request.clone());
    }

    fn fill(self, replies: Vec<Reply>, all: &mut [Option<Reply>]) {
        for (place, reply) in self.places.into_iter().zip(replies) {
            all[place] = Some(reply);
        }
    }
}

impl Transport for Singleflight {
    fn ask(&self, requests: &[Request], deadline: Deadline) -> Vec<Reply> {
        let mut replies: Vec<Option<Reply>> = vec![None; requests.len()];
        let (mut own, mut first, mut alone) = (Part::default(), Part::default(), Part::default());
        let (mut answers, mut others) = (Vec::new(), Vec::new());
        for (place, request) in requests.iter().enumerate() {
            match self.look_up(request) {
                Lookup::Shared(answer) => others.push((place, answer)),
                Lookup::Leader(answer) => {
                    first.push(place, request);
                    answers.push(answer);
                }
                Lookup::Unshared => own.push(place, request),
            }
        }
        // In parallel, so that other targets do not wait for the questions that only concern this one.
        let ask_part = |shared: &bool| {
            if *shared {
                self.ask_as_leader(&first.requests, &answers, deadline)
            } else {
                self.ask_inner(&own.requests, deadline)
            }
        };
        let (first_replies, own_replies) = match (first.requests.is_empty(), own.requests.is_empty()) {
            (true, _) => (Vec::new(), ask_part(&false)),
            (false, true) => (ask_part(&true), Vec::new()),
            (false, false) => {
                let mut parts = parallel::map(&[true, false], 2, ask_part).into_iter();
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
        };
        own.fill(own_replies, &mut replies);
        first.fill(first_replies, &mut replies);
        for (place, answer) in others {
            // The other thread may have failed because its own deadline had passed.
            match answer.wait(deadline).filter(|reply| reply.result.is_ok()) {
                Some(reply) => replies[place] = Some(reply),
                None => alone.push(place, &requests[place]),
            }
        }
        let alone_replies = self.ask_inner(&alone.requests, deadline);
        alone.fill(alone_replies, &mut replies);
        replies.into_iter().flatten().collect()
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn reaches_node(&self) -> bool {
        self.inner.reaches_node()
    }

    fn offers_abi(&self) -> bool {
        self.inner.offers_abi()
    }

    fn offers_resources(&self) -> bool {
        self.inner.offers_resources()
    }

    fn unshared(&self) -> Option<&dyn Transport> {
        Some(&*self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::FakeTransport;
    use super::*;
    use crate::error::Error;
    use crate::failure::FailureKind;
    use crate::view::{Argument, ViewCall};
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    /// Replies to every request with the number of requests before it.
    fn shared() -> (Singleflight, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let count = move |_: &Request| {
            let before = counter.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            Ok(json!(before))
        };
        (Singleflight::new(Box::new(FakeTransport(count))), asked)
    }

    fn view(arguments: Vec<Argument>) -> Request {
        let function = "0x1::timestamp::now_microseconds".parse().unwrap();
        Request::View(ViewCall { function, type_arguments: vec![], arguments })
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    #[test]
    fn shared_requests_are_sent_once() {
        let (shared, asked) = shared();
        let questions = [Request::ChainId, view(vec![]), view(vec![Argument::U8(1)])];
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let replies = shared.ask(&questions, soon());
                    assert!(replies.len() == 3 && replies.iter().all(|reply| reply.result.is_ok()));
                });
            }
        });
        assert_eq!(asked.load(Ordering::SeqCst), 2 + 8);
    }

    #[test]
    fn failures_are_not_shared() {
        let (fail, failing) = channel();
        let (failing, asked) = (Mutex::new(failing), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&asked);
        let answer = move |_: &Request| {
            if counter.fetch_add(1, Ordering::SeqCst) > 0 {
                return Ok(json!(6));
            }
            let _ = lock(&failing).recv_timeout(Duration::from_secs(10));
            Err(Error::new(FailureKind::Timeout, "late"))
        };
        let shared = Singleflight::new(Box::new(FakeTransport(answer)));
        // The entry, the thread that asks and those that wait hold the reply.
        let until_held_by = |count: usize| {
            let held = || {
                let entries = lock(&shared.entries);
                entries.get(&Request::ChainId).map_or(0, |entry| Arc::strong_count(&entry.reply))
            };
            let deadline = soon();
            while held() < count {
                assert!(!deadline.is_expired(), "held by {}", held());
                std::thread::yield_now();
            }
        };
        std::thread::scope(|scope| {
            let ask = || scope.spawn(|| shared.ask(&[Request::ChainId], soon())[0].result.is_ok());
            let first = ask();
            until_held_by(2);
            let second = ask();
            until_held_by(3);
            fail.send(()).unwrap();
            assert_eq!((first.join().unwrap(), second.join().unwrap()), (false, true));
        });
        assert!(shared.ask(&[Request::ChainId], soon())[0].result.is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn slow_unshared_requests_delay_no_other_target() {
        let (shared, _) = shared();
        // The transport of this test takes 20 ms for each, one after the other.
        let slow: Vec<Request> = (0..50).map(|n| view(vec![Argument::U8(n)])).collect();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| shared.ask(&[&[Request::ChainId], &slow[..]].concat(), soon()));
            std::thread::sleep(Duration::from_millis(5));
            assert!(shared.ask(&[Request::ChainId], soon())[0].result.is_ok());
            assert!(!asking.is_finished());
            assert_eq!(asking.join().unwrap().len(), 51);
        });
    }

    #[test]
    fn the_number_of_shared_replies_is_limited() {
        let (shared, _) = shared();
        for number in 0..ENTRIES_MAX + 10 {
            let module = format!("m{number}");
            shared.look_up(&Request::ModuleAbi { account: "0x1".parse().unwrap(), module });
        }
        assert_eq!(lock(&shared.entries).len(), ENTRIES_MAX);
    }
}
