//! What a draw asks one node besides a report: its view of the round, and what became of a transaction.

use std::time::Duration;

use serde_json::Value;

use super::ChainClient;
use crate::address::Address;
use crate::collect::decode;
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::move_value::Node;
use crate::state::Lottery;
use crate::submit::journal::Fate;
use crate::target::Target;
use crate::transport::{Deadline, Request};
use crate::view::{FunctionId, ViewCall};

/// One node's view of a lottery, asked for in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The lottery's status.
    pub lottery: Lottery,
    /// The node's chain, where it says so.
    pub chain_id: Option<u8>,
    /// The chain's clock there, seconds since 1970.
    pub chain_s: Option<i64>,
}

impl ChainClient {
    /// Reads a node's view of the lottery, its chain and its clock, within `limit`.
    pub fn sight(&self, target: &Target, limit: Duration) -> Result<Sight, Error> {
        let view = |address, module: &str, name: &str| {
            let function = FunctionId { address, module: module.to_owned(), name: name.to_owned() };
            Request::View(ViewCall { function, type_arguments: Vec::new(), arguments: Vec::new() })
        };
        let lottery = target
            .lottery
            .ok_or_else(|| Error::new(FailureKind::Config, "the target has no lottery contract"))?;
        let requests = [
            view(lottery, &target.lottery_module, "get_lottery_status"),
            view(Address::FRAMEWORK, "timestamp", "now_microseconds"),
            Request::ChainId,
        ];
        let limit = limit.min(self.options.call_timeout);
        let mut replies = self.transport.ask(&requests, Deadline::after(limit)).into_iter();
        let mut next = || {
            let reply = replies.next().map(|reply| reply.result);
            reply.unwrap_or_else(|| Err(Error::new(FailureKind::Unreachable, "nothing was asked")))
        };
        let status = decode::status(&next()?);
        let lottery = status.map_err(|error| Error::new(FailureKind::Undecodable, error.to_string()))?;
        let number = |answer: Result<Value, Error>| Node::root(&answer.ok()?).returned(0).ok()?.u128().ok();
        let chain_s = number(next()).and_then(|us| i64::try_from(us / 1_000_000).ok());
        let chain_id = next().ok().and_then(|value| Node::root(&value).returned(0).ok()?.u8().ok());
        Ok(Sight { lottery, chain_id, chain_s })
    }

    /// Looks a transaction up by its hash.
    ///
    /// # Errors
    /// When the node cannot be asked, or answers about another transaction.
    pub fn fate(&self, hash: &str, limit: Duration) -> Result<Fate, Error> {
        let request = Request::Transaction { hash: hash.to_owned() };
        let limit = limit.min(self.options.call_timeout);
        let reply = self.transport.ask(&[request], Deadline::after(limit)).into_iter().next();
        let answer = reply.map_or_else(
            || Err(Error::new(FailureKind::Unreachable, "nothing was asked")),
            |reply| reply.result,
        )?;
        fate(hash, &answer)
    }
}

/// Reads the status of a transaction as a node returns it.
fn fate(hash: &str, answer: &Value) -> Result<Fate, Error> {
    let undecodable = || {
        let message =
            format!("a transaction {hash} is wanted, the node answered {}", quote(&answer.to_string()));
        Error::new(FailureKind::Undecodable, message)
    };
    if !answer.is_object() {
        return Ok(Fate::Absent);
    }
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    if text("/hash").is_some_and(|found| !found.eq_ignore_ascii_case(hash)) {
        return Err(undecodable());
    }
    let words = ["/output/Move/vm_status", "/vm_status"].iter().find_map(|pointer| text(pointer));
    match text("/status") {
        Some("Success") => Ok(Fate::Succeeded),
        Some(status @ ("Fail" | "Invalid")) => Ok(Fate::Failed(words.unwrap_or(status).to_owned())),
        Some("Pending" | "PendingAfterExecution" | "Unexecuted") => Ok(Fate::Pending),
        _ => Err(undecodable()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::succeeded(json!({"hash": "0xAB", "status": "Success"}), Some(Fate::Succeeded))]
    #[case::failed(json!({"status": "Fail", "output": {"Move": {"vm_status": "OUT_OF_GAS"}}}), Some(Fate::Failed("OUT_OF_GAS".into())))]
    #[case::invalid(json!({"status": "Invalid", "output": null}), Some(Fate::Failed("Invalid".into())))]
    #[case::pending(json!({"status": "Pending"}), Some(Fate::Pending))]
    #[case::executed_soon(json!({"status": "PendingAfterExecution"}), Some(Fate::Pending))]
    #[case::absent(json!("not_yet"), Some(Fate::Absent))]
    #[case::another(json!({"hash": "0xcd", "status": "Success"}), None)]
    #[case::new_word(json!({"status": "Maybe"}), None)]
    fn the_status_of_a_transaction(#[case] answer: Value, #[case] expected: Option<Fate>) {
        assert_eq!(fate("0xab", &answer).ok(), expected);
    }
}
