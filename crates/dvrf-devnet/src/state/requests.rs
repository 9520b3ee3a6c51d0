//! The requests for randomness: who has asked, which call answers, and what it costs.

use super::{Answers, CALLBACK_FEE, State};
use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::deposit::{EINVALID_MESSAGE, EINVALID_SIGNATURE};
use crate::move_json::num;
use serde_json::{Value, json};

/// The account of dVRF that calls back.
pub(crate) const FREE_NODE: Address = Address::small(0xf2);

/// Who has asked for randomness: each is answered by a callback of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Lottery,
    Wheel,
    Dice,
    Multi,
    /// Through the hub, where an account answers and not dVRF.
    Core,
}

/// A request that has no answer yet.
#[derive(Clone, Debug)]
pub(crate) struct OpenRequest {
    pub(crate) asker: Asker,
    /// The dVRF nonce, or the id in the hub.
    pub(crate) id: u64,
    /// Who has made the request.
    pub(crate) caller: Address,
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
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<Value>,
}

impl Callback {
    pub(crate) fn function(&self) -> String {
        format!("{}::{}::{}", self.address, self.module, self.name)
    }
}

impl State {
    /// The address, the module and the function that dVRF calls back.
    pub(crate) fn target(&self, asker: Asker) -> (Address, String, &'static str) {
        if let (Asker::Multi, Some(multi)) = (asker, &self.multi) {
            return (multi.address, "draw".to_owned(), "vrf_callback");
        }
        match (asker, &self.wheel, &self.dice) {
            (Asker::Wheel, Some(wheel), _) => {
                (wheel.address, crate::wheel::MODULE.to_owned(), "fulfill_randomness")
            }
            (Asker::Dice, _, Some(dice)) => {
                (dice.address, crate::dice::MODULE.to_owned(), "resolve_dice_roll")
            }
            _ => (self.names.lottery, self.names.lottery_module.clone(), "on_random_received"),
        }
    }

    /// The client whose deposit pays for a caller's requests.
    fn payer(&self, asker: Asker, caller: Address) -> Address {
        if asker == Asker::Lottery { self.names.client } else { caller }
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

    pub(crate) fn open(
        &mut self,
        tx: &Transaction,
        asker: Asker,
        id: u64,
        caller: Address,
        client_seed: u64,
    ) {
        let due_us = match self.answers {
            Answers::AfterMs(ms) => Some(tx.now_us.saturating_add(ms.saturating_mul(1000))),
            Answers::Never => None,
        };
        self.open.push(OpenRequest { asker, id, caller, client_seed, asked_us: tx.now_us, due_us });
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

    /// The random bytes of an answer, or its message, and its signature.
    fn answer_bytes(&self, id: u64) -> [String; 2] {
        ["random", "signature"].map(|label| crate::digest::id(label, self.seed, id))
    }

    /// `supra_vrf::verify_callback`. It has no protection against replay: anybody who has the message and the signature may
    /// call a consumer again.
    pub(crate) fn verify_callback(&self, tx: &mut Transaction, args: &Args<'_>) -> Result<u64, CallError> {
        let names = &self.names;
        let nonce = args.u64(0)?;
        let [message, signature] = self.answer_bytes(nonce);
        for (given, expected, code) in
            [(args.hex(1)?, message, EINVALID_MESSAGE), (args.hex(2)?, signature, EINVALID_SIGNATURE)]
        {
            if given != expected {
                let module = names.vrf_module.clone();
                return Err(CallError::Abort(Abort { address: names.dvrf, module, code }));
            }
        }
        self.verified(tx, nonce);
        Ok(nonce)
    }

    pub(crate) fn verified(&self, tx: &mut Transaction, nonce: u64) {
        let kind = format!("{}::{}::VerifyCallbackEvent", self.names.dvrf, self.names.vrf_module);
        tx.emit(kind, json!({"nonce": nonce.to_string(), "timestamp": tx.now_us.to_string()}));
    }

    /// What answers a request.
    pub(crate) fn callback(&self, request: &OpenRequest) -> Callback {
        let nobody = Address::small(0);
        if let (Asker::Core, Some(core)) = (request.asker, &self.core) {
            return Callback {
                sender: core.callback_sender.unwrap_or(nobody),
                address: core.address,
                module: core.name(core.answering_module(request.id)).to_owned(),
                name: "fulfill_draw",
                arguments: vec![json!(request.id.to_string()), json!(self.answer_bytes(request.id)[0])],
            };
        }
        let [message, signature] = self.answer_bytes(request.id);
        let arguments = vec![
            json!(request.id.to_string()),
            json!(message),
            json!(signature),
            json!(request.caller.to_string()),
            json!(1),
            json!(request.client_seed.to_string()),
        ];
        let sender = match request.asker {
            Asker::Lottery => self.lottery.as_ref().and_then(|lottery| lottery.aggregator).unwrap_or(nobody),
            _ => FREE_NODE,
        };
        let (address, module, name) = self.target(request.asker);
        Callback { sender, address, module, name, arguments }
    }

    /// `supra_vrf::rng_request`.
    pub(crate) fn rng_request(
        &mut self,
        tx: &mut Transaction,
        asker: Asker,
        seed: u64,
    ) -> Result<u64, CallError> {
        let (consumer, module, name) = self.target(asker);
        // The wheel asks with its permit, the others with the signer of the transaction.
        let caller = if asker == Asker::Wheel { consumer } else { tx.sender };
        let client = self.payer(asker, caller);
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
        self.open(tx, asker, nonce, caller, seed);
        Ok(nonce)
    }

    /// `supra_vrf::collect_tx_fee_from_client`: the fee of an answer.
    pub(crate) fn collect(&mut self, tx: &mut Transaction, request: &OpenRequest) {
        let address = self.payer(request.asker, request.caller);
        if let Some(client) = self.deposit.client_mut(address) {
            client.charge(CALLBACK_FEE);
        }
        let (names, nonce) = (&self.names, request.id.to_string());
        tx.emit(
            format!("{}::{}::NonceProcessedEvent", names.dvrf, names.vrf_module),
            json!({"nonce": nonce, "timestamp": tx.now_us.to_string(), "block_number": tx.height.to_string()}),
        );
        tx.emit(
            format!("{}::{}::SupraCollected", names.dvrf, names.deposit_module),
            json!({"client_address": address.to_string(), "amount": num(CALLBACK_FEE), "nonce": nonce}),
        );
    }
}
