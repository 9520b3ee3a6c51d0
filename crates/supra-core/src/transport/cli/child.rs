//! Runs a child process to its end or its deadline and reads both output streams on one thread.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::error::Error;
use crate::failure::FailureKind;
use crate::transport::Deadline;

/// The largest output of either stream that is kept, in bytes.
const OUTPUT_BYTES_MAX: usize = 8 << 20;
/// How long to read on after the child has ended, because a grandchild may keep the pipes open.
const AFTERWARDS: Duration = Duration::from_millis(100);

/// A child process that has ended or was killed.
#[derive(Debug)]
pub struct Finished {
    /// The exit status; `None` if the child was killed and could not be waited for.
    pub status: Option<ExitStatus>,
    /// Its stdout, up to a limit.
    pub stdout: Vec<u8>,
    /// Its stderr, up to a limit.
    pub stderr: Vec<u8>,
    /// Whether it was killed at the deadline.
    pub timed_out: bool,
    /// Why its output may lack something, if so.
    pub incomplete: Option<String>,
}

impl Finished {
    /// Returns whether it exited with 0 before the deadline.
    pub fn success(&self) -> bool {
        !self.timed_out && self.status.is_some_and(|status| status.success())
    }

    /// Describes the exit status: `code 1`, `signal 9` or `no status`.
    pub fn ending(&self) -> String {
        match self.status.map(|status| (status.code(), status.signal())) {
            Some((Some(code), _)) => format!("code {code}"),
            Some((None, Some(signal))) => format!("signal {signal}"),
            _ => "no status".to_owned(),
        }
    }
}

/// The process groups of running children.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
/// Held for reading between a spawn and its entry in `RUNNING`, so that [`kill_children`] misses no child.
static SPAWNING: RwLock<()> = RwLock::new(());
/// Set under `SPAWNING` once the process is ending, so that no further child is started.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Kills the process groups of all running children and prevents new ones. Children have their own process groups, which
/// a signal to this process's group does not reach, so call this before a signal ends the process.
pub fn kill_children() {
    let _no_spawn_under_way = SPAWNING.write().unwrap_or_else(PoisonError::into_inner);
    ENDING.store(true, Ordering::SeqCst);
    for group in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        // The group may have ended by itself.
        let _ = kill_process_group(*group, Signal::KILL);
    }
}

struct Registered(Option<Pid>);

impl Registered {
    fn new(child: &Child) -> Self {
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(group);
        }
        Self(group)
    }

    fn kill(&self) {
        if let Some(group) = self.0 {
            // The group may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| *known != group);
        }
    }
}

/// Runs `argv` with an empty stdin until it ends or `deadline` passes.
///
/// # Errors
/// Only when the program was not started. What fails later is in [`Finished::incomplete`].
pub fn run(
    argv: &[OsString],
    environment: &[(&str, String)],
    env_remove: &[&str],
    deadline: Deadline,
) -> Result<Finished, Error> {
    let Some((program, words)) = argv.split_first() else {
        return Err(Error::new(FailureKind::Config, "no program to run"));
    };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    for name in env_remove {
        command.env_remove(name);
    }
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let on_its_way = SPAWNING.read().unwrap_or_else(PoisonError::into_inner);
    if ENDING.load(Ordering::SeqCst) {
        return Err(Error::new(FailureKind::Unreachable, "the run was ended by a signal"));
    }
    let mut child = command.spawn().map_err(|error| {
        Error::new(FailureKind::Config, format!("the Supra CLI {} cannot be run", program.display()))
            .with_source(explained(error))
            .with_hint("set SUPRA_CLI_BIN to the CLI's path, or SUPRA_RPC_URL to ask a node without it")
    })?;
    let group = Registered::new(&child);
    drop(on_its_way);
    let mut finished =
        Finished { status: None, stdout: Vec::new(), stderr: Vec::new(), timed_out: false, incomplete: None };
    let drained = drain(&mut child, &mut finished, deadline);
    // The child is not reaped yet, so its process group cannot have been reused. Kills background processes that it left.
    if !matches!(drained, Ok(Ended::Unseen)) || finished.timed_out {
        group.kill();
    }
    finished.status = child.wait().ok();
    if let Err(error) = drained {
        finished.incomplete = Some(format!("it cannot be read: {error}"));
    }
    Ok(finished)
}

/// The error with a text that tells what is wrong with the program.
fn explained(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(error.kind(), "there is no such file"),
        io::ErrorKind::PermissionDenied => io::Error::new(error.kind(), "it is not an executable file"),
        _ => error,
    }
}

/// Whether the end of the child was seen.
enum Ended {
    Seen,
    /// The pipes are closed; the child may still run.
    Unseen,
}

/// Reads both pipes until both are closed, the child has ended, or the deadline passes.
fn drain(child: &mut Child, finished: &mut Finished, deadline: Deadline) -> io::Result<Ended> {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let mut ended = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut end = Ended::Unseen;
    let mut limit = deadline;
    let mut buffer = vec![0u8; 16 << 10];
    while stdout.is_some() || stderr.is_some() || ended.is_some() {
        let mut fds = Vec::with_capacity(3);
        fds.extend(stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(ended.as_ref().map(|process| PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)));
        let span = Timespec::try_from(limit.remaining()).ok();
        let ready = match poll(&mut fds, span.as_ref()) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if ready == 0 {
            finished.timed_out = limit == deadline;
            return Ok(end);
        }
        let mut states = fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<_>>().into_iter();
        let mut is_ready = |there: bool| there && states.next().unwrap_or(false);
        let (out_ready, err_ready, end_ready) =
            (is_ready(stdout.is_some()), is_ready(stderr.is_some()), is_ready(ended.is_some()));
        if out_ready {
            take(&mut stdout, &mut buffer, &mut finished.stdout, &mut finished.incomplete)?;
        }
        if err_ready {
            take(&mut stderr, &mut buffer, &mut finished.stderr, &mut finished.incomplete)?;
        }
        if end_ready {
            (ended, end) = (None, Ended::Seen);
            limit = deadline.min_with(AFTERWARDS);
        }
        if deadline.is_expired() && ended.is_some() {
            finished.timed_out = true;
            return Ok(end);
        }
    }
    Ok(end)
}

/// Reads once from a pipe that has data and drops the pipe at its end. Data above the limit is discarded, so that the
/// child does not block.
fn take<R: Read>(
    pipe: &mut Option<R>,
    buffer: &mut [u8],
    kept: &mut Vec<u8>,
    incomplete: &mut Option<String>,
) -> io::Result<()> {
    let Some(reader) = pipe else { return Ok(()) };
    match reader.read(buffer) {
        Ok(0) => *pipe = None,
        Ok(length) => {
            let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
            kept.extend_from_slice(&buffer[..length.min(room)]);
            if length > room {
                *incomplete = Some(format!("it is longer than {OUTPUT_BYTES_MAX} bytes"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    Ok(())
}
