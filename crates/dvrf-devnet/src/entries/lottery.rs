//! The entry functions of `main_v2`.

use crate::abort::CallError;
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::deposit::MIN_REQUEST_COUNT;
use crate::lottery::{ClientSnapshot, DRAW_AT, Lottery, TICKET_PRICE, text};
use crate::move_json::{num, option};
use crate::names::Names;
use crate::state::{Asker, State};
use serde_json::{Value, json};

#[cfg(test)]
mod tests;

fn fail(names: &Names, code: u64) -> CallError {
    CallError::Abort(names.at_lottery(code))
}

fn check(names: &Names, holds: bool, code: u64) -> Result<(), CallError> {
    if holds { Ok(()) } else { Err(fail(names, code)) }
}

/// Runs one entry function; the caller discards the state when it aborts.
pub(crate) fn run(
    state: &mut State,
    tx: &mut Transaction,
    function: &str,
    args: &Args<'_>,
) -> Result<(), CallError> {
    let names = state.names.clone();
    if function != "buy_ticket" {
        check(&names, tx.sender == names.lottery, 1)?;
    }
    if function == "init" {
        check(&names, state.lottery.is_none(), 2)?;
        state.lottery =
            Some(Lottery { consumers: vec![names.lottery], next_client_seed: 1, ..Lottery::default() });
        return Ok(());
    }
    let mut lottery = state.lottery.take().ok_or_else(|| CallError::MissingData {
        address: names.lottery,
        module: names.lottery_module.clone(),
    })?;
    let result = match function {
        "buy_ticket" => lottery.buy(state, tx),
        "manual_draw" => lottery.draw(state, tx),
        "simple_draw" => lottery.simple_draw(&names, tx, state.seed),
        "create_subscription" | "set_minimum_balance" | "withdraw_funds" => {
            lottery.money(state, tx, function, args)
        }
        _ => lottery.configure(&names, tx, function, args),
    };
    state.lottery = Some(lottery);
    result
}

impl Lottery {
    fn buy(&mut self, state: &mut State, tx: &mut Transaction) -> Result<(), CallError> {
        let names = &state.names;
        check(names, state.treasury.token.is_some(), 12)?;
        check(names, state.treasury.registered(tx.sender), 13)?;
        state.treasury.pay(names, tx.sender, names.lottery, TICKET_PRICE)?;
        let id = self.next_ticket_id;
        self.next_ticket_id = id.checked_add(1).ok_or_else(|| fail(names, 33))?;
        self.jackpot = self.jackpot.checked_add(TICKET_PRICE).ok_or_else(|| fail(names, 32))?;
        self.tickets.push(tx.sender);
        self.draw_scheduled |= self.tickets.len() >= DRAW_AT;
        tx.emit(
            names.lottery_event("TicketBought"),
            json!({
                "buyer": tx.sender.to_string(), "ticket_id": text(id), "amount": text(TICKET_PRICE),
            }),
        );
        Ok(())
    }

    fn may_draw(&self, names: &Names) -> Result<(), CallError> {
        check(names, self.draw_scheduled, 4)?;
        check(names, !self.tickets.is_empty(), 3)?;
        check(names, self.pending.is_none(), 6)
    }

    fn draw(&mut self, state: &mut State, tx: &mut Transaction) -> Result<(), CallError> {
        let names = state.names.clone();
        self.may_draw(&names)?;
        check(
            &names,
            self.max_gas_price > 0 && self.max_gas_limit > 0 && self.verification_gas_value > 0,
            16,
        )?;
        check(&names, self.aggregator.is_some(), 20)?;
        check(&names, self.consumers.contains(&tx.sender), 23)?;
        let seed = self.next_client_seed;
        self.next_client_seed = seed.checked_add(1).ok_or_else(|| fail(&names, 19))?;
        let nonce = state.rng_request(tx, Asker::Lottery, seed)?;
        self.requests = self.requests.checked_add(1).ok_or_else(|| fail(&names, 34))?;
        let hash = crate::digest::id("payload", nonce, seed);
        self.pending = Some(nonce);
        self.payload_hash = Some(hash.clone());
        self.last_requester = Some(tx.sender);
        tx.emit(names.lottery_event("DrawRequestedEvent"), json!({
            "nonce": text(nonce), "client_seed": text(seed), "request_hash": hash,
            "callback_gas_price": num(self.callback_gas_price), "callback_gas_limit": num(self.callback_gas_limit),
            "requester": tx.sender.to_string(),
        }));
        Ok(())
    }

