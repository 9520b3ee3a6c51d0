//! The dvrf tools' library: from the chain's answers to a verdict, layer by layer.
//!
//! ```text
//! transport ─► collect ─► record ─► check
//! ```

#![warn(missing_docs)]

pub mod address;
pub mod amount;
pub mod failure;
pub mod file;
pub mod lang;
pub mod secret;
pub mod stable_id;
pub mod time;

pub mod abort;
pub mod delivery;
pub mod events;
pub mod http;
pub mod min_balance;
pub mod move_value;
pub mod network;
pub mod requests;
pub mod retry;
pub mod state;
pub mod state_dir;
pub mod view;
pub mod view_report;

pub mod target;
pub mod transport;

pub mod client;
pub mod collect;

pub mod record;
pub mod report;

pub mod check;
pub mod draw;
pub mod readiness;
pub mod submit;
