//! The entry functions of the core layout.

use crate::abort::CallError;
use crate::call::{Args, Transaction};
use crate::core_layout::{
    CoreLayout, HubRequest, JACKPOT_LOTTERY, Lottery, Round, SHARES, TICKET_PRICE, round_snapshot,
};
use crate::lottery::text;
use crate::move_json::option;
use crate::state::{Asker, State};
use serde_json::{Value, json};

#[cfg(test)]
mod tests;

const ROUNDS: &str = "core_rounds";
const JACKPOT: &str = "rewards_jackpot";
const TREASURY: &str = "core_treasury_multi";

/// Runs one entry function; the caller discards the state when it aborts.
pub(crate) fn run(
    state: &mut State,
    tx: &mut Transaction,
    module: &str,
    function: &str,
    args: &Args<'_>,
) -> Result<(), CallError> {
    let Some(mut core) = state.core.take() else { return Ok(()) };
    let result = match (module, function) {
        (ROUNDS, "buy_ticket") => core.buy(tx, args.u64(0)?),
        (ROUNDS | JACKPOT, "fulfill_draw") => {
            let id = args.u64(0)?;
            core.fulfill(tx, module, id, &args.hex(1)?).map(|()| state.close(Asker::Core, id))
        }
        (ROUNDS, "request_randomness") => {
            core.ask(tx, args).map(|id| state.open(tx, Asker::Core, id, tx.sender, 0))
        }
        (JACKPOT, "request_randomness") => {
            core.ask_jackpot(tx, &args.hex(0)?).map(|id| state.open(tx, Asker::Core, id, tx.sender, 0))
        }
        (ROUNDS, _) => core.manage_round(tx, function, args.u64(0)?),
        (JACKPOT, _) => core.manage_jackpot(tx, function, args),
        ("hub", "set_callback_sender") => core.set_callback_sender(tx, args),
        _ => core.switch(tx, module, args.u64(0)?, args.flag(1)?),
    };
    state.core = Some(core);
    result
}

/// The share of an amount, in hundredths of a percent.
fn share(amount: u64, bps: u64) -> u64 {
    amount * bps / 10_000
}

impl CoreLayout {
    fn emit(&self, tx: &mut Transaction, module: &str, name: &str, data: Value) {
        tx.emit(self.full_name(module, name), data);
    }

    fn show_round(&self, tx: &mut Transaction, id: u64) {
        if let Some(round) = self.lotteries.get(&id).and_then(|lottery| lottery.round.as_ref()) {
            let data = json!({"lottery_id": text(id), "snapshot": round_snapshot(round)});
            self.emit(tx, ROUNDS, "RoundSnapshotUpdatedEvent", data);
        }
    }

    fn show_jackpot(&self, tx: &mut Transaction, previous: Value) {
        let data = json!({"previous": option(Some(previous)), "current": self.jackpot_snapshot()});
        self.emit(tx, JACKPOT, "JackpotSnapshotUpdatedEvent", data);
    }

    fn lottery_mut(&mut self, id: u64) -> Result<&mut Lottery, CallError> {
        let missing = self.abort(ROUNDS, 4);
        self.lotteries.get_mut(&id).ok_or(missing)
    }

    /// The administrator alone may do this, and only once the module is initialised.
    fn admin_only(
        &self,
        tx: &Transaction,
        module: &str,
        uninitialized: u64,
        forbidden: u64,
    ) -> Result<(), CallError> {
        self.check(module, self.initialized, uninitialized)?;
        self.check(module, tx.sender == self.address, forbidden)
    }

