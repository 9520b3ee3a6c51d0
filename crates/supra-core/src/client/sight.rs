//! What a sender asks one node besides a report: its view of the value that a transaction changes, what an account owns, and
//! what became of a transaction.

use std::time::Duration;

use serde_json::Value;

use super::ChainClient;
use crate::address::Address;
use crate::amount::Quants;
use crate::collect::decode;
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::layout::{LayoutDraw, lottery};
use crate::move_value::{DecodeError, Node};
use crate::state::Lottery;
use crate::submit::journal::Fate;
use crate::target::Target;
use crate::transport::{Deadline, Request};
use crate::view::{Argument, FunctionId, ViewCall};

/// How far the clock of a node that follows the chain may be behind another's, in seconds.
pub const BEHIND_S: i64 = 30;
/// The coin that deposits are made of.
const COIN: &str = "0x1::supra_coin::SupraCoin";

/// One node's view of a value, asked for in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight<T> {
    /// The value.
    pub value: T,
    /// The node's chain, where it says so.
    pub chain_id: Option<u8>,
    /// The chain's clock there, seconds since 1970.
    pub chain_s: Option<i64>,
}

impl ChainClient {
    /// Reads a node's view of the lottery, its chain and its clock, within `limit`.
    ///
    /// # Errors
    /// When the target has no lottery, or its status cannot be read.
    pub fn lottery_sight(&self, target: &Target, limit: Duration) -> Result<Sight<Lottery>, Error> {
        let account = target
            .lottery
            .ok_or_else(|| Error::new(FailureKind::Config, "the target has no lottery contract"))?;
        let status = call(account, &target.lottery_module, lottery().status);
        self.sight(Request::View(status), decode::status, limit)
    }

    /// Reads a node's view of the counters that a draw moves: those of the lottery, or those that `[draw]` of the target's
    /// layout names.
    ///
    /// # Errors
    /// When the target has nothing to draw, or the counters cannot be read.
    pub fn draw_sight(&self, target: &Target, limit: Duration) -> Result<Sight<Lottery>, Error> {
        let Some(name) = &target.layout else { return self.lottery_sight(target, limit) };
        let draw = self.options.layouts.get(name).and_then(|layout| LayoutDraw::of(layout, target));
        let draw = draw.ok_or_else(|| Error::new(FailureKind::Config, "the layout has no [draw]"))?;
        self.sight(draw.counters()?, |answer| Ok(draw.counted(answer)), limit)
    }

    /// Reads a node's view of the client's fund (`check_client_fund`) in quants, its chain and its clock, within `limit`.
    ///
    /// # Errors
    /// When the fund cannot be read.
    pub fn fund_sight(&self, target: &Target, limit: Duration) -> Result<Sight<Quants>, Error> {
        let fund = ViewCall {
            arguments: vec![Argument::Address(target.client)],
            ..call(target.deposit, &target.deposit_module, "check_client_fund")
        };
        self.sight(Request::View(fund), number, limit)
    }

    fn sight<T>(
        &self,
        value: Request,
        read: impl FnOnce(&Value) -> Result<T, DecodeError>,
        limit: Duration,
    ) -> Result<Sight<T>, Error> {
        let time = call(Address::FRAMEWORK, "timestamp", "now_microseconds");
        let requests = [value, Request::View(time), Request::ChainId];
        let limit = limit.min(self.options.call_timeout);
        let mut replies = self.transport.ask(&requests, Deadline::after(limit)).into_iter();
        let mut next = || replies.next().map_or_else(|| Err(unasked()), |reply| reply.result);
        let value = read(&next()?)?;
        let time = next().ok().and_then(|answer| number(&answer).ok());
        let chain_s = time.and_then(|us| i64::try_from(us.get() / 1_000_000).ok());
        let chain_id = next().ok().and_then(|answer| Node::root(&answer).returned(0).ok()?.u8().ok());
        Ok(Sight { value, chain_id, chain_s })
    }

    /// What an account owns of the SUPRA coin in quants, its fungible part included (`0x1::coin::balance`).
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn coin_balance(&self, owner: Address, limit: Duration) -> Result<Quants, Error> {
        let balance = ViewCall {
            type_arguments: vec![COIN.to_owned()],
            arguments: vec![Argument::Address(owner)],
            ..call(Address::FRAMEWORK, "coin", "balance")
        };
        Ok(number(&self.ask_one(Request::View(balance), limit)?)?)
    }

    /// Looks a transaction up by its hash.
    ///
    /// # Errors
    /// When the node cannot be asked, or answers about another transaction.
    pub fn fate(&self, hash: &str, limit: Duration) -> Result<Fate, Error> {
        fate(hash, &self.ask_one(Request::Transaction { hash: hash.to_owned() }, limit)?)
    }

    fn ask_one(&self, request: Request, limit: Duration) -> Result<Value, Error> {
        let limit = limit.min(self.options.call_timeout);
        let reply = self.transport.ask(&[request], Deadline::after(limit)).into_iter().next();
        reply.map_or_else(|| Err(unasked()), |reply| reply.result)
    }
}

fn call(address: Address, module: &str, name: &str) -> ViewCall {
    let function = FunctionId { address, module: module.to_owned(), name: name.to_owned() };
    ViewCall { function, type_arguments: Vec::new(), arguments: Vec::new() }
}

fn number(answer: &Value) -> Result<Quants, DecodeError> {
    Node::root(answer).returned(0)?.u128().map(Quants)
}

fn unasked() -> Error {
    Error::new(FailureKind::Unreachable, "nothing was asked")
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
