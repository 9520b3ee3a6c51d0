//! Signals that end the process: the Supra CLI's processes are killed first.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use supra_core::transport::cli::kill_children;

static STARTED: Once = Once::new();
/// Set by a server that ends itself: children are killed, and the process goes on to its own end.
static ENDS_ITSELF: AtomicBool = AtomicBool::new(false);

/// Leaves ending the process to its caller. Children are killed at a signal all the same.
pub fn leave_ending_to_caller() {
    ENDS_ITSELF.store(true, Ordering::SeqCst);
}

/// From now on a signal that ends this process kills its children first: they have process groups of their own, which
/// Ctrl-C does not reach.
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
        // Without this thread the children end at their own deadline.
        let _ = std::thread::Builder::new().spawn(handle);
    });
}
