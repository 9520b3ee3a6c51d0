//! From settings to a filled record: which transport, which target, which formula.

pub mod events;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::address::Address;
use crate::amount::{GasPrice, GasUnits};
use crate::collect::cache::{self, Cache};
use crate::collect::report::{error_object, timestamp};
use crate::collect::resolve::Overrides;
use crate::collect::{Collected, Collector, Detail, decode, rows};
use crate::config::network::Network;
use crate::config::{Settings, env};
use crate::failure::{Failure, FailureKind, quote};
use crate::min_balance::Calculation;
use crate::record::{Record, RecordError, SCHEMA};
use crate::secret::Secret;
use crate::state::Lottery;
use crate::target::{Target, expected_chain_id};
use crate::transport::process::{Compose, Generation, ProcessConfig, ProcessTransport, program_words};
use crate::transport::replay::{Recorder, ReplayTransport};
use crate::transport::rpc::{RpcConfig, RpcTransport};
use crate::transport::shared::Shared;
use crate::transport::{Deadline, Request, Transport};
use crate::view::{FunctionId, ViewCall};

/// The longest REST answer: a page of events is some 100 kB, a module's ABI with its bytecode some MB.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// How long a question for many targets may hold them before each is asked about alone; half a call's time if that is
/// less, so that one of them that hangs costs the others less than a call.
const AHEAD: Duration = Duration::from_secs(3);

/// An open way to the chain, for one target or a stream of them.
pub struct Live {
    transport: Arc<dyn Transport>,
    /// The same, where many targets are read.
    shared: Option<Arc<Shared>>,
    detail: Detail,
    settings: Settings,
    overrides: Overrides,
    calculation: Option<Calculation>,
    cache_directory: Option<PathBuf>,
    timeout: Duration,
    ahead: Duration,
}

#[derive(Clone, Copy)]
enum Kind {
    Rpc,
    Cli,
    Replay,
}

impl Live {
    /// Reads the settings and opens the transport they choose. Nothing is asked yet.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        Self::over(Arc::from(transport(settings)?), None, Detail::Full, settings)
    }

    /// The same for a stream of targets: what they have in common is asked once, each of them only what verdicts
    /// need.
    pub fn open_for_many(settings: &Settings) -> Result<Self, Failure> {
        jobs(settings)?;
        let shared = Arc::new(Shared::new(transport(settings)?));
        let transport = Arc::clone(&shared);
        Self::over(transport, Some(shared), Detail::Lean, settings)
    }

    fn over(
        transport: Arc<dyn Transport>,
        shared: Option<Arc<Shared>>,
        usual: Detail,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let words = &[("full", Detail::Full), ("lean", Detail::Lean)];
        let timeout = settings.needed_seconds(&env::TIMEOUT)?;
        let call_timeout = settings.needed_seconds(&env::CALL_TIMEOUT)?;
        Ok(Self {
            transport,
            shared,
            detail: settings.choice(&env::DETAIL, words)?.unwrap_or(usual),
            overrides: Overrides::read(settings)?,
            calculation: calculation(settings)?,
            cache_directory: cache::directory(settings),
            timeout,
            ahead: AHEAD.min(timeout.min(call_timeout) / 2),
            settings: settings.clone(),
        })
    }

    /// Asks the chain about the target that the settings or the record name and writes the report into the record.
    /// The failure, if there is one, is in the record too: its `error` says why the report is no answer.
    pub fn fill(
        &self,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Result<Collected, Failure>, RecordError> {
        let (target, given) = match Target::resolve(&self.settings, Some(record)) {
            Ok(found) => found,
            Err(failure) => {
                fail(record, &failure, now)?;
                return Ok(Err(failure));
            }
        };
        let collector = Collector {
            transport: &*self.transport,
            deadline: Deadline::after(self.timeout),
            overrides: &self.overrides,
            cache: &self.cache(&target),
            detail: self.detail,
            now,
        };
        let collected = collector.run(&target);
        let calculation = serde_json::to_value(&self.calculation).unwrap_or(Value::Null);
        collected.write(record, &target, &given, &calculation, now)?;
        Ok(Ok(collected))
    }
}

