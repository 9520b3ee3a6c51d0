//! Transactions: each runs on a copy of the state, and an abort leaves only its record.

use super::{Chain, EventRow, TxRow};
use crate::abort::{CallError, Words};
use crate::address::Address;
use crate::bytecode;
use crate::call::{Args, FunctionId, Transaction};
use crate::entries;
use crate::state::{Asker, FREE_NODE, GAS_FEE, OpenRequest};
use serde_json::{Value, json};

/// A transaction as the emulated CLI posts it.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) sender: Address,
    pub(crate) function: String,
    pub(crate) types: Vec<String>,
    pub(crate) arguments: Vec<Value>,
    pub(crate) simulate: bool,
}

/// A transaction that waits.
#[derive(Clone)]
pub(crate) struct Held {
    /// The height at which the wait ends.
    until: u64,
    hash: String,
    order: Order,
    /// Otherwise it expires.
    executes: bool,
}

/// Blocks of 500 ms in the longest lifetime of a transaction.
const LIFETIME_BLOCKS: u64 = 1200;

impl Chain {
    /// Executes the answers that are due; every request begins with it, so the chain lives without a thread.
    pub(crate) fn settle(&mut self) {
        self.execute_held();
        let now = self.clock.now_us();
        while let Some((due, request)) = self.state.due(now) {
            let height = self.clock.height_at(due).min(self.clock.height());
            let callback = self.state.callback(&request);
            let order = Order {
                sender: callback.sender,
                function: callback.function(),
                types: Vec::new(),
                arguments: callback.arguments,
                simulate: false,
            };
            let mut state = self.state.clone();
            let mut tx = Transaction { sender: order.sender, now_us: due, height, events: Vec::new() };
            let failure = state.answer(&mut tx, &request).err();
            let charged = failure.is_some() && self.state.charges_aborted && request.asker != Asker::Core;
            if failure.is_none() {
                self.state = state;
            } else {
                // Public documents name no retry of an aborted callback on L1.
                self.state.give_up(&request);
            }
            self.record(order, tx, failure);
            if charged {
                self.charge(&request, due, height);
            }
        }
    }

    /// The fee of an answer that dVRF takes although the callback has aborted.
    fn charge(&mut self, request: &OpenRequest, now_us: u64, height: u64) {
        let names = &self.state.names;
        let function = format!("{}::{}::collect_tx_fee_from_client", names.dvrf, names.vrf_module);
        let sender = FREE_NODE;
        let mut tx = Transaction { sender, now_us, height, events: Vec::new() };
        self.state.collect(&mut tx, request);
        let order = Order {
            sender,
            function,
            types: Vec::new(),
            arguments: vec![json!(request.id.to_string())],
            simulate: false,
        };
        self.record(order, tx, None);
    }

    /// Executes what has waited long enough.
    fn execute_held(&mut self) {
        let height = self.clock.height();
        let (due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.mempool).into_iter().partition(|held| held.until <= height);
        self.mempool = waiting;
        for Held { hash, order, .. } in due.into_iter().filter(|held: &Held| held.executes) {
            let before = self.transactions.len();
            // An order that can no longer run leaves no transaction.
            let _ = self.run(order);
            if let Some(row) = self.transactions.get_mut(before) {
                let own = std::mem::replace(&mut row.hash, hash.clone());
                self.events
                    .iter_mut()
                    .filter(|event| event.hash == own)
                    .for_each(|event| event.hash.clone_from(&hash));
            }
        }
    }

    /// Takes a transaction that waits, and answers with its hash.
    pub(crate) fn hold(&mut self, order: Order, blocks: u64) -> Value {
        let number = self.transactions.len() as u64 + self.mempool.len() as u64;
        let hash = crate::digest::id("held", self.options.seed, number.wrapping_add(self.served << 20));
        let shown = Self::pending_json(&hash, &order);
        let until = self.clock.height().saturating_add(blocks.min(LIFETIME_BLOCKS));
        self.mempool.push(Held { until, hash, order, executes: blocks <= LIFETIME_BLOCKS });
        shown
    }

    fn pending_json(hash: &str, order: &Order) -> Value {
        json!({"txn_type": "user", "block_header": null, "hash": hash, "header": {"sender": {"Move": order.sender.to_string()}},
            "output": null, "status": "Pending"})
    }

    /// Runs one entry function and answers with its transaction record.
    pub(crate) fn run(&mut self, order: Order) -> Result<Value, CallError> {
        let id = FunctionId::parse(&order.function)
            .ok_or_else(|| CallError::Arguments(format!("invalid function id {}", order.function)))?;
        let Some((kind, published)) = self.module(id.address, &id.module) else {
            return Err(CallError::NoModule { address: id.address, module: id.module });
        };
        let Some(function) = published.iter().find(|function| function.name == id.name) else {
            return Err(CallError::NoFunction { address: id.address, module: id.module, function: id.name });
        };
        if function.view || function.arity() != order.arguments.len() {
            return Err(CallError::Arguments("NUMBER_OF_ARGUMENTS_MISMATCH".to_owned()));
        }
        let mut state = self.state.clone();
        let mut tx = Transaction {
            sender: order.sender,
            now_us: self.clock.now_us(),
            height: self.clock.height(),
            events: Vec::new(),
        };
        let args = Args { values: &order.arguments, types: &order.types };
        let result = match kind {
            "lottery" => entries::lottery::run(&mut state, &mut tx, &id.name, &args),
            "treasury" => entries::treasury::run(&mut state, &mut tx, &id.name, &args),
            "deposit" | "vrf" => entries::deposit::run(&mut state, tx.sender, &id.name, &args),
            "dice_roll" => entries::dice::run(&mut state, &mut tx, &id.name, &args),
            "supra_wheel" => entries::wheel::run(&mut state, &mut tx, &id.name, &args),
            "draw" | "cancellation" => entries::multi::run(&mut state, &mut tx, &id.name, &args),
            module => entries::core_layout::run(&mut state, &mut tx, module, &id.name, &args),
        };
        if !order.simulate {
            if result.is_ok() {
                self.state = state;
                let is_deposit = kind == "deposit" && id.name.starts_with("deposit_fund");
                if is_deposit || id.name == "deposit_to_supra" {
                    self.deposits += 1;
                    self.take_fee(&mut tx);
                }
            }
            // A sender that cannot pay the gas is not emulated: it pays what it has.
            let fee = GAS_FEE.min(self.state.wallet(order.sender));
            self.state.pay(order.sender, fee);
        }
        let simulate = order.simulate;
        let row = self.record(order, tx, result.err());
        let shown = self.transaction_json(&row);
        if simulate {
            self.transactions.retain(|known| known.hash != row.hash);
        }
        Ok(shown)
    }