    fn buy(&mut self, tx: &mut Transaction, id: u64) -> Result<(), CallError> {
        self.check(ROUNDS, self.initialized, 2)?;
        let lottery = self.lottery_mut(id)?;
        let round = lottery.round.clone().unwrap_or_default();
        let active = lottery.instance_active;
        self.check(ROUNDS, active, 12)?;
        self.check(ROUNDS, !round.draw_scheduled, 5)?;
        self.check(ROUNDS, round.pending.is_none(), 6)?;
        let parts = SHARES.map(|bps| share(TICKET_PRICE, bps));
        let no_pool = self.abort(TREASURY, 6);
        let lottery = self.lottery_mut(id)?;
        let pool = lottery.pool.as_mut().ok_or(no_pool)?;
        pool.prize = pool.prize.saturating_add(parts[0]);
        pool.operations += parts[2];
        lottery.tickets_sold += 1;
        lottery.jackpot_accumulated += parts[1];
        let round = lottery.round.get_or_insert_default();
        let ticket = round.next_ticket_id;
        round.next_ticket_id += 1;
        round.tickets.push(tx.sender);
        self.jackpot_balance += parts[1];
        self.purchase_queue += 1;
        self.emit(
            tx,
            TREASURY,
            "AllocationRecordedEvent",
            json!({"lottery_id": text(id), "total_amount": text(TICKET_PRICE), "prize_amount": text(parts[0]),
                "jackpot_amount": text(parts[1]), "operations_amount": text(parts[2])}),
        );
        let data = json!({"lottery_id": text(id), "ticket_id": text(ticket), "buyer": tx.sender.to_string(),
            "amount": text(TICKET_PRICE)});
        self.emit(tx, ROUNDS, "TicketPurchasedEvent", data);
        self.show_round(tx, id);
        Ok(())
    }

    /// `schedule_draw` and `reset_round`. A reset does not tell the hub, whose request stays for ever.
    fn manage_round(&mut self, tx: &mut Transaction, function: &str, id: u64) -> Result<(), CallError> {
        self.admin_only(tx, ROUNDS, 2, 3)?;
        let lottery = self.lottery_mut(id)?.clone();
        let round = lottery.round.ok_or_else(|| self.abort(ROUNDS, 4))?;
        if function == "schedule_draw" {
            self.check(ROUNDS, !round.tickets.is_empty(), 7)?;
            self.check(ROUNDS, lottery.instance_active, 12)?;
            self.check(ROUNDS, round.pending.is_none(), 6)?;
            self.lottery_mut(id)?.round = Some(Round { draw_scheduled: true, ..round });
            let data = json!({"lottery_id": text(id), "draw_scheduled": true});
            self.emit(tx, ROUNDS, "DrawScheduleUpdatedEvent", data);
        } else {
            self.lottery_mut(id)?.round = Some(Round::default());
            let data = json!({"lottery_id": text(id), "tickets_cleared": text(round.tickets.len() as u64)});
            self.emit(tx, ROUNDS, "RoundResetEvent", data);
        }
        self.show_round(tx, id);
        Ok(())
    }

    /// `hub::request_randomness`.
    fn ask_hub(&mut self, tx: &mut Transaction, lottery_id: u64, payload: &str) -> Result<u64, CallError> {
        let active = self.lotteries.get(&lottery_id).map(|lottery| lottery.hub_active);
        self.check("hub", active.is_some(), 3)?;
        self.check("hub", active == Some(true), 7)?;
        let id = self.next_request_id;
        self.next_request_id += 1;
        let payload_hash = crate::digest::id(payload, lottery_id, id);
        let request = HubRequest { lottery_id, payload: payload.to_owned(), payload_hash };
        let data = json!({"request_id": text(id), "lottery_id": text(lottery_id), "payload": request.payload,
            "payload_hash": request.payload_hash});
        self.requests.insert(id, request);
        self.emit(tx, "hub", "RandomnessRequestedEvent", data);
        Ok(id)
    }

