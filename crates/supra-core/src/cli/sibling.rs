//! Targets filled by `dvrf-json`, the tool of ours that asks the chain: a filter that only judges stays small, and
//! `dvrf-check < fleet` is `dvrf-json < fleet | dvrf-check`.

use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

use super::input::Records;
use super::records::{Fill, Filled, Next, Take, next};
use super::{CliError, Session, chain, say_failure};
use crate::clock::Clock;
use crate::config::env;
use crate::failure::{Failure, FailureKind};
use crate::record::Record;
use crate::record::reader::Reader;
use crate::transport::process::{start_sibling, wait_for_sibling};

/// The tool that asks the chain.
const READER: &str = "dvrf-json";
/// The longest time that the settings allow it when they do not say.
const USUAL: Duration = Duration::from_secs(30);
/// What it may take beyond that: to start, to kill a child of its own, to write.
const GRACE: Duration = Duration::from_secs(15);

/// The path of a tool of ours: beside this program, else in `PATH`.
pub fn path_of(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return None;
    }
    let beside = std::env::current_exe().ok().and_then(|own| own.parent().map(Path::to_owned));
    let listed = env::path();
    let places = beside.into_iter().chain(listed.iter().flat_map(std::env::split_paths));
    places.map(|place| place.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Fills targets by `dvrf-json`.
pub struct Sibling;

impl Fill for Sibling {
    fn one(session: &mut Session) -> Result<Filled, CliError> {
        Ok(match live(session) {
            Ok(record) => filled(record),
            Err(failure) => Filled::refused(Record::new(), failure, session.now),
        })
    }

    fn all(first: Record, mut rest: Records, session: &mut Session, take: Take) -> Result<(), CliError> {
        let words: &[&str] =
            if rest.ordered() { &["--input", "-"] } else { &["--input", "-", "--unordered"] };
        let mut child = match start(words, Stdio::piped(), session) {
            Ok(child) => child,
            Err(failure) => {
                return super::records::refuse_targets(&failure, first, &mut rest, session, take);
            }
        };
        let fed = Arc::new(AtomicU64::new(0));
        if let Some(stdin) = child.stdin.take()
            && let Err(error) = feed(stdin, first, rest, Arc::clone(&fed), session)
        {
            stop(&mut child);
            let message = format!("no thread can be started: {error}");
            return Err(Failure::new(FailureKind::Config, message).into());
        }
        let result = receive(&mut child, session, take);
        let Ok(received) = result else {
            stop(&mut child);
            return result.map(drop);
        };
        let Some(received) = received else {
            stop(&mut child);
            return Ok(());
        };
        let ended = wait_for_sibling(&mut child);
        // By a signal or a code that is not one of ours it may have left a stream that still goes on.
        let missing = fed.load(Ordering::SeqCst).saturating_sub(received);
        if missing > 0 || !ended.as_ref().is_ok_and(|status| matches!(status.code(), Some(0..=2))) {
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            let message = format!(
                "{READER} ended too soon ({how}): {missing} of the records that it was given have no answer, and what came \
                 after them was not read"
            );
            let failure = Failure::new(FailureKind::Unreachable, message);
            take(Filled::refused(Record::new(), failure, session.now), session)?;
        }
        Ok(())
    }
}

/// A record of the sibling, which has said on stderr what it had to say.
fn filled(record: Record) -> Filled {
    if record.has("error") { Filled::unanswered(record) } else { Filled::whole(record) }
}

/// Starts it with what the flags of this program say as variables: neither a flag that it does not have nor a secret
/// reaches its command line.
fn start(words: &[&str], stdin: Stdio, session: &Session) -> Result<Child, Failure> {
    let absent = || {
        let message =
            format!("the chain is asked by {READER}, which is neither beside this program nor in PATH");
        Failure::new(FailureKind::Config, message).with_hint(format!("install {READER} beside it"))
    };
    let path = path_of(READER).ok_or_else(absent)?;
    if let Some((name, _)) = session.settings.flags().find(|(_, text)| text.trim().is_empty()) {
        return Err(Failure::new(FailureKind::Config, format!("the flag of {name} is empty")));
    }
    let mut command = Command::new(&path);
    command.args(words).envs(session.settings.flags()).stdin(stdin).stdout(Stdio::piped());
    start_sibling(&mut command).map_err(|error| {
        Failure::new(FailureKind::Config, format!("{} cannot be started: {error}", path.display()))
    })
}

/// Ends it and what it runs; it passes the signal on to the Supra CLI.
fn stop(child: &mut Child) {
    drop(child.stdout.take());
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // One that has ended already needs no signal.
        let _ = kill_process(pid, Signal::TERM);
    }
    let _ = wait_for_sibling(child);
}

