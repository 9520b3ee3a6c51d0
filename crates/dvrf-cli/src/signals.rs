//! Kills the Supra CLI's processes when a signal ends this one, and turns a file-size limit into an error.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::transport::cli::kill_children;

static STARTED: OnceLock<Result<(), Error>> = OnceLock::new();
/// Set by a server that shuts itself down after a signal.
static ENDS_ITSELF: AtomicBool = AtomicBool::new(false);

/// Leaves ending the process to the caller; a signal then only kills the children.
pub fn leave_ending_to_caller() {
    ENDS_ITSELF.store(true, Ordering::SeqCst);
}

/// Makes a write beyond the file-size limit (`ulimit -f`) fail like one on a full disk; it would kill the process
/// otherwise.
pub(crate) fn survive_file_size_limit() {
    // Without the handler, only such a write ends the process, as it does for other programs.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Makes signals end this process where it is the first of a container, for which the kernel has no default action.
pub(crate) fn end_as_first_process() {
    if std::process::id() == 1 {
        // Without the thread, the container is killed at the end of its grace period.
        let _ = kill_children_first();
    }
}

/// Starts, once, a thread that kills the children before a signal ends this process: they have process groups of their
/// own, which Ctrl-C does not reach.
pub(crate) fn kill_children_first() -> Result<(), Error> {
    STARTED.get_or_init(start).clone()
}

fn start() -> Result<(), Error> {
    let failure =
        |error: io::Error| Error::new(FailureKind::Config, "cannot wait for signals").with_source(error);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failure)?;
    let handle = move || {
        for signal in signals.forever() {
            kill_children();
            if signal != SIGHUP && ENDS_ITSELF.load(Ordering::SeqCst) {
                continue;
            }
            end_by(signal);
        }
    };
    std::thread::Builder::new().spawn(handle).map(drop).map_err(failure)
}

/// Ends the process as the signal would; the kernel does not do so for the first process of a container.
#[expect(clippy::exit, reason = "a signal ends the process wherever it is")]
fn end_by(signal: i32) {
    if std::process::id() == 1 {
        std::process::exit(128 + signal);
    }
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
