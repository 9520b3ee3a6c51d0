//! What a top-up asks one node besides a report: the client's fund, and what the signer owns.

use std::time::Duration;

use super::ChainClient;
use crate::address::Address;
use crate::amount::Quants;
use crate::error::Error;
use crate::failure::FailureKind;
use crate::move_value::Node;
use crate::target::Target;
use crate::transport::{Deadline, Request};
use crate::view::{Argument, FunctionId, ViewCall};

/// The coin that deposits are made of.
const COIN: &str = "0x1::supra_coin::SupraCoin";

/// One node's view of a client's fund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FundSight {
    /// The fund (`check_client_fund`).
    pub balance: Quants,
    /// The node's chain, where it says so.
    pub chain_id: Option<u8>,
    /// The chain's clock there, seconds since 1970.
    pub chain_s: Option<i64>,
}

impl ChainClient {
    /// Reads a node's view of the client's fund, its chain and its clock, within `limit`.
    pub fn fund_sight(&self, target: &Target, limit: Duration) -> Result<FundSight, Error> {
        let fund = FunctionId {
            address: target.deposit,
            module: target.deposit_module.clone(),
            name: "check_client_fund".to_owned(),
        };
        let time = "0x1::timestamp::now_microseconds".parse().map_err(unusable)?;
        let requests = [
            view(fund, Vec::new(), vec![Argument::Address(target.client)]),
            view(time, Vec::new(), Vec::new()),
            Request::ChainId,
        ];
        let limit = limit.min(self.options.call_timeout);
        let mut replies = self.transport.ask(&requests, Deadline::after(limit)).into_iter();
        let mut next = || {
            let reply = replies.next().map(|reply| reply.result);
            reply.unwrap_or_else(|| Err(Error::new(FailureKind::Unreachable, "nothing was asked")))
        };
        let balance = Quants(number(&next()?)?);
        let chain_s = next().and_then(|value| number(&value)).ok();
        let chain_s = chain_s.and_then(|us| i64::try_from(us / 1_000_000).ok());
        let chain_id = next().ok().and_then(|value| Node::root(&value).returned(0).ok()?.u8().ok());
        Ok(FundSight { balance, chain_id, chain_s })
    }

    /// What an account owns of the SUPRA coin, its fungible part included (`0x1::coin::balance`).
    pub fn coin_balance(&self, owner: Address, limit: Duration) -> Result<Quants, Error> {
        let balance = "0x1::coin::balance".parse().map_err(unusable)?;
        let request = view(balance, vec![COIN.to_owned()], vec![Argument::Address(owner)]);
        let limit = limit.min(self.options.call_timeout);
        let reply = self.transport.ask(&[request], Deadline::after(limit)).into_iter().next();
        let answer = reply.map_or_else(
            || Err(Error::new(FailureKind::Unreachable, "nothing was asked")),
            |reply| reply.result,
        )?;
        number(&answer).map(Quants)
    }
}

fn view(function: FunctionId, type_arguments: Vec<String>, arguments: Vec<Argument>) -> Request {
    Request::View(ViewCall { function, type_arguments, arguments })
}

fn number(answer: &serde_json::Value) -> Result<u128, Error> {
    let node = Node::root(answer);
    let found = node.returned(0).and_then(|value| value.u128());
    found.map_err(|error| Error::new(FailureKind::Undecodable, error.to_string()))
}

fn unusable(error: impl std::fmt::Display) -> Error {
    Error::new(FailureKind::Config, error.to_string())
}
