//! The result of delivering something by HTTP.

use std::time::Duration;

/// Whether a receiver accepted a request, and whether to send it again if not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The receiver accepted the request.
    Accepted,
    /// The same request may succeed later.
    Retry {
        /// How long the receiver asks to wait.
        after: Option<Duration>,
    },
    /// The receiver refused the content of the request.
    Rejected,
    /// The address is wrong, or its credentials are.
    Unauthorized,
}

/// A delivery, possibly of several tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The result of the last try.
    pub disposition: Disposition,
    /// Why the request was not accepted, without secrets; `None` if it was.
    pub reason: Option<String>,
    /// The last HTTP status, if there was any response.
    pub status: Option<u16>,
    /// How many times the request was sent.
    pub tries: u32,
}
