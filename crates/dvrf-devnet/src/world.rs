//! Decides which module answers a call: names, arguments, and the state one transaction may change.

use crate::abort::{Abort, CallError};
use crate::addr::Addr;
use crate::deposit::Deposit;
use crate::lottery::Lottery;
use crate::treasury::Treasury;
use serde_json::{Value, json};

/// A u128 the way Move JSON writes it.
pub(crate) fn num(value: u128) -> Value {
    Value::String(value.to_string())
}

/// The same for a u64 return: the published interface cannot show more than `u64::MAX`.
pub(crate) fn opt64(value: u128) -> Value {
    num(value.min(u128::from(u64::MAX)))
}

/// `Option<T>`.
pub(crate) fn option(value: Option<Value>) -> Value {
    json!({"vec": value.into_iter().collect::<Vec<_>>()})
}

#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) dvrf: Addr,
    pub(crate) deposit_module: String,
    pub(crate) vrf_module: String,
    pub(crate) lottery: Addr,
    pub(crate) lottery_module: String,
    pub(crate) treasury_module: String,
    pub(crate) client: Addr,
}

impl Names {
    pub(crate) fn at_deposit(&self, code: u64) -> Abort {
        Abort { address: self.dvrf, module: self.deposit_module.clone(), code }
    }

    pub(crate) fn at_lottery(&self, code: u64) -> Abort {
        Abort { address: self.lottery, module: self.lottery_module.clone(), code }
    }

    pub(crate) fn at_treasury(&self, code: u64) -> Abort {
        Abort { address: self.lottery, module: self.treasury_module.clone(), code }
    }

    pub(crate) fn lottery_event(&self, name: &str) -> String {
        format!("{}::{}::{name}", self.lottery, self.lottery_module)
    }
}

/// A split `address::module::name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionId {
    pub(crate) address: Addr,
    pub(crate) module: String,
    pub(crate) name: String,
}

impl FunctionId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, "::");
        let address = parts.next()?.parse().ok()?;
        let module = parts.next()?.to_owned();
        let name = parts.next()?.to_owned();
        let word = |s: &str| !s.is_empty() && !s.contains([':', ' ', '/']);
        (word(&module) && !name.is_empty()).then_some(Self { address, module, name })
    }
}

/// The arguments of one call, decoded on demand so that each function names its own types.
pub(crate) struct Args<'a> {
    pub(crate) values: &'a [Value],
    pub(crate) types: &'a [String],
}