impl Live {
    fn cache(&self, target: &Target) -> Cache {
        let identity = self.transport.identity();
        // What a lean run finds to answer is not what a full one should begin with.
        let identity = if self.detail == Detail::Lean { format!("{identity} lean") } else { identity };
        Cache::new(self.cache_directory.as_deref(), &identity, target)
    }

    /// Reads ahead, in one call for each deposit module, what records to be filled next have in common. What cannot
    /// be read so is asked for each of them alone.
    pub fn read_ahead<'a>(&self, records: impl Iterator<Item = &'a Record>, now: Timestamp) {
        let Some(shared) = &self.shared else { return };
        let mut modules: BTreeMap<(Address, String), Vec<Target>> = BTreeMap::new();
        for record in records {
            // A target that is wrong fails when its turn comes.
            let Ok((target, _)) = Target::resolve(&self.settings, Some(record)) else { continue };
            modules.entry((target.deposit, target.deposit_module.clone())).or_default().push(target);
        }
        let deadline = Deadline::after(self.ahead);
        for targets in modules.values().filter(|targets| targets.len() > 1) {
            for group in targets.chunks(rows::CLIENTS_MOST) {
                let first = &group[0];
                if !rows::offered(&**shared, &self.cache(first), first, deadline, now) {
                    break;
                }
                let clients: Vec<Address> = group.iter().map(|target| target.client).collect();
                let replies = shared.ask(&[rows::question(first, clients)], deadline);
                for (client, reply) in replies.iter().flat_map(rows::cut) {
                    shared.put(rows::question(first, vec![client]), reply);
                }
            }
        }
    }

    /// What is behind the transport, without secrets.
    pub fn identity(&self) -> String {
        self.transport.identity()
    }

    /// Asks for one view function.
    pub fn view(&self, call: ViewCall) -> Result<Value, Failure> {
        let replies = self.transport.ask(&[Request::View(call)], Deadline::after(self.timeout));
        let reply = replies.into_iter().next();
        reply.map_or_else(
            || Err(Failure::new(FailureKind::Unreachable, "nothing was asked")),
            |reply| reply.result,
        )
    }

    /// The lottery's status alone, as a watcher of one draw asks for it again and again.
    pub fn lottery_status(&self, target: &Target) -> Result<Lottery, Failure> {
        let lottery = Settings::needed(target.lottery, &env::LOTTERY_ADDR)?;
        let (module, name) = (target.lottery_module.clone(), "get_lottery_status".to_owned());
        let function = FunctionId { address: lottery, module, name };
        let answer = self.view(ViewCall { function, type_arguments: Vec::new(), arguments: Vec::new() })?;
        decode::status(&answer).map_err(|error| Failure::new(FailureKind::Undecodable, error.to_string()))
    }
}

/// How the Supra CLI is run for a transaction, whatever reads the chain.
pub fn submitter(settings: &Settings) -> Result<ProcessConfig, Failure> {
    process(settings)
}

/// Writes a record that says only what failed, so that the pipe never carries silence.
pub fn fail(record: &mut Record, failure: &Failure, now: Timestamp) -> Result<(), RecordError> {
    record.set("timestamp", &timestamp(now))?;
    record.set("schema", SCHEMA)?;
    record.set("error", &error_object(failure, None))
}

/// The formula of the settings: all three gas values or none.
pub fn calculation(settings: &Settings) -> Result<Option<Calculation>, Failure> {
    let margin = Settings::needed(settings.decimal(&env::MARGIN)?, &env::MARGIN)?;
    let window = Settings::needed(settings.bounded(&env::WINDOW, 1_000_000)?, &env::WINDOW)?;
    let gas = [&env::MAX_GAS_PRICE, &env::MAX_GAS_LIMIT, &env::VERIFICATION_GAS];
    let values = gas.map(|variable| settings.number(variable));
    let [price, limit, verification] = values;
    match (price?, limit?, verification?) {
        (None, None, None) => Ok(None),
        (Some(price), Some(limit), Some(verification)) => {
            let result = Calculation::from_gas(
                GasPrice(price),
                GasUnits(limit),
                GasUnits(verification),
                margin,
                window,
            );
            result.map(Some).map_err(|error| Failure::new(FailureKind::Config, error.to_string()))
        }
        _ => {
            let missing = gas.into_iter().find(|variable| !settings.is_given(variable));
            let failure = missing.map_or_else(|| Settings::missing(&env::MAX_GAS_PRICE), Settings::missing);
            Err(failure.with_hint("the three gas settings go together"))
        }
    }
}