    /// The fee of another request of the client, taken in the block of a deposit; the fault says how much.
    fn take_fee(&mut self, tx: &mut Transaction) {
        let (fee, names) = (u128::from(self.faults.fee_with_deposit), self.state.names.clone());
        let Some(client) = self.state.deposit.client_mut(names.client).filter(|_| fee > 0) else { return };
        client.balance = client.balance.saturating_sub(fee);
        tx.emit(
            format!("{}::{}::SupraCollected", names.dvrf, names.deposit_module),
            json!({"client_address": names.client.to_string(), "amount": fee.to_string(), "nonce": "0"}),
        );
    }

    fn record(&mut self, order: Order, tx: Transaction, failure: Option<CallError>) -> TxRow {
        let sequence = self.transactions.len() as u64;
        let hash = crate::digest::id("tx", self.options.seed, sequence);
        let failure = failure.map(|error| match error {
            CallError::Abort(abort) => {
                let place = format!("Move abort in {}::{}", abort.address, abort.module);
                let kind = self.module(abort.address, &abort.module).map_or("", |(kind, _)| kind);
                let recorded = self.options.words == Words::Recorded;
                match bytecode::abort_name(kind, abort.code).filter(|_| recorded) {
                    Some((name, sentence)) => format!("{place}: {name}({:#X}): {sentence}", abort.code),
                    None => format!("{place}: {:#x}", abort.code),
                }
            }
            CallError::Arguments(text) => text,
            CallError::MissingData { address, module } => format!("MISSING_DATA: {address}::{module}"),
            other => other.message(self.options.dialect(), &order.function),
        });
        let events = if failure.is_some() { Vec::new() } else { tx.events };
        if !order.simulate {
            // An answer that was due before a held transaction may be executed after it.
            let place = self.events.partition_point(|event| event.height <= tx.height);
            let row = |(kind, data): &(String, Value)| EventRow {
                kind: kind.clone(),
                data: data.clone(),
                height: tx.height,
                hash: hash.clone(),
            };
            self.events.splice(place..place, events.iter().map(row));
        }
        let row = TxRow {
            hash,
            height: tx.height,
            sender: order.sender,
            sequence,
            function: order.function,
            types: order.types,
            arguments: order.arguments,
            events,
            failure,
        };
        self.transactions.push(row.clone());
        row
    }

    pub(crate) fn event_json(kind: &str, data: &Value) -> Value {
        json!({"guid": {"creation_number": "0", "account_address": "0x0"}, "sequence_number": "0", "type": kind, "data": data})
    }

    pub(crate) fn transaction_json(&self, row: &TxRow) -> Value {
        let events: Vec<Value> = row.events.iter().map(|(kind, data)| Self::event_json(kind, data)).collect();
        let status = row.failure.clone().unwrap_or_else(|| "Executed successfully".to_owned());
        json!({
            "txn_type": "user",
            "authenticator": {"Move": {"Ed25519": {"public_key": "0x00", "signature": "0x00"}}},
            "block_header": self.header_json(row.height),
            "hash": row.hash,
            "header": {"chain_id": self.options.chain_id, "expiration_timestamp": self.clock.time_of(row.height) / 1_000_000 + 600,
                "sender": {"Move": row.sender.to_string()}, "sequence_number": row.sequence, "gas_unit_price": 100_000, "max_gas_amount": 5000},
            "payload": {"Move": {"type": "entry_function_payload", "function": row.function, "type_arguments": row.types, "arguments": row.arguments}},
            "output": {"Move": {"gas_used": 87, "events": events, "vm_status": status}},
            "status": if row.failure.is_some() { "Fail" } else { "Success" },
        })
    }

    /// Looks a transaction up by its hash, including those of the generated past.
    pub(crate) fn transaction(&self, hash: &str) -> Option<Value> {
        if let Some(held) = self.mempool.iter().find(|held| held.hash == hash) {
            return Some(Self::pending_json(hash, &held.order));
        }
        if let Some(row) = self.transactions.iter().find(|row| row.hash == hash) {
            return Some(self.transaction_json(row));
        }
        let events: Vec<_> = self.events.iter().filter(|event| event.hash == hash).collect();
        let first = events.first()?;
        let names = &self.state.names;
        let name =
            if first.kind.ends_with("::DrawRequestedEvent") { "manual_draw" } else { "on_random_received" };
        Some(self.transaction_json(&TxRow {
            hash: hash.to_owned(),
            height: first.height,
            sender: names.lottery,
            sequence: 0,
            function: format!("{}::{}::{name}", names.lottery, names.lottery_module),
            types: Vec::new(),
            arguments: Vec::new(),
            events: events.iter().map(|event| (event.kind.clone(), event.data.clone())).collect(),
            failure: None,
        }))
    }
}