impl Args<'_> {
    fn at(&self, index: usize) -> Result<&Value, CallError> {
        self.values.get(index).ok_or_else(|| {
            CallError::Arguments("Failed to execute view function: NUMBER_OF_ARGUMENTS_MISMATCH".to_owned())
        })
    }

    pub(crate) fn address(&self, index: usize) -> Result<Addr, CallError> {
        let value = self.at(index)?;
        value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| Self::wrong(value, "address"))
    }

    pub(crate) fn addresses(&self, index: usize) -> Result<Vec<Addr>, CallError> {
        let value = self.at(index)?;
        let items = value.as_array().ok_or_else(|| Self::wrong(value, "vector<address>"))?;
        items
            .iter()
            .map(|item| {
                item.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| Self::wrong(item, "address"))
            })
            .collect()
    }

    pub(crate) fn number(&self, index: usize) -> Result<u128, CallError> {
        let value = self.at(index)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().map_err(|_| Self::wrong(value, "u128"))
    }

    pub(crate) fn u64(&self, index: usize) -> Result<u64, CallError> {
        u64::try_from(self.number(index)?)
            .map_err(|_| CallError::Arguments("parse arguments[0] failed, expect string<u64>".to_owned()))
    }

    pub(crate) fn flag(&self, index: usize) -> Result<bool, CallError> {
        let value = self.at(index)?;
        value.as_bool().ok_or_else(|| Self::wrong(value, "bool"))
    }

    /// A string, or the text behind a hex string.
    pub(crate) fn text(&self, index: usize) -> Result<String, CallError> {
        let value = self.at(index)?;
        let text = value.as_str().ok_or_else(|| Self::wrong(value, "string"))?;
        let Some(digits) = text.strip_prefix("0x") else { return Ok(text.to_owned()) };
        let bytes: Option<Vec<u8>> = (0..digits.len() / 2)
            .map(|i| digits.get(i * 2..i * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        Ok(bytes.map_or_else(|| text.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(crate) fn type_argument(&self, index: usize) -> Result<String, CallError> {
        let text = self.types.get(index).ok_or_else(|| {
            CallError::Arguments(
                "Failed to execute view function: NUMBER_OF_TYPE_ARGUMENTS_MISMATCH".to_owned(),
            )
        })?;
        let id = FunctionId::parse(text)
            .ok_or_else(|| CallError::Arguments(format!("invalid type tag {text}")))?;
        Ok(format!("{}::{}::{}", id.address, id.module, id.name))
    }

    fn wrong(value: &Value, expected: &str) -> CallError {
        CallError::Arguments(format!("parse arguments failed, expect {expected}, found {value}"))
    }
}

/// A running transaction: who signs, when, and what it has emitted so far.
pub(crate) struct Tx {
    pub(crate) sender: Addr,
    pub(crate) now_us: u64,
    pub(crate) height: u64,
    pub(crate) events: Vec<(String, Value)>,
}

impl Tx {
    pub(crate) fn emit(&mut self, kind: String, data: Value) {
        self.events.push((kind, data));
    }
}

/// An asked but unanswered random number.
#[derive(Clone, Debug)]
pub(crate) struct VrfRequest {
    pub(crate) nonce: u64,
    pub(crate) asked_us: u64,
    /// When the answer executes; `None` never.
    pub(crate) due_us: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    AfterMs(u64),
    Never,
}

/// All that a transaction can change, so that an aborted one changes nothing: it runs on a copy.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) names: Names,
    pub(crate) deposit: Deposit,
    pub(crate) lottery: Option<Lottery>,
    pub(crate) treasury: Treasury,
    pub(crate) next_nonce: u64,
    pub(crate) open: Option<VrfRequest>,
    pub(crate) answers: Answers,
    pub(crate) callback_aborts: bool,
    pub(crate) seed: u64,
}

/// What one callback costs the client, in quants.
pub(crate) const CALLBACK_FEE: u128 = 1_000_000;

impl World {
    /// `supra_vrf::rng_request`.
    pub(crate) fn rng_request(&mut self, tx: &mut Tx, seed: u64) -> Result<u64, CallError> {
        self.deposit.admit(&self.names, self.names.client, self.names.lottery).map_err(CallError::Abort)?;
        let nonce = self.next_nonce;
        self.next_nonce += 1;
        let due_us = match self.answers {
            Answers::AfterMs(ms) => Some(tx.now_us.saturating_add(ms.saturating_mul(1000))),
            Answers::Never => None,
        };
        self.open = Some(VrfRequest { nonce, asked_us: tx.now_us, due_us });
        let kind = format!("{}::{}::RequestEvent", self.names.dvrf, self.names.vrf_module);
        tx.emit(kind, json!({
            "nonce": nonce.to_string(), "instance_id": "6", "caller_address": tx.sender.to_string(),
            "callback_address": self.names.lottery.to_string(), "callback_module": self.names.lottery_module,
            "callback_function": "on_random_received", "rng_count": 1, "client_seed": seed.to_string(),
            "num_confirmations": "1", "block_number": tx.height.to_string(),
        }));
        Ok(nonce)
    }

    /// The answer's transaction; an abort of the callback leaves the request pending for ever.
    pub(crate) fn answer(&mut self, tx: &mut Tx) -> Result<(), CallError> {
        let Some(request) = self.open.clone() else { return Ok(()) };
        let names = self.names.clone();
        let Some(lottery) = self.lottery.as_mut() else { return Ok(()) };
        if self.callback_aborts {
            return Err(CallError::Abort(names.at_lottery(14)));
        }
        lottery.receive(&names, tx, request.nonce, self.seed);
        if let Some(client) = self.deposit.client_mut(names.client) {
            client.charge(CALLBACK_FEE);
        }
        self.open = None;
        let vrf = format!("{}::{}", names.dvrf, names.vrf_module);
        let nonce = request.nonce.to_string();
        let time = tx.now_us.to_string();
        tx.emit(format!("{vrf}::VerifyCallbackEvent"), json!({"nonce": nonce, "timestamp": time}));
        tx.emit(
            format!("{vrf}::NonceProcessedEvent"),
            json!({"nonce": nonce, "timestamp": time, "block_number": tx.height.to_string()}),
        );
        tx.emit(
            format!("{}::{}::SupraCollected", names.dvrf, names.deposit_module),
            json!({
                "client_address": names.client.to_string(), "amount": num(CALLBACK_FEE), "nonce": nonce,
            }),
        );
        Ok(())
    }
}