    fn ask(&mut self, tx: &mut Transaction, args: &Args<'_>) -> Result<u64, CallError> {
        let (lottery_id, payload) = (args.u64(0)?, args.hex(1)?);
        self.admin_only(tx, ROUNDS, 2, 3)?;
        let lottery = self.lottery_mut(lottery_id)?.clone();
        let round = lottery.round.ok_or_else(|| self.abort(ROUNDS, 4))?;
        self.check(ROUNDS, round.draw_scheduled, 8)?;
        self.check(ROUNDS, lottery.instance_active, 12)?;
        self.check(ROUNDS, round.pending.is_none(), 6)?;
        self.check(ROUNDS, !round.tickets.is_empty(), 7)?;
        let id = self.ask_hub(tx, lottery_id, &payload)?;
        self.lottery_mut(lottery_id)?.round = Some(Round { pending: Some(id), ..round });
        let data = json!({"lottery_id": text(lottery_id), "request_id": text(id)});
        self.emit(tx, ROUNDS, "DrawRequestIssuedEvent", data);
        self.show_round(tx, lottery_id);
        Ok(id)
    }

    fn ask_jackpot(&mut self, tx: &mut Transaction, payload: &str) -> Result<u64, CallError> {
        self.admin_only(tx, JACKPOT, 3, 1)?;
        self.check(JACKPOT, self.jackpot.draw_scheduled, 7)?;
        self.check(JACKPOT, self.jackpot.pending.is_none(), 5)?;
        self.check(JACKPOT, !self.jackpot.tickets.is_empty(), 6)?;
        let previous = self.jackpot_snapshot();
        let id = self.ask_hub(tx, JACKPOT_LOTTERY, payload)?;
        self.jackpot.pending = Some(id);
        let data = json!({"lottery_id": text(JACKPOT_LOTTERY), "request_id": text(id)});
        self.emit(tx, JACKPOT, "JackpotRequestIssuedEvent", data);
        self.show_jackpot(tx, previous);
        Ok(id)
    }

    /// What the hub asserts of an answer, then what the module does whose request it is.
    fn fulfill(
        &mut self,
        tx: &mut Transaction,
        module: &str,
        id: u64,
        randomness: &str,
    ) -> Result<(), CallError> {
        self.check("hub", self.initialized, 8)?;
        let sender = self.callback_sender.ok_or_else(|| self.abort("hub", 5))?;
        self.check("hub", tx.sender == sender, 6)?;
        let request = self.requests.get(&id).cloned().ok_or_else(|| self.abort("hub", 4))?;
        let lottery_id = request.lottery_id;
        let (round, pending, mismatch, tickets, short) = if module == JACKPOT {
            self.check(JACKPOT, lottery_id == JACKPOT_LOTTERY, 13)?;
            (self.jackpot.clone(), 8, 9, 6, 10)
        } else {
            (self.lottery_mut(lottery_id)?.round.clone().unwrap_or_default(), 9, 11, 7, 10)
        };
        self.check(module, round.pending.is_some(), pending)?;
        self.check(module, round.pending == Some(id), mismatch)?;
        self.check(module, !round.tickets.is_empty(), tickets)?;
        // Eight bytes in hex.
        self.check(module, randomness.len() >= 2 + 16, short)?;
        self.requests.remove(&id);
        let data = json!({"request_id": text(id), "lottery_id": text(lottery_id), "randomness": randomness});
        self.emit(tx, "hub", "RandomnessFulfilledEvent", data);
        let number = crate::digest::number(randomness, lottery_id, id);
        let index = number.checked_rem(round.tickets.len() as u64).unwrap_or(0);
        let winner = usize::try_from(index).ok().and_then(|index| round.tickets.get(index));
        let winner = winner.map_or_else(String::new, ToString::to_string);
        let prize = if module == JACKPOT {
            self.check(JACKPOT, self.jackpot_balance > 0, 11)?;
            std::mem::take(&mut self.jackpot_balance)
        } else {
            let no_pool = self.abort(TREASURY, 6);
            let pool = self.lottery_mut(lottery_id)?.pool.as_mut().ok_or(no_pool)?;
            std::mem::take(&mut pool.prize)
        };
        let data = json!({"lottery_id": text(lottery_id), "request_id": text(id), "winner": winner,
            "ticket_index": text(index), "random_bytes": randomness, "prize_amount": text(prize), "payload": request.payload});
        if module == JACKPOT {
            let paid = json!({"recipient": winner, "amount": text(prize)});
            self.emit(tx, TREASURY, "JackpotPaidEvent", paid);
            let previous = self.jackpot_snapshot();
            self.jackpot = Round::default();
            self.emit(tx, JACKPOT, "JackpotFulfilledEvent", data);
            self.show_jackpot(tx, previous);
        } else {
            let paid = json!({"lottery_id": text(lottery_id), "winner": winner, "amount": text(prize)});
            self.emit(tx, TREASURY, "PrizePaidEvent", paid);
            self.lottery_mut(lottery_id)?.round = Some(Round::default());
            self.history_queue += 1;
            self.emit(tx, ROUNDS, "DrawFulfilledEvent", data);
            self.show_round(tx, lottery_id);
        }
        Ok(())
    }

