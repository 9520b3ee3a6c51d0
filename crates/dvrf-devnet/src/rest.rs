//! The REST API: routes, the shapes of each version, the words of each node generation.

mod control;
mod events;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::abi;
use crate::address::{canonical, short};
use crate::fault::{Faults, Strike};
use crate::options::NodeGeneration;
use crate::server::{Request, Response};
use crate::world::{Abort, Refused, World};

/// A node: a chain, how it speaks, and what goes wrong with it.
pub(crate) struct Node {
    pub(crate) world: Mutex<World>,
    pub(crate) faults: Mutex<Faults>,
    generation: NodeGeneration,
    versions: Vec<String>,
    no_abi: bool,
    seed: u64,
    number: AtomicU64,
    counts: Mutex<BTreeMap<String, u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A JSON answer.
pub(crate) fn reply(status: u16, body: &Value) -> Response {
    let headers = vec![("Content-Type", "application/json".to_owned())];
    Response { status, headers, body: body.to_string().into_bytes() }
}

/// The error envelope.
pub(crate) fn message(status: u16, text: impl Into<String>) -> Response {
    reply(status, &json!({"message": text.into()}))
}

/// An unknown route: 404 with nothing.
fn nowhere() -> Response {
    Response { status: 404, headers: Vec::new(), body: Vec::new() }
}

impl Node {
    pub(crate) fn new(world: World, faults: Faults, options: &crate::options::ChainArgs) -> Self {
        let mut world = world;
        world.stale_s = faults.stale;
        Self {
            world: Mutex::new(world),
            faults: Mutex::new(faults),
            generation: options.node,
            versions: options.versions(),
            no_abi: options.no_abi,
            seed: options.seed,
            number: AtomicU64::new(0),
            counts: Mutex::default(),
        }
    }

    /// What happens to a request before it is answered.
    pub(crate) fn fate(&self, request: &Request) -> (Strike, Duration) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let called = serde_json::from_slice::<Value>(&request.body).ok();
        let function = called.as_ref().and_then(|body| body.get("function")).and_then(Value::as_str);
        let key = function
            .map_or_else(|| request.path.clone(), |name| name.rsplit("::").next().unwrap_or(name).to_owned());
        *lock(&self.counts).entry(key).or_default() += 1;
        let faults = lock(&self.faults);
        (faults.strike(self.seed, number), Duration::from_millis(faults.delay_ms(self.seed, number)))
    }

    pub(crate) fn error_status(&self) -> u16 {
        let status = lock(&self.faults).error_status.and_then(|status| u16::try_from(status).ok());
        status.filter(|status| (500..600).contains(status)).unwrap_or(503)
    }

