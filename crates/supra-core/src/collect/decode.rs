//! From an answer to the typed state: the one place where raw meets typed.

use serde_json::{Map, Value, json};

use crate::address::Address;
use crate::amount::{Count, GasPrice, GasUnits, Quants};
use crate::move_value::{DecodeError, Node};
use crate::state::{ClientSnapshot, ConsumerSnapshot, Maybe, Module, State, VrfRequestConfig};
use crate::view::catalogue::Wanted;

/// Old contracts answered the fund as a struct; the amount is the first of these fields.
const FUND_FIELDS: [&str; 4] = ["available_fund", "available_balance", "available_amount", "available"];

/// Puts the answer of a view into the state. On an error nothing that could be decoded is lost.
pub(super) fn view(wanted: Wanted, answer: &Value, state: &mut State) -> Result<(), DecodeError> {
    let root = Node::root(answer);
    let first = || root.returned(0);
    let (chain, deposit, lottery) = (&mut state.chain, &mut state.deposit, &mut state.lottery);
    match wanted {
        Wanted::ChainId => chain.id = Some(root.u8().or_else(|_| first()?.u8())?),
        Wanted::ChainTime => chain.time_us = Some(count(&first()?)?),
        Wanted::Balance => deposit.balance = Some(fund(&first()?)?),
        Wanted::MinBalance => deposit.min_balance = Some(quants(&first()?)?),
        Wanted::SupraMinBalance => deposit.supra_min_balance = Some(quants(&first()?)?),
        Wanted::MinBalanceReached => deposit.at_or_below_minimum = Some(first()?.bool()?),
        Wanted::EffectiveBalance => deposit.effective_balance = Some(quants(&first()?)?),
        Wanted::GrantRemaining => deposit.grant_remaining = Some(quants(&first()?)?),
        Wanted::GrantTotal => deposit.grant_total = Some(quants(&first()?)?),
        Wanted::MaxTxnFee => deposit.max_txn_fee = Some(quants(&first()?)?),
        Wanted::MinRequestCount => deposit.min_request_count = Some(count(&first()?)?),
        Wanted::MaxGasPrice => deposit.max_gas_price = Some(GasPrice(first()?.u128()?)),
        Wanted::MaxGasLimit => deposit.max_gas_limit = Some(GasUnits(first()?.u128()?)),
        Wanted::ClientWhitelisted => deposit.client_whitelisted = Some(first()?.bool()?),
        Wanted::Paused => deposit.paused = Some(first()?.bool()?),
        Wanted::Modules => {
            deposit.modules = Some(root.returned_items()?.iter().map(module).collect::<Result<_, _>>()?);
        }
        Wanted::Contracts => deposit.contracts = Some(addresses(&root.returned_items()?)?),
        Wanted::SubscriptionInfo => {
            let first = first()?;
            let (end, active) = if first.json().is_object() {
                (first.optional_field("end_date")?, first.optional_field("active")?)
            } else {
                (Some(first), None)
            };
            deposit.subscription_active = active.map(|flag| flag.bool()).transpose()?;
            // Older chains answer `{"active": true}` without an end.
            if end.is_some() || deposit.subscription_active.is_none() {
                let end = end.ok_or_else(|| root.mismatch("a subscription with `end_date` or `active`"))?;
                deposit.subscription_ends_at_s = Some(count(&end)?);
            }
        }
        Wanted::LotteryStatus => return lottery_status(&first()?, lottery),
        Wanted::VrfRequestConfig => lottery.vrf_request_config = Some(request_config(&first()?)?),
        Wanted::WhitelistStatus => return whitelist(&first()?, lottery),
        Wanted::VrfGasConfig => {
            lottery.gas.max_gas_price = Some(GasPrice(first()?.u128()?));
            lottery.gas.max_gas_limit = Some(GasUnits(root.returned(1)?.u128()?));
        }
        Wanted::CallbackGasConfig => {
            lottery.gas.callback_gas_price = Some(GasPrice(first()?.u128()?));
            lottery.gas.callback_gas_limit = Some(GasUnits(root.returned(1)?.u128()?));
        }
        Wanted::VerificationGas => lottery.gas.verification_gas_value = Some(GasUnits(first()?.u128()?)),
        Wanted::ClientSnapshot => lottery.client_snapshot = Some(client_snapshot(&first()?)?),
        Wanted::ConsumerSnapshot => lottery.consumer_snapshot = Some(consumer_snapshot(&first()?)?),
        Wanted::MinBalanceSnapshot => lottery.min_balance_snapshot = Some(maybe(&first()?, quants)?),
        // Kept raw for the old report; their typed form comes from `Modules` and `Contracts`.
        Wanted::ContractDetails | Wanted::WhitelistedContracts => {}
        Wanted::PendingNonce => return Err(root.mismatch("the LotteryData resource")),
    }
    Ok(())
}