/// The record of the settings' target.
fn live(session: &Session) -> Result<Record, Failure> {
    let mut child = start(&["--live"], Stdio::null(), session)?;
    let limit = session.settings.seconds(&env::TIMEOUT).ok().flatten().unwrap_or(USUAL) + GRACE;
    let read = read_until(&mut child, Instant::now() + limit);
    let Some(bytes) = read else {
        stop(&mut child);
        let message = format!("{READER} gave no record within {} s and was stopped", limit.as_secs());
        return Err(Failure::new(FailureKind::Timeout, message));
    };
    let ended =
        wait_for_sibling(&mut child).map_or_else(|error| error.to_string(), |status| status.to_string());
    match Reader::new(&bytes[..]).next() {
        Some(Ok(record)) => Ok(record),
        _ => Err(Failure::new(FailureKind::Unreachable, format!("{READER} gave no record ({ended})"))),
    }
}

/// Everything it writes; `None` when that takes too long.
fn read_until(child: &mut Child, until: Instant) -> Option<Vec<u8>> {
    let mut stdout = child.stdout.take()?;
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 1 << 14];
    loop {
        let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok()?;
        let ready = {
            let mut fds = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
            poll(&mut fds, Some(&left))
        };
        match ready {
            Ok(0) => return None,
            Ok(_) => match stdout.read(&mut chunk) {
                Ok(0) | Err(_) => return Some(bytes),
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            },
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Some(bytes),
        }
    }
}

/// Gives it the stream, from a thread of its own: it answers while more comes.
fn feed(
    stdin: ChildStdin,
    first: Record,
    mut rest: Records,
    fed: Arc<AtomicU64>,
    session: &Session,
) -> io::Result<()> {
    let (name, clock) = (session.name.clone(), Clock::starting(session.now));
    let write = move || {
        let mut out = BufWriter::new(stdin);
        let mut turn = Some(Next::Target(first));
        while let Some(next_one) = turn {
            let (record, last) = match next_one {
                Next::Target(record) => (record, false),
                Next::Filled(filled, last) => {
                    if let Some(failure) = &filled.failure {
                        say_failure(&name, failure);
                    }
                    (filled.record, last)
                }
            };
            fed.fetch_add(1, Ordering::SeqCst);
            let waits = last || rest.may_wait();
            let written =
                record.write(&mut out, false).and_then(|()| if waits { out.flush() } else { Ok(()) });
            // It has gone: whoever counts its answers says so.
            if written.is_err() || last {
                break;
            }
            turn = next(&mut rest, clock.now());
        }
    };
    thread::Builder::new().spawn(write).map(drop)
}

/// Takes its answers and counts them; `None` when no more of them are wanted.
fn receive(child: &mut Child, session: &mut Session, take: Take) -> Result<Option<u64>, CliError> {
    let Some(stdout) = child.stdout.take() else { return Ok(Some(0)) };
    let clock = Clock::starting(session.now);
    let mut received = 0;
    let mut reader = Reader::buffered(stdout);
    loop {
        if reader.may_wait() {
            session.out.flush()?;
        }
        let Some(read) = reader.next() else { return Ok(Some(received)) };
        received += 1;
        session.now = clock.now();
        let (answer, last) = match read {
            Ok(record) => (filled(record), false),
            Err(source) => {
                let last = source.is_final();
                let failure =
                    Failure::new(FailureKind::Input, format!("{READER} gave no record: {}", chain(&source)));
                (Filled::refused(Record::new(), failure, session.now), last)
            }
        };
        if !take(answer, session)? || last {
            return Ok(None);
        }
    }
}