    pub(crate) fn retry_after(&self) -> Option<String> {
        match lock(&self.faults).retry_after.clone()? {
            Value::String(word) if word == "date" => {
                Some(http_date(crate::world::wall_clock() + Duration::from_secs(2)))
            }
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&self, request: &Request) -> Response {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let mut response = match parts[..] {
            ["devnet", ..] => return control::answer(self, request, &parts[1..]),
            ["rpc", version, ref rest @ ..] if self.versions.iter().any(|known| known == version) => {
                lock(&self.world).advance();
                self.route(version, rest, request)
            }
            _ => nowhere(),
        };
        response.headers.push(("x-supra-chain-id", self.chain_id().to_string()));
        response
    }

    fn chain_id(&self) -> u8 {
        lock(&self.faults).wrong_chain.unwrap_or(lock(&self.world).genesis.chain_id)
    }

    fn route(&self, version: &str, rest: &[&str], request: &Request) -> Response {
        let world = lock(&self.world);
        match (request.method.as_str(), rest) {
            ("GET", ["transactions", "chain_id"]) => {
                drop(world);
                reply(200, &json!(self.chain_id()))
            }
            ("GET", ["transactions", "estimate_gas_price"]) => reply(
                200,
                &json!({"mean_gas_price": 100_000, "max_gas_price": 120_000, "median_gas_price": 100_000, "min_configured_gas_price": 100_000}),
            ),
            ("GET", ["transactions", "parameters"]) => {
                reply(200, &json!({"max_transaction_time_to_live_seconds": 600}))
            }
            ("GET", ["transactions", hash]) => match world.transactions.get(*hash) {
                Some(transaction) => reply(200, transaction),
                None => message(404, format!("Transaction not found: {hash}")),
            },
            ("GET", ["version"]) => reply(200, &json!({"build_tag": "dvrf-devnet"})),
            ("GET", ["block"]) => reply(200, &block(&world, version, world.height())),
            ("GET", ["block", "height", height]) => match height.parse::<u64>() {
                Ok(height) if height <= world.height() => reply(200, &block(&world, version, height)),
                Ok(_) => message(404, "Block not found"),
                Err(_) => message(400, "invalid height"),
            },
            ("GET", ["events", tag]) => events::answer(&world, version, tag, &request.query),
            ("GET", ["accounts", account]) => match canonical(account) {
                Some(account) => reply(200, &json!({"sequence_number": 3, "authentication_key": account})),
                None => message(400, "invalid address"),
            },
            ("GET", ["accounts", account, "resources", tag]) => resource(&world, version, account, tag),
            ("GET", ["accounts", account, "resources"]) => match canonical(account) {
                Some(account) => reply(200, &json!(resources(&world, &account))),
                None => message(400, "invalid address"),
            },
            ("GET", ["accounts", account, "modules", module]) => {
                self.module(&world, version, account, module)
            }
            ("POST", ["view"]) => {
                let failing = lock(&self.faults).fail.clone();
                self.view(&world, &failing, &request.body)
            }
            _ => nowhere(),
        }
    }

    fn module(&self, world: &World, version: &str, account: &str, module: &str) -> Response {
        let account = canonical(account).unwrap_or_default();
        let found = abi::of(world, &account, module).filter(|_| !self.no_abi);
        match (found, version) {
            (Some(abi), "v1") => reply(200, &json!({"result": [{"bytecode": "0x", "abi": abi}]})),
            (Some(abi), _) => reply(200, &json!({"bytecode": "0x", "abi": abi})),
            (None, "v1") => reply(200, &json!({"result": [null]})),
            (None, _) => message(404, format!("Module not found: {account}::{module}")),
        }
    }

    fn view(&self, world: &World, failing: &BTreeMap<String, String>, body: &[u8]) -> Response {
        let Ok(call) = serde_json::from_slice::<Value>(body) else {
            return message(400, "malformed request");
        };
        let Some(function) = call.get("function").and_then(Value::as_str) else {
            return message(400, "missing field `function`");
        };
        let arguments = call.get("arguments").and_then(Value::as_array).cloned().unwrap_or_default();
        let name = function.rsplit("::").next().unwrap_or_default();
        let abort = |code| {
            Refused::Abort(Abort {
                address: world.genesis.deposit.clone(),
                module: "deposit".to_owned(),
                code,
                name: "",
            })
        };
        let result = match failing.get(name).map(String::as_str) {
            None => world.view(function, &arguments),
            Some("missing") => Err(Refused::Missing),
            Some("garbage") => return Response { body: b"{\"result\": ".to_vec(), ..message(200, "") },
            Some("null") => return reply(200, &json!({"result": null})),
            Some("text") => Ok(vec![json!("not a number")]),
            Some("error") => return message(503, "overloaded"),
            Some(_) => Err(abort(0x5_0005)),
        };
        match result {
            Ok(values) => reply(200, &json!({"result": values})),
            Err(refused) => self.refuse(function, &refused),
        }
    }

    /// A view that has no answer, in the words of the generation.
    pub(crate) fn refuse(&self, function: &str, refused: &Refused) -> Response {
        let status = if self.generation == NodeGeneration::V11_7 { 400 } else { 500 };
        let old = self.generation == NodeGeneration::V6;
        match refused {
            Refused::Abort(abort) if old => {
                let Abort { address, module, code, .. } = abort;
                let address = address.trim_start_matches("0x");
                message(
                    status,
                    format!(
                        "VMError {{ major_status: ABORTED, sub_status: Some({code}), message: Some(\"{function} at offset 43\"), location: Module(ModuleId {{ address: {address}, name: Identifier(\"{module}\") }}), indices: [] }}"
                    ),
                )
            }
            Refused::Abort(Abort { address, module, code, .. }) => message(
                status,
                format!(
                    "Failed to execute view function: ABORTED with sub status {code} at location Module {address}::{module} and message {function} at offset 43 at code offset 43 in function definition 2"
                ),
            ),
            Refused::Missing => {
                let text = format!(
                    "Failed to execute view function: FUNCTION_RESOLUTION_FAILURE at location Module, {function}"
                );
                message(400, text)
            }
            Refused::Arguments => {
                message(400, format!("NUMBER_OF_ARGUMENTS_MISMATCH or wrong types for {function}"))
            }
        }
    }
}

/// The resources of an account.
pub(crate) fn resources(world: &World, account: &str) -> Vec<Value> {
    let genesis = &world.genesis;
    let lottery = (account == genesis.lottery).then(|| world.lottery.resource()).flatten();
    let tag = format!("{}::{}::LotteryData", short(account), genesis.lottery_module);
    lottery.map(|data| json!({"type": tag, "data": data})).into_iter().collect()
}

fn resource(world: &World, version: &str, account: &str, tag: &str) -> Response {
    let account = canonical(account).unwrap_or_default();
    let wanted =
        tag.split_once("::").and_then(|(address, name)| Some((canonical(address)?, name.to_owned())));
    let found = resources(world, &account).into_iter().find(|resource| {
        let tag = resource["type"].as_str().and_then(|tag| tag.split_once("::"));
        tag.and_then(|(address, name)| Some((canonical(address)?, name.to_owned()))) == wanted
    });
    match (found, version) {
        (Some(resource), "v1") => reply(200, &json!({"result": [resource["data"]]})),
        (Some(resource), _) => reply(200, &resource),
        (None, "v1") => reply(200, &json!({"result": [null]})),
        (None, _) => message(404, format!("Resource not found: {tag}")),
    }
}

fn block(world: &World, version: &str, height: u64) -> Value {
    let time = if height == world.height() { world.time_us() } else { world.time_of(height) };
    let hash = format!("0x{height:064x}");
    if version == "v3" {
        return json!({
            "header": {
                "author": "0x1", "hash": hash, "height": height, "parent": format!("0x{:064x}", height.saturating_sub(1)),
                "timestamp": {"microseconds_since_unix_epoch": time, "utc_date_time": "2025-10-05T15:00:00+00:00"},
                "view": {"epoch_id": {"chain_id": world.genesis.chain_id, "epoch": 1}, "round": height},
            },
            "execution_statistics": null,
        });
    }
    json!({"height": height, "hash": hash, "timestamp": {"timestamp": time}})
}

/// RFC 9110 date, for `Retry-After`.
fn http_date(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days % 7).unwrap_or(0)];
    // Civil date from days since 1970, by the shifted-year method.
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        [usize::try_from(month - 1).unwrap_or(0)];
    format!(
        "{weekday}, {day:02} {name} {year} {:02}:{:02}:{:02} GMT",
        rest / 3600,
        rest % 3600 / 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let at = |seconds| http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(at(1_445_412_480), "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(at(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