/// What the contract's own view would return, for the views that the old report shows; written from the `LotteryData`
/// resource. A field that the resource lacks is left out.
fn view_from_resource(wanted: Wanted, resource: &Value) -> Option<Value> {
    let field = |name: &str| resource.get(name).cloned();
    let known = |fields: Vec<(&str, Option<Value>)>| {
        let known = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        json!([known.collect::<Map<_, _>>()])
    };
    Some(match wanted {
        Wanted::LotteryStatus => {
            let tickets = resource.get("tickets").and_then(Value::as_array);
            let pending = Node::root(resource).field("pending_request").and_then(|field| pending(&field));
            known(vec![
                ("ticket_count", tickets.map(|list| json!(list.len().to_string()))),
                ("draw_scheduled", field("draw_scheduled")),
                ("pending_request", pending.ok().map(Value::Bool)),
                ("jackpot_amount", field("jackpot_amount")),
                ("rng_request_count", field("rng_request_count")),
                ("rng_response_count", field("rng_response_count")),
            ])
        }
        Wanted::VrfRequestConfig => json!([field("vrf_request_config")?]),
        Wanted::WhitelistStatus => known(vec![
            ("aggregator", field("whitelisted_callback_sender")),
            ("consumers", field("whitelisted_consumers")),
        ]),
        _ => return None,
    })
}

/// The chain's clock by a block's header, in microseconds since 1970.
pub(crate) fn clock(block: &Value) -> Result<Count, DecodeError> {
    count(&Node::root(block).field("time_us")?)
}

/// Puts one value of a block's header into the state.
pub(super) fn block(wanted: Wanted, block: &Value, state: &mut State) -> Result<(), DecodeError> {
    let root = Node::root(block);
    match wanted {
        Wanted::ChainId => state.chain.id = Some(root.field("chain_id")?.u8()?),
        Wanted::ChainTime => state.chain.time_us = Some(clock(block)?),
        _ => return Err(root.mismatch("a value that a block holds")),
    }
    Ok(())
}

/// Puts one value of the `LotteryData` resource into the state; returns what its view would return, where the old report
/// shows it.
pub(super) fn lottery_data(
    wanted: Wanted,
    resource: &Value,
    state: &mut State,
) -> Result<Option<Value>, DecodeError> {
    if let Some(answer) = view_from_resource(wanted, resource) {
        view(wanted, &answer, state)?;
        return Ok(Some(answer));
    }
    let root = Node::root(resource);
    let lottery = &mut state.lottery;
    let gas = |name: &str| root.field(name)?.u128();
    match wanted {
        Wanted::PendingNonce => {
            // Older contracts do not have it; the nonce is what was asked for.
            lottery.next_client_seed = root.field("next_client_seed").and_then(|seed| count(&seed)).ok();
            lottery.pending_nonce = Some(maybe(&root.field("pending_request")?, count)?);
        }
        Wanted::VrfGasConfig => {
            lottery.gas.max_gas_price = Some(GasPrice(gas("max_gas_price")?));
            lottery.gas.max_gas_limit = Some(GasUnits(gas("max_gas_limit")?));
        }
        Wanted::CallbackGasConfig => {
            lottery.gas.callback_gas_price = Some(GasPrice(gas("callback_gas_price")?));
            lottery.gas.callback_gas_limit = Some(GasUnits(gas("callback_gas_limit")?));
        }
        Wanted::VerificationGas => {
            lottery.gas.verification_gas_value = Some(GasUnits(gas("verification_gas_value")?));
        }
        Wanted::ClientSnapshot => {
            lottery.client_snapshot = Some(client_snapshot(&root.field("client_whitelist_snapshot")?)?);
        }
        Wanted::ConsumerSnapshot => {
            lottery.consumer_snapshot = Some(consumer_snapshot(&root.field("consumer_whitelist_snapshot")?)?);
        }
        Wanted::MinBalanceSnapshot => {
            let snapshot = client_snapshot(&root.field("client_whitelist_snapshot")?)?;
            lottery.min_balance_snapshot = Some(Maybe(snapshot.0.map(|inner| inner.min_balance_limit)));
        }
        _ => return Err(root.mismatch("a value that LotteryData holds")),
    }
    Ok(None)
}

fn quants(node: &Node) -> Result<Quants, DecodeError> {
    node.u128().map(Quants)
}

fn count(node: &Node) -> Result<Count, DecodeError> {
    node.u128().map(Count)
}

fn fund(node: &Node) -> Result<Quants, DecodeError> {
    match quants(node) {
        Ok(amount) => Ok(amount),
        Err(error) if node.json().is_object() => {
            let found = FUND_FIELDS.iter().find_map(|name| node.optional_field(name).ok().flatten());
            found.map_or(Err(error), |inner| quants(&inner))
        }
        Err(error) => Err(error),
    }
}