fn transport(settings: &Settings) -> Result<Box<dyn Transport>, Failure> {
    let words = &[("rpc", Kind::Rpc), ("cli", Kind::Cli), ("replay", Kind::Replay)];
    let network = settings.choice(&env::NETWORK, Network::WORDS)?;
    let kind = match settings.choice(&env::TRANSPORT, words)? {
        Some(kind) => kind,
        None if settings.text(&env::REPLAY_DIR).is_some() => Kind::Replay,
        None if settings.text(&env::RPC_URL).is_some() => Kind::Rpc,
        // A named network without a CLI of its own means its public node.
        None if network.is_some()
            && !settings.is_given(&env::CLI_BIN)
            && !settings.is_given(&env::CLI_COMPOSE) =>
        {
            Kind::Rpc
        }
        None => Kind::Cli,
    };
    let inner: Box<dyn Transport> = match kind {
        Kind::Rpc => Box::new(RpcTransport::new(rpc(settings, network)?)?),
        Kind::Cli => Box::new(ProcessTransport::new(process(settings)?)?),
        Kind::Replay => {
            let directory = Settings::needed(settings.text(&env::REPLAY_DIR), &env::REPLAY_DIR)?;
            Box::new(ReplayTransport::open(Path::new(directory))?)
        }
    };
    match settings.text(&env::RECORD_DIR) {
        Some(directory) => Ok(Box::new(Recorder::new(inner, Path::new(directory))?)),
        None => Ok(inner),
    }
}

/// The most questions in flight.
pub(crate) fn jobs(settings: &Settings) -> Result<usize, Failure> {
    let jobs = Settings::needed(settings.bounded(&env::JOBS, 256)?, &env::JOBS)?;
    Ok(usize::try_from(jobs).unwrap_or(1))
}

fn rpc(settings: &Settings, network: Option<Network>) -> Result<RpcConfig, Failure> {
    let given = settings.text(&env::RPC_URL).map(str::to_owned);
    let urls = given.or_else(|| network.map(|network| network.rpc_url().to_owned()));
    let urls = Settings::needed(urls, &env::RPC_URL)?;
    let urls = urls.split(',').map(str::trim).filter(|url| !url.is_empty()).map(Secret::new).collect();
    let versions = settings.text(&env::RPC_API).unwrap_or_default().split(',').map(str::trim);
    let versions: Vec<String> = versions.filter(|version| !version.is_empty()).map(str::to_owned).collect();
    if let Some(wrong) = versions.iter().find(|version| !["v1", "v2", "v3"].contains(&version.as_str())) {
        let message = format!("{} has {:?}: v3, v2 and v1 are known", env::RPC_API.name, quote(wrong));
        return Err(Failure::new(FailureKind::Config, message));
    }
    Ok(RpcConfig {
        urls,
        headers: headers(settings)?,
        versions,
        call_timeout: settings.needed_seconds(&env::CALL_TIMEOUT)?,
        jobs: jobs(settings)?,
        retries: retries(settings)?,
        body_bytes_max: BODY_BYTES_MAX,
        roots: settings.text(&env::TLS_ROOTS).map(str::to_owned),
        chain_id: expected_chain_id(settings, network)?,
    })
}

fn retries(settings: &Settings) -> Result<u32, Failure> {
    let retries = Settings::needed(settings.number(&env::RETRIES)?, &env::RETRIES)?;
    match u32::try_from(retries) {
        Ok(retries @ 0..=20) => Ok(retries),
        _ => {
            Err(Failure::new(FailureKind::Config, format!("{} is {retries}: at most 20", env::RETRIES.name)))
        }
    }
}

