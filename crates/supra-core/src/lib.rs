//! Reads and checks Supra dVRF subscriptions and the contracts behind them.
//!
//! A dVRF client prepays a deposit for its randomness callbacks; at the minimum balance requests are refused. This
//! library reads a subscription and its lottery through any [`transport`], makes one typed [`report::Report`] of the
//! answers, and checks it. Values that could not be read are `None`, never zero, with the reason beside them.
//!
//! From the bottom up: [`address`], [`amount`] and [`move_value`] decode what the chain says; a [`transport`] asks a REST
//! node, the Supra CLI or a recording; [`client`] reads targets ([`collect`]), views and [`events`]; [`record`] is a
//! report as text; [`check`] and [`readiness`] decide; [`submit`] sends a transaction, guarded by a journal in a
//! [`state_dir`].
//!
//! # Reading one balance
//!
//! ```
//! use std::time::Duration;
//!
//! use jiff::Timestamp;
//! use serde_json::json;
//! use supra_core::amount::Quants;
//! use supra_core::client::{ChainClient, ClientOptions};
//! use supra_core::error::Error;
//! use supra_core::failure::FailureKind;
//! use supra_core::target::Target;
//! use supra_core::transport::{Deadline, Reply, Request, Transport};
//!
//! /// A chain that answers one question; `RpcTransport` asks a real node.
//! struct OneBalance;
//!
//! impl Transport for OneBalance {
//!     fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
//!         let answer = |request: &Request| match request {
//!             Request::View(call) if call.function.name == "check_client_fund" => Ok(json!(["78750000000"])),
//!             _ => Err(Error::new(FailureKind::Unsupported, "this chain has only a balance")),
//!         };
//!         let reply = |result| Reply { result, elapsed: Duration::ZERO, attempts: 1 };
//!         requests.iter().map(answer).map(reply).collect()
//!     }
//!
//!     fn identity(&self) -> String {
//!         "one balance".to_owned()
//!     }
//! }
//!
//! let client = ChainClient::new(Box::new(OneBalance), ClientOptions::default());
//! let target = Target::of_lottery("0xa1".parse()?, "0xd".parse()?);
//! let collected = client.collect(&target, Timestamp::UNIX_EPOCH);
//! assert_eq!(collected.state.deposit.balance, Some(Quants(78_750_000_000)));
//! // What the chain did not say is not known, and `views` says why.
//! assert_eq!(collected.state.deposit.min_balance, None);
//! assert!(collected.views["min_balance"].error.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(missing_docs)]

pub mod address;
pub mod amount;
pub mod error;
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
pub mod metadata;
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

pub mod layout;

pub mod client;
pub mod collect;

pub mod record;
pub mod report;

pub mod check;
pub mod draw;
pub mod forecast;
pub mod fund;
pub mod history;
pub mod readiness;
pub mod submit;
