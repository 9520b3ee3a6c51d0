//! Decides what a transaction does: it runs on a copy of the world, an abort leaves only its record.

use super::{Chain, EventRow, TxRow};
use crate::abort::CallError;
use crate::addr::Addr;
use crate::world::{Args, FunctionId, Tx, World};
use serde_json::{Value, json};

/// A transaction as the persona posts it.
pub(crate) struct Order {
    pub(crate) sender: Addr,
    pub(crate) function: String,
    pub(crate) types: Vec<String>,
    pub(crate) arguments: Vec<Value>,
    pub(crate) simulate: bool,
}

impl Chain {
    /// Executes the answers that are due; every request begins with it, so the chain lives without a thread.
    pub(crate) fn settle(&mut self) {
        let now = self.clock.now_us();
        let Some(due) = self.world.open.as_ref().and_then(|request| request.due_us).filter(|due| *due <= now)
        else {
            return;
        };
        let height = self.clock.height_at(due).min(self.clock.height());
        let mut world = self.world.clone();
        let sender = world.lottery.as_ref().and_then(|l| l.aggregator).unwrap_or(Addr::small(0));
        let mut tx = Tx { sender, now_us: due, height, events: Vec::new() };
        let result = world.answer(&mut tx);
        match result {
            Ok(()) => self.world = world,
            // Nothing retries an aborted callback on L1 as far as anything public says.
            Err(_) => {
                if let Some(request) = self.world.open.as_mut() {
                    request.due_us = None;
                }
            }
        }
        let function =
            format!("{}::{}::on_random_received", self.world.names.lottery, self.world.names.lottery_module);
        let order = Order { sender, function, types: Vec::new(), arguments: Vec::new(), simulate: false };
        self.record(order, tx, result.err());
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
        let mut world = self.world.clone();
        let mut tx = Tx {
            sender: order.sender,
            now_us: self.clock.now_us(),
            height: self.clock.height(),
            events: Vec::new(),
        };
        let args = Args { values: &order.arguments, types: &order.types };
        let result = match kind {
            "lottery" => crate::lottery::entries::run(&mut world, &mut tx, &id.name, &args),
            "treasury" => crate::treasury::run(&mut world, &mut tx, &id.name, &args),
            _ => deposit_entry(&mut world, tx.sender, &id.name, &args),
        };
        if result.is_ok() && !order.simulate {
            self.world = world;
        }
        let simulate = order.simulate;
        let row = self.record(order, tx, result.err());
        let shown = self.transaction_json(&row);
        if simulate {
            self.transactions.retain(|known| known.hash != row.hash);
        }
        Ok(shown)
    }

    fn record(&mut self, order: Order, tx: Tx, failure: Option<CallError>) -> TxRow {
        let sequence = self.transactions.len() as u64;
        let hash = crate::digest::id("tx", self.options.seed, sequence);
        let failure = failure.map(|error| match error {
            CallError::Abort(abort) => {
                format!("Move abort in {}::{}: {:#x}", abort.address, abort.module, abort.code)
            }
            CallError::Arguments(text) => text,
            other => other.message(self.options.node, &order.function),
        });
        let events = if failure.is_some() { Vec::new() } else { tx.events };
        if !order.simulate {
            for (kind, data) in &events {
                self.events.push(EventRow {
                    kind: kind.clone(),
                    data: data.clone(),
                    height: tx.height,
                    hash: hash.clone(),
                });
            }
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

    /// A transaction by its hash, also one of the generated past.
    pub(crate) fn transaction(&self, hash: &str) -> Option<Value> {
        if let Some(row) = self.transactions.iter().find(|row| row.hash == hash) {
            return Some(self.transaction_json(row));
        }
        let events: Vec<_> = self.events.iter().filter(|event| event.hash == hash).collect();
        let first = events.first()?;
        let names = &self.world.names;
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

fn deposit_entry(world: &mut World, sender: Addr, function: &str, args: &Args<'_>) -> Result<(), CallError> {
    let names = world.names.clone();
    let fail = |code| CallError::Abort(names.at_deposit(code));
    let marker = if matches!(function, "enable_module" | "disable_module") {
        Some(args.type_argument(0)?)
    } else {
        None
    };
    let owner = if function == "deposit_fund_v2" { args.address(0)? } else { sender };
    if world.deposit.paused {
        return Err(fail(crate::deposit::ECONTRACT_IS_PAUSED));
    }
    let client = world.deposit.client_mut(owner).ok_or_else(|| fail(crate::deposit::ECLIENT_NOT_EXIST))?;
    match function {
        "deposit_fund_v2" => {
            let amount = args.u64(1)?;
            if amount == 0 {
                return Err(fail(0x1_0007));
            }
            client.balance = client.balance.saturating_add(u128::from(amount));
        }
        "withdraw_fund" => {
            client.balance = client.balance.checked_sub(args.number(0)?).ok_or_else(|| fail(0x5_0004))?;
        }
        "update_max_txn_fee" => client.max_txn_fee = args.number(0)?,
        "enable_module" | "disable_module" => {
            for module in
                client.modules.iter_mut().filter(|module| Some(&module.type_info) == marker.as_ref())
            {
                module.enabled = function == "enable_module";
            }
        }
        _ => return Err(fail(0x6_0002)),
    }
    Ok(())
}