fn headers(settings: &Settings) -> Result<Vec<(String, Secret)>, Failure> {
    let lines = settings.text(&env::RPC_HEADERS).unwrap_or_default().lines();
    let mut headers = Vec::new();
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| {
            Failure::new(
                FailureKind::Config,
                format!("{}: a header is written Name: value", env::RPC_HEADERS.name),
            )
        })?;
        headers.push((name.trim().to_owned(), Secret::new(value.trim())));
    }
    if let Some(key) = settings.text(&env::NODE_API_KEY) {
        headers.push(("Authorization".to_owned(), Secret::new(&format!("Bearer {key}"))));
    }
    Ok(headers)
}

fn process(settings: &Settings) -> Result<ProcessConfig, Failure> {
    let program = settings.text(&env::CLI_BIN).map(program_words).unwrap_or_default();
    let generation = settings.choice(&env::CLI_GENERATION, Generation::WORDS)?;
    let compose = settings.text(&env::CLI_COMPOSE);
    let node = settings.text(&env::RPC_URL).map(|urls| urls.split(',').next().unwrap_or(urls));
    let node = node.map(ProcessConfig::node).transpose().map_err(|error| {
        Failure::new(FailureKind::Config, format!("{} is ***: {error}", env::RPC_URL.name))
    })?;
    Ok(ProcessConfig {
        program,
        profile: settings.text(&env::PROFILE).map(str::to_owned),
        rpc_url: node,
        supra_config: settings.text(&env::SUPRA_CONFIG).map(str::to_owned),
        generation: Settings::needed(generation, &env::CLI_GENERATION)?,
        env_remove: env::NOT_FOR_CHILDREN,
        call_timeout: settings.needed_seconds(&env::CALL_TIMEOUT)?,
        jobs: jobs(settings)?,
        compose: compose.map(|service| Compose { docker: "docker".into(), service: service.to_owned() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&'static str, &str)]) -> Settings {
        Settings::new(pairs.iter().map(|(name, text)| (*name, (*text).to_owned())).collect())
    }

    fn name(pairs: &[(&'static str, &str)]) -> Result<&'static str, String> {
        transport(&settings(pairs)).map(|transport| transport.name()).map_err(|failure| failure.message)
    }

    #[test]
    fn the_transport_follows_the_settings() {
        assert_eq!(name(&[]), Ok("cli"));
        assert_eq!(name(&[("SUPRA_RPC_URL", "http://n")]), Ok("rpc"));
        assert_eq!(name(&[("SUPRA_RPC_URL", "http://n"), ("DVRF_TRANSPORT", "cli")]), Ok("cli"));
        assert_eq!(name(&[("DVRF_NETWORK", "testnet")]), Ok("rpc"));
        assert_eq!(name(&[("DVRF_NETWORK", "testnet"), ("SUPRA_CLI_BIN", "supra")]), Ok("cli"));
        assert_eq!(name(&[("DVRF_TRANSPORT", "rpc")]), Err("SUPRA_RPC_URL or --rpc-url is needed".into()));
        assert_eq!(
            name(&[("DVRF_TRANSPORT", "ws")]),
            Err("DVRF_TRANSPORT is \"ws\": one of rpc, cli, replay is needed".into())
        );
        assert_eq!(
            name(&[("SUPRA_RPC_URL", "http://n"), ("DVRF_RPC_API", "v9")]),
            Err("DVRF_RPC_API has \"v9\": v3, v2 and v1 are known".into())
        );
    }

    #[test]
    fn the_gas_settings_go_together() {
        assert_eq!(calculation(&settings(&[])), Ok(None));
        let failure = calculation(&settings(&[("MAX_GAS_PRICE", "1")])).unwrap_err();
        assert_eq!(failure.message, "MAX_GAS_LIMIT or --max-gas-limit is needed");
        let all =
            [("MAX_GAS_PRICE", "1000"), ("MAX_GAS_LIMIT", "500_000"), ("VERIFICATION_GAS_VALUE", "25000")];
        let minimum = calculation(&settings(&all)).unwrap().unwrap().min_balance;
        assert_eq!(minimum.get(), 15_750_000_000);
    }
}