    fn simple_draw(&mut self, names: &Names, tx: &mut Transaction, seed: u64) -> Result<(), CallError> {
        self.may_draw(names)?;
        let index = usize::try_from(crate::digest::number("simple", seed, tx.now_us)).unwrap_or(0)
            % self.tickets.len();
        if let Some(winner) = self.tickets.get(index) {
            tx.emit(
                names.lottery_event("WinnerSelected"),
                json!({"winner": winner.to_string(), "prize": text(self.jackpot)}),
            );
        }
        self.tickets.clear();
        self.jackpot = 0;
        self.draw_scheduled = false;
        Ok(())
    }

    fn per_request_fee(&self, names: &Names) -> Result<u128, CallError> {
        check(names, self.max_gas_price > 0 && self.max_gas_limit > 0, 16)?;
        let gas = self.max_gas_limit.checked_add(self.verification_gas_value);
        gas.and_then(|gas| gas.checked_mul(self.max_gas_price)).ok_or_else(|| fail(names, 28))
    }

    fn min_balance(&self, names: &Names) -> Result<u128, CallError> {
        let min =
            self.per_request_fee(names)?.checked_mul(MIN_REQUEST_COUNT).ok_or_else(|| fail(names, 15))?;
        check(names, u64::try_from(min).is_ok(), 15)?;
        Ok(min)
    }

    fn subscription_json(&self, names: &Names) -> Result<Value, CallError> {
        Ok(json!({
            "min_balance": num(self.min_balance(names)?), "per_request_fee": num(self.per_request_fee(names)?),
            "max_gas_price": num(self.max_gas_price), "max_gas_limit": num(self.max_gas_limit),
            "verification_gas_value": num(self.verification_gas_value),
            "callback_sender": option(self.aggregator.map(|a| a.to_string().into())),
            "consumer_count": num(self.consumers.len() as u128), "pending_request": option(self.pending.map(text)),
        }))
    }

    fn money(
        &mut self,
        state: &mut State,
        tx: &mut Transaction,
        function: &str,
        args: &Args<'_>,
    ) -> Result<(), CallError> {
        let names = state.names.clone();
        if function == "withdraw_funds" {
            let amount = args.u64(0)?;
            check(&names, self.pending.is_none(), 10)?;
            let no_client = || CallError::Abort(names.at_deposit(crate::deposit::ECLIENT_NOT_EXIST));
            let client = state.deposit.client_mut(names.client).ok_or_else(no_client)?;
            let left = client.balance.checked_sub(u128::from(amount));
            client.balance = left.ok_or_else(|| CallError::Abort(names.at_deposit(0x5_0004)))?;
            tx.emit(
                names.lottery_event("FundsWithdrawnEvent"),
                json!({"admin": tx.sender.to_string(), "amount": text(amount)}),
            );
            return Ok(());
        }
        let min = self.min_balance(&names)?;
        let mut data = self.subscription_json(&names)?;
        let no_client = || CallError::Abort(names.at_deposit(crate::deposit::ECLIENT_NOT_EXIST));
        let client = state.deposit.client_mut(names.client).ok_or_else(no_client)?;
        if function == "set_minimum_balance" {
            client.max_txn_fee = min / MIN_REQUEST_COUNT;
            tx.emit(names.lottery_event("MinimumBalanceUpdatedEvent"), data);
        } else {
            let initial = args.u64(0)?;
            check(&names, u128::from(initial) >= min, 9)?;
            client.balance = client.balance.saturating_add(u128::from(initial));
            if let Some(object) = data.as_object_mut() {
                object.insert("initial_deposit".to_owned(), text(initial));
            }
            tx.emit(names.lottery_event("SubscriptionConfiguredEvent"), data);
        }
        Ok(())
    }