    /// `grant_ticket`, `schedule_draw` and `reset` of the jackpot.
    fn manage_jackpot(
        &mut self,
        tx: &mut Transaction,
        function: &str,
        args: &Args<'_>,
    ) -> Result<(), CallError> {
        self.admin_only(tx, JACKPOT, 3, 1)?;
        let previous = self.jackpot_snapshot();
        let lottery_id = text(JACKPOT_LOTTERY);
        match function {
            "grant_ticket" => {
                let player = args.address(0)?;
                let index = text(self.jackpot.tickets.len() as u64);
                self.jackpot.tickets.push(player);
                let data =
                    json!({"lottery_id": lottery_id, "player": player.to_string(), "ticket_index": index});
                self.emit(tx, JACKPOT, "JackpotTicketGrantedEvent", data);
            }
            "schedule_draw" => {
                self.check(JACKPOT, !self.jackpot.draw_scheduled, 4)?;
                self.check(JACKPOT, self.jackpot.pending.is_none(), 5)?;
                self.check(JACKPOT, !self.jackpot.tickets.is_empty(), 6)?;
                self.jackpot.draw_scheduled = true;
                let data = json!({"lottery_id": lottery_id, "draw_scheduled": true});
                self.emit(tx, JACKPOT, "JackpotScheduleUpdatedEvent", data);
            }
            _ => {
                self.jackpot = Round::default();
                let data = json!({"lottery_id": lottery_id, "draw_scheduled": false});
                self.emit(tx, JACKPOT, "JackpotScheduleUpdatedEvent", data);
            }
        }
        self.show_jackpot(tx, previous);
        Ok(())
    }

    fn set_callback_sender(&mut self, tx: &mut Transaction, args: &Args<'_>) -> Result<(), CallError> {
        self.admin_only(tx, "hub", 8, 1)?;
        let shown = |sender: Option<_>| option(sender.map(|a: crate::address::Address| a.to_string().into()));
        let previous = self.callback_sender.replace(args.address(0)?);
        let data = json!({"previous": shown(previous), "current": shown(self.callback_sender)});
        self.emit(tx, "hub", "CallbackSenderUpdatedEvent", data);
        Ok(())
    }

    /// The two switches of a lottery; they may differ.
    fn switch(&mut self, tx: &mut Transaction, module: &str, id: u64, active: bool) -> Result<(), CallError> {
        let (uninitialized, forbidden, unknown, event) = if module == "hub" {
            (8, 1, 3, "LotteryStatusChangedEvent")
        } else {
            (2, 3, 5, "LotteryInstanceStatusUpdatedEvent")
        };
        self.admin_only(tx, module, uninitialized, forbidden)?;
        let missing = self.abort(module, unknown);
        let lottery = self.lotteries.get_mut(&id).ok_or(missing)?;
        if module == "hub" {
            lottery.hub_active = active;
        } else {
            lottery.instance_active = active;
        }
        self.emit(tx, module, event, json!({"lottery_id": text(id), "active": active}));
        Ok(())
    }
}
