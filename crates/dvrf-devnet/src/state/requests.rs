//! The requests for randomness: who has asked, what answers, and what an answer does.

use super::{Answers, CALLBACK_FEE, State};
use crate::abort::CallError;
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::move_json::num;
use serde_json::{Value, json};

/// The account of dVRF that calls back.
const FREE_NODE: Address = Address::small(0xf2);

/// Who has asked for randomness: each is answered by a callback of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Lottery,
    Wheel,
    /// Through the hub, where an account answers and not dVRF.
    Core,
}

/// A request that has no answer yet.
#[derive(Clone, Debug)]
pub(crate) struct OpenRequest {
    pub(crate) asker: Asker,
    /// The dVRF nonce, or the id in the hub.
    pub(crate) id: u64,
    pub(crate) client_seed: u64,
    pub(crate) asked_us: u64,
    /// When the answer executes; `None` never.
    pub(crate) due_us: Option<u64>,
}

/// The call that answers a request.
pub(crate) struct Callback {
    pub(crate) sender: Address,
    address: Address,
    module: String,
    name: &'static str,
    pub(crate) arguments: Vec<Value>,
}

impl Callback {
    pub(crate) fn function(&self) -> String {
        format!("{}::{}::{}", self.address, self.module, self.name)
    }
}

impl State {
    /// The client whose deposit pays for an asker's requests.
    fn client_of(&self, asker: Asker) -> Address {
        match (asker, &self.wheel) {
            (Asker::Wheel, Some(wheel)) => wheel.address,
            _ => self.names.client,
        }
    }

    /// The oldest request of an asker.
    pub(crate) fn request_of(&self, asker: Asker) -> Option<&OpenRequest> {
        self.open.iter().find(|request| request.asker == asker)
    }

    /// The request whose answer executes next, if that is not after a time.
    pub(crate) fn due(&self, now_us: u64) -> Option<(u64, OpenRequest)> {
        let due = self.open.iter().filter_map(|request| Some((request.due_us?, request)));
        due.filter(|(due, _)| *due <= now_us)
            .min_by_key(|(due, _)| *due)
            .map(|(due, request)| (due, request.clone()))
    }

    pub(crate) fn open(&mut self, tx: &Transaction, asker: Asker, id: u64, client_seed: u64) {
        let due_us = match self.answers {
            Answers::AfterMs(ms) => Some(tx.now_us.saturating_add(ms.saturating_mul(1000))),
            Answers::Never => None,
        };
        self.open.push(OpenRequest { asker, id, client_seed, asked_us: tx.now_us, due_us });
    }

    pub(crate) fn close(&mut self, asker: Asker, id: u64) {
        self.open.retain(|request| (request.asker, request.id) != (asker, id));
    }

    /// Nobody tries to answer the request any more.
    pub(crate) fn give_up(&mut self, given: &OpenRequest) {
        let same = |request: &&mut OpenRequest| (request.asker, request.id) == (given.asker, given.id);
        if let Some(request) = self.open.iter_mut().find(same) {
            request.due_us = None;
        }
    }

    /// What answers a request.
    pub(crate) fn callback(&self, request: &OpenRequest) -> Callback {
        let names = &self.names;
        let nobody = Address::small(0);
        let random = crate::digest::id("random", self.seed, request.id);
        if let (Asker::Core, Some(core)) = (request.asker, &self.core) {
            return Callback {
                sender: core.callback_sender.unwrap_or(nobody),
                address: core.address,
                module: core.answering_module(request.id).to_owned(),
                name: "fulfill_draw",
                arguments: vec![json!(request.id.to_string()), json!(random)],
            };
        }
        let client = self.client_of(request.asker);
        let arguments = vec![
            json!(request.id.to_string()),
            json!(random),
            json!(crate::digest::id("signature", self.seed, request.id)),
            json!(client.to_string()),
            json!(1),
            json!(request.client_seed.to_string()),
        ];
        if request.asker == Asker::Wheel {
            let (module, name) = (crate::wheel::MODULE.to_owned(), "fulfill_randomness");
            return Callback { sender: FREE_NODE, address: client, module, name, arguments };
        }
        Callback {
            sender: self.lottery.as_ref().and_then(|lottery| lottery.aggregator).unwrap_or(nobody),
            address: names.lottery,
            module: names.lottery_module.clone(),
            name: "on_random_received",
            arguments,
        }
    }

    /// `supra_vrf::rng_request`.
    pub(crate) fn rng_request(
        &mut self,
        tx: &mut Transaction,
        asker: Asker,
        seed: u64,
    ) -> Result<u64, CallError> {
        let client = self.client_of(asker);
        let (consumer, module, name, caller) = match asker {
            Asker::Wheel => (client, crate::wheel::MODULE, "fulfill_randomness", client),
            _ => (self.names.lottery, self.names.lottery_module.as_str(), "on_random_received", tx.sender),
        };
        self.deposit.admit(&self.names, client, consumer).map_err(CallError::Abort)?;
        let nonce = self.next_nonce;
        let kind = format!("{}::{}::RequestEvent", self.names.dvrf, self.names.vrf_module);
        tx.emit(
            kind,
            json!({
                "nonce": nonce.to_string(), "instance_id": "6", "caller_address": caller.to_string(),
                "callback_address": consumer.to_string(), "callback_module": module,
                "callback_function": name, "rng_count": 1, "client_seed": seed.to_string(),
                "num_confirmations": "1", "block_number": tx.height.to_string(),
            }),
        );
        self.next_nonce += 1;
        self.open(tx, asker, nonce, seed);
        Ok(nonce)
    }

    /// Runs the callback's transaction; if it aborts, the request stays pending.
    pub(crate) fn answer(&mut self, tx: &mut Transaction, request: &OpenRequest) -> Result<(), CallError> {
        self.close(request.asker, request.id);
        if request.asker == Asker::Core {
            let Callback { module, name, arguments, .. } = self.callback(request);
            let args = Args { values: &arguments, types: &[] };
            return crate::entries::core_layout::run(self, tx, &module, name, &args);
        }
        let names = self.names.clone();
        if request.asker == Asker::Wheel {
            if let Some(wheel) = self.wheel.as_ref().filter(|_| self.callback_aborts) {
                return Err(wheel.abort(crate::wheel::CALLBACK_ABORT));
            }
            crate::entries::wheel::answer(self, tx, request.id);
        } else if let Some(lottery) = self.lottery.as_mut() {
            if self.callback_aborts {
                return Err(CallError::Abort(names.at_lottery(14)));
            }
            lottery.receive(&names, tx, request.id, self.seed);
        }
        let address = self.client_of(request.asker);
        if let Some(client) = self.deposit.client_mut(address) {
            client.charge(CALLBACK_FEE);
        }
        let vrf = format!("{}::{}", names.dvrf, names.vrf_module);
        let nonce = request.id.to_string();
        let time = tx.now_us.to_string();
        tx.emit(format!("{vrf}::VerifyCallbackEvent"), json!({"nonce": nonce, "timestamp": time}));
        tx.emit(
            format!("{vrf}::NonceProcessedEvent"),
            json!({"nonce": nonce, "timestamp": time, "block_number": tx.height.to_string()}),
        );
        tx.emit(
            format!("{}::{}::SupraCollected", names.dvrf, names.deposit_module),
            json!({
                "client_address": address.to_string(), "amount": num(CALLBACK_FEE), "nonce": nonce,
            }),
        );
        Ok(())
    }
}
