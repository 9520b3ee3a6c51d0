//! Kills the Supra CLI's processes when a signal ends this one.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use supra_core::transport::cli::kill_children;

static STARTED: Once = Once::new();
/// Set by a server that shuts itself down after a signal.
static ENDS_ITSELF: AtomicBool = AtomicBool::new(false);

/// Leaves ending the process to the caller; a signal then only kills the children.
pub fn leave_ending_to_caller() {
    ENDS_ITSELF.store(true, Ordering::SeqCst);
}

/// Starts a thread that kills the children before a signal ends this process: they have process groups of their own,
/// which Ctrl-C does not reach.
pub(crate) fn kill_children_first() {
    STARTED.call_once(|| {
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
        let handle = move || {
            for signal in signals.forever() {
                kill_children();
                if signal == SIGHUP || !ENDS_ITSELF.load(Ordering::SeqCst) {
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        };
        // Without this thread the children still end at their own deadline.
        let _ = std::thread::Builder::new().spawn(handle);
    });
}