    fn configure(
        &mut self,
        names: &Names,
        tx: &mut Transaction,
        function: &str,
        args: &Args<'_>,
    ) -> Result<(), CallError> {
        match function {
            "whitelist_callback_sender"
            | "revoke_callback_sender"
            | "whitelist_consumer"
            | "remove_consumer" => self.permit(names, tx, function, args),
            "configure_vrf_gas" => self.configure_gas(names, tx, args),
            "record_client_whitelist_snapshot" => {
                let given = ClientSnapshot {
                    max_gas_price: args.number(0)?,
                    max_gas_limit: args.number(1)?,
                    min_balance_limit: args.number(2)?,
                };
                let expected = ClientSnapshot {
                    max_gas_price: self.max_gas_price,
                    max_gas_limit: self.max_gas_limit,
                    min_balance_limit: self.min_balance(names)?,
                };
                check(names, given == expected, 24)?;
                tx.emit(names.lottery_event("ClientWhitelistRecordedEvent"), json!({"max_gas_price": num(given.max_gas_price),
                    "max_gas_limit": num(given.max_gas_limit), "min_balance_limit": num(given.min_balance_limit)}));
                self.client_snapshot = Some(given);
                Ok(())
            }
            "record_consumer_whitelist_snapshot" => {
                let (price, limit) = (args.number(0)?, args.number(1)?);
                check(names, (price, limit) == (self.callback_gas_price, self.callback_gas_limit), 25)?;
                tx.emit(
                    names.lottery_event("ConsumerWhitelistSnapshotRecordedEvent"),
                    json!({"callback_gas_price": num(price), "callback_gas_limit": num(limit)}),
                );
                self.consumer_snapshot = Some((price, limit));
                Ok(())
            }
            "configure_vrf_request" => {
                let (count, seed) = (args.number(0)?, args.u64(1)?);
                check(names, count == 1, 26)?;
                check(names, seed >= self.next_client_seed, 27)?;
                self.request_config = Some((1, seed));
                self.next_client_seed = seed;
                tx.emit(
                    names.lottery_event("VrfRequestConfigUpdatedEvent"),
                    json!({"rng_count": 1, "client_seed": text(seed)}),
                );
                Ok(())
            }
            "on_random_received" => Err(fail(names, 21)),
            other => Err(CallError::Arguments(format!("{other} is not an entry function"))),
        }
    }

    fn permit(
        &mut self,
        names: &Names,
        tx: &mut Transaction,
        function: &str,
        args: &Args<'_>,
    ) -> Result<(), CallError> {
        check(names, self.pending.is_none(), 17)?;
        let zero = Address::small(0);
        let (event, key, address) = match function {
            "whitelist_callback_sender" => {
                let address = args.address(0)?;
                check(names, address != zero, 30)?;
                self.aggregator = Some(address);
                ("AggregatorWhitelistedEvent", "aggregator", address)
            }
            "revoke_callback_sender" => {
                let address = self.aggregator.take().ok_or_else(|| fail(names, 20))?;
                ("AggregatorRevokedEvent", "aggregator", address)
            }
            "whitelist_consumer" => {
                let address = args.address(0)?;
                check(names, address != zero, 31)?;
                check(names, !self.consumers.contains(&address), 22)?;
                self.consumers.push(address);
                ("ConsumerWhitelistedEvent", "consumer", address)
            }
            _ => {
                let address = args.address(0)?;
                check(names, address != names.lottery, 37)?;
                check(names, self.consumers.contains(&address), 23)?;
                self.consumers.retain(|known| *known != address);
                ("ConsumerRemovedEvent", "consumer", address)
            }
        };
        tx.emit(names.lottery_event(event), json!({key: address.to_string()}));
        Ok(())
    }

    fn configure_gas(
        &mut self,
        names: &Names,
        tx: &mut Transaction,
        args: &Args<'_>,
    ) -> Result<(), CallError> {
        check(names, self.pending.is_none(), 17)?;
        let values = [args.number(0)?, args.number(1)?, args.number(2)?, args.number(3)?, args.number(4)?];
        check(names, values.iter().all(|value| *value > 0), 29)?;
        [
            self.max_gas_price,
            self.max_gas_limit,
            self.callback_gas_price,
            self.callback_gas_limit,
            self.verification_gas_value,
        ] = values;
        let fee = self.per_request_fee(names)?;
        self.max_gas_fee = u64::try_from(fee).map_err(|_| fail(names, 28))?;
        tx.emit(names.lottery_event("GasConfigUpdatedEvent"), json!({
            "max_gas_price": num(self.max_gas_price), "max_gas_limit": num(self.max_gas_limit),
            "callback_gas_price": num(self.callback_gas_price), "callback_gas_limit": num(self.callback_gas_limit),
            "verification_gas_value": num(self.verification_gas_value), "per_request_fee": num(fee),
            "callback_sender": option(self.aggregator.map(|a| a.to_string().into())),
            "consumer_count": num(self.consumers.len() as u128), "pending_request": option(self.pending.map(text)),
        }));
        Ok(())
    }
}