fn maybe<T>(
    node: &Node,
    decode: impl FnOnce(&Node) -> Result<T, DecodeError>,
) -> Result<Maybe<T>, DecodeError> {
    node.option()?.as_ref().map(decode).transpose().map(Maybe)
}

fn address(node: &Node) -> Result<Address, DecodeError> {
    node.address()
}

fn addresses(nodes: &[Node]) -> Result<Vec<Address>, DecodeError> {
    nodes.iter().map(address).collect()
}

fn module(node: &Node) -> Result<Module, DecodeError> {
    Ok(Module {
        module_type: node.field("module_type_info")?.text()?,
        max_callback_txn_fee: quants(&node.field("max_callback_txn_fee")?)?,
        min_balance_limit: quants(&node.field("min_balance_limit")?)?,
        enabled: node.field("enabled")?.bool()?,
    })
}

fn request_config(node: &Node) -> Result<Maybe<VrfRequestConfig>, DecodeError> {
    maybe(node, |inner| {
        Ok(VrfRequestConfig {
            rng_count: inner.field("rng_count")?.u8()?,
            client_seed: count(&inner.field("client_seed")?)?,
        })
    })
}

fn client_snapshot(node: &Node) -> Result<Maybe<ClientSnapshot>, DecodeError> {
    maybe(node, |inner| {
        Ok(ClientSnapshot {
            max_gas_price: GasPrice(inner.field("max_gas_price")?.u128()?),
            max_gas_limit: GasUnits(inner.field("max_gas_limit")?.u128()?),
            min_balance_limit: quants(&inner.field("min_balance_limit")?)?,
        })
    })
}

fn consumer_snapshot(node: &Node) -> Result<Maybe<ConsumerSnapshot>, DecodeError> {
    maybe(node, |inner| {
        Ok(ConsumerSnapshot {
            callback_gas_price: GasPrice(inner.field("callback_gas_price")?.u128()?),
            callback_gas_limit: GasUnits(inner.field("callback_gas_limit")?.u128()?),
        })
    })
}

/// The lottery's status alone, as a watcher of one draw asks for it again and again.
pub fn status(answer: &Value) -> Result<crate::state::Lottery, DecodeError> {
    let mut lottery = crate::state::Lottery::default();
    lottery_status(&Node::root(answer).returned(0)?, &mut lottery)?;
    Ok(lottery)
}

/// Decodes field by field: one that an older contract lacks does not hide the others.
fn lottery_status(node: &Node, lottery: &mut crate::state::Lottery) -> Result<(), DecodeError> {
    let mut trouble = None;
    let mut keep = |result: Result<Count, DecodeError>| {
        result.map_err(|error| trouble.get_or_insert(error).clone()).ok()
    };
    let tickets = node.optional_field("ticket_count")?.map_or_else(|| node.field("tickets"), Ok);
    lottery.ticket_count = keep(tickets.and_then(|inner| count(&inner)));
    let mut counted = |name: &str| keep(node.field(name).and_then(|inner| count(&inner)));
    // Earlier contracts do not tell it, and no rule needs it.
    if node.optional_field("jackpot_amount")?.is_some() {
        lottery.jackpot_amount = counted("jackpot_amount");
    }
    lottery.rng_request_count = counted("rng_request_count");
    lottery.rng_response_count = counted("rng_response_count");
    let scheduled = node.field("draw_scheduled").and_then(|inner| inner.bool());
    let pending = node.field("pending_request").and_then(|inner| pending(&inner));
    lottery.draw_scheduled = scheduled.map_err(|error| trouble.get_or_insert(error).clone()).ok();
    lottery.pending_request = pending.map_err(|error| trouble.get_or_insert(error).clone()).ok();
    trouble.map_or(Ok(()), Err)
}

/// A bool, or the `Option<u64>` of the nonce: an empty one means that nothing is pending.
fn pending(node: &Node) -> Result<bool, DecodeError> {
    match node.bool() {
        Ok(flag) => Ok(flag),
        Err(error) if node.json().is_object() => {
            maybe(node, count).map(|nonce| nonce.0.is_some()).map_err(|_| error)
        }
        Err(error) => Err(error),
    }
}

fn whitelist(node: &Node, lottery: &mut crate::state::Lottery) -> Result<(), DecodeError> {
    let consumers = node.field("consumers").and_then(|inner| addresses(&inner.items()?));
    let aggregator = match node.optional_field("aggregator")? {
        Some(inner) => maybe(&inner, address).map(|found| found.0.into_iter().collect()),
        None => node.field("aggregators").and_then(|list| addresses(&list.items()?)),
    };
    let trouble = [consumers.as_ref().err(), aggregator.as_ref().err()].into_iter().flatten().next().cloned();
    lottery.consumers = consumers.ok();
    lottery.aggregator = aggregator.ok();
    trouble.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
