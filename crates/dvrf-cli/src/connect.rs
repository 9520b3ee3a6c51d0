//! Builds the connection to the chain that the settings describe: transport, limits, minimum-balance formula.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use supra_core::amount::{GasPrice, GasUnits};
use supra_core::client::{ChainClient, ClientOptions};
use supra_core::collect::Detail;
use supra_core::collect::resolve::Overrides;
use supra_core::collect::rows::ClientRow;
use supra_core::collect::to_record::{error_object, timestamp};
use supra_core::error::Error;
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::min_balance::Calculation;
use supra_core::network::Network;
use supra_core::record::{Record, RecordError, SCHEMA};
use supra_core::report::{Report, ReportError, SubscriptionId};
use supra_core::secret::Secret;
use supra_core::target::Target;
use supra_core::transport::Transport;
use supra_core::transport::cli::{CliConfig, CliTransport, Compose, Generation, program_words};
use supra_core::transport::replay::{Recorder, ReplayTransport};
use supra_core::transport::rpc::{RpcConfig, RpcTransport};

use crate::http;
use crate::layout::layouts;
use crate::parse::node_url;
use crate::settings::file::keys::rpc_key;
use crate::settings::{Settings, variables};
use crate::target::{expected_chain_id, other_network, resolve};

/// The longest REST answer: a page of events is some 100 kB, a module's ABI with its bytecode some MB.
const BODY_BYTES_MAX: u64 = 16 << 20;

/// How the chain is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Rpc,
    Cli,
    Replay,
}

pub(crate) const TRANSPORTS: &[(&str, Kind)] =
    &[("rpc", Kind::Rpc), ("cli", Kind::Cli), ("replay", Kind::Replay)];
pub(crate) const DETAILS: &[(&str, Detail)] =
    &[("lean", Detail::Lean), ("full", Detail::Full), ("deposit", Detail::Deposit)];

/// Opens the connection to the network that a record names, else to that of the settings.
pub fn open_for(record: &Record, settings: &Settings) -> Result<ChainClient, Error> {
    match other_network(settings, Some(record))? {
        Some(network) => open(&settings.of_network(network)),
        None => open(settings),
    }
}

/// Opens the transport that the settings choose, for one target. Sends nothing yet.
pub fn open(settings: &Settings) -> Result<ChainClient, Error> {
    Ok(ChainClient::new(transport(settings)?, options(settings)?))
}

/// Opens it for a stream of targets: values that they share are read once.
pub fn open_for_fleet(settings: &Settings) -> Result<ChainClient, Error> {
    jobs(settings)?;
    Ok(ChainClient::for_fleet(transport(settings)?, options(settings)?))
}

fn options(settings: &Settings) -> Result<ClientOptions, Error> {
    let functions = settings.text(&variables::FUNCTIONS).unwrap_or_default();
    let overrides = Overrides::parse(functions).map_err(|error| {
        Error::new(FailureKind::Config, format!("{} has {error}", settings.source(&variables::FUNCTIONS)))
    })?;
    Ok(ClientOptions {
        detail: settings.choice(&variables::DETAIL, DETAILS)?.unwrap_or(Detail::Lean),
        overrides,
        layouts: layouts(settings)?,
        cache_directory: cache_directory(settings),
        timeout: settings.needed_seconds(&variables::TIMEOUT)?,
        call_timeout: settings.needed_seconds(&variables::CALL_TIMEOUT)?,
    })
}

/// Where resolved function names are cached; `None` when the cache is off or there is no home directory.
fn cache_directory(settings: &Settings) -> Option<PathBuf> {
    match settings.text(&variables::CACHE_DIR) {
        Some("off") => None,
        Some(path) => Some(PathBuf::from(path)),
        None => settings.user_directory(&variables::XDG_CACHE_HOME, ".cache"),
    }
}

/// A client together with the settings that turn a record into a target and the answers into a report.
pub struct TargetReader {
    /// The connection.
    pub client: ChainClient,
    settings: Settings,
    calculation: Option<Calculation>,
    /// The connections to other networks that records name, opened when the first of them is read.
    others: Mutex<BTreeMap<&'static str, Result<Arc<TargetReader>, Error>>>,
}

impl TargetReader {
    /// Opens the connection that the settings describe, for one target.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        Self::over(open(settings)?, settings)
    }

    /// Opens one connection per node, in the order of the settings, each without fail-over to another.
    pub fn open_each(settings: &Settings) -> Result<Vec<Self>, Error> {
        let urls = settings.text(&variables::RPC_URL).unwrap_or_default().split(',').map(str::trim);
        let urls: Vec<&str> = urls.filter(|url| !url.is_empty()).collect();
        if urls.len() < 2 {
            return Ok(vec![Self::open(settings)?]);
        }
        // Below, each is set as a flag: a mistake would name the flag, whatever was typed.
        urls.iter().try_for_each(|url| node_url(settings.source(&variables::RPC_URL), url))?;
        let of_node = |url: &&str| {
            let mut settings = settings.clone();
            settings.set_flag(&variables::RPC_URL, Some(url));
            Self::open(&settings)
        };
        urls.iter().map(of_node).collect()
    }

    /// Opens it for a stream of targets.
    pub fn open_for_fleet(settings: &Settings) -> Result<Self, Error> {
        Self::over(open_for_fleet(settings)?, settings)
    }

    /// The node's URL as the Supra CLI may be given it; the first where there are several.
    pub fn cli_url(&self) -> Option<Secret> {
        let urls = self.settings.text(&variables::RPC_URL)?;
        CliConfig::node(urls.split(',').next().unwrap_or(urls)).ok()
    }

    fn over(client: ChainClient, settings: &Settings) -> Result<Self, Error> {
        let (calculation, settings) = (calculation(settings)?, settings.clone());
        Ok(Self { client, calculation, settings, others: Mutex::default() })
    }

    /// The connection to the network of a record, if that is another one than that of the settings.
    fn other(&self, record: &Record) -> Result<Option<Arc<Self>>, Error> {
        let Some(network) = other_network(&self.settings, Some(record))? else { return Ok(None) };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || Self::open_for_fleet(&self.settings.of_network(network)).map(Arc::new);
        others.entry(network.name()).or_insert_with(open).clone().map(Some)
    }

    /// Reads the target that the settings or the record name, and writes the report into the record.
    ///
    /// The inner error means that settings and record do not name a valid target.
    pub fn fill(
        &self,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Result<FilledReport, Error>, RecordError> {
        self.fill_with_row(record, None, now)
    }

    /// The same with the client's row from [`Self::read_rows`].
    pub(crate) fn fill_with_row(
        &self,
        record: &mut Record,
        row: Option<&ClientRow>,
        now: Timestamp,
    ) -> Result<Result<FilledReport, Error>, RecordError> {
        match self.other(record) {
            Ok(None) => {}
            Ok(Some(other)) => return other.fill_with_row(record, None, now),
            Err(error) => return Ok(Err(error)),
        }
        let (target, given) = match resolve(&self.settings, Some(record)) {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure)),
        };
        let start = Instant::now();
        let collected = self.client.collect_with_row(&target, row, now);
        let failure = collected.failure();
        let calculation = serde_json::to_value(&self.calculation).unwrap_or(Value::Null);
        collected.write(record, &target, &given, &calculation, now)?;
        // How long a pending request has waited decides whether it is stuck.
        let is_pending = collected.state.lottery.pending_request == Some(true);
        let requests =
            is_pending.then(|| self.client.pending_request(&target, now, start.elapsed())).flatten();
        if let Some(requests) = &requests {
            record.set("requests", requests)?;
        }
        let report = Report {
            id: SubscriptionId::of(record),
            read_at: Some(now),
            error: failure.as_ref().map(|(view, failure)| ReportError::new(failure, Some(view))),
            state: Some(collected.state),
            views: collected.views,
            calculation: self.calculation.clone(),
            requests,
        };
        Ok(Ok(FilledReport { report, failure: failure.map(|(_, failure)| failure) }))
    }

    /// Reads the rows that these records' clients share with others; one entry per record.
    pub(crate) fn read_rows<'a>(
        &self,
        records: impl Iterator<Item = &'a Record>,
        now: Timestamp,
    ) -> Vec<Option<ClientRow>> {
        // A record with a wrong target fails in its own turn.
        let target = |record: &Record| match other_network(&self.settings, Some(record)) {
            Ok(None) => Some(resolve(&self.settings, Some(record)).ok()?.0),
            _ => None,
        };
        let targets: Vec<Option<Target>> = records.map(target).collect();
        let valid: Vec<Target> = targets.iter().flatten().cloned().collect();
        let mut rows = self.client.read_rows(&valid, now).into_iter();
        targets.iter().map(|target| target.as_ref().and_then(|_| rows.next().flatten())).collect()
    }
}

/// The result of reading one target.
pub struct FilledReport {
    /// The typed report.
    pub report: Report,
    /// Why the report is incomplete: the first required value that could not be read.
    pub failure: Option<Failure>,
}

/// Writes a record that holds only an error, so that a failure is never an empty output.
pub fn fail(record: &mut Record, failure: &Failure, now: Timestamp) -> Result<(), RecordError> {
    record.set("timestamp", &timestamp(now))?;
    record.set("schema", SCHEMA)?;
    record.set("error", &error_object(failure, None))
}

/// The minimum balance by the settings' gas values; `None` when none of the three is set.
///
/// # Errors
/// When only some of them are set, or the result overflows.
pub fn calculation(settings: &Settings) -> Result<Option<Calculation>, Error> {
    let margin = Settings::needed(settings.decimal(&variables::MARGIN)?, &variables::MARGIN)?;
    let window = Settings::needed(settings.bounded(&variables::WINDOW, 1_000_000)?, &variables::WINDOW)?;
    let gas = [&variables::MAX_GAS_PRICE, &variables::MAX_GAS_LIMIT, &variables::VERIFICATION_GAS];
    let price = settings.quants(&variables::MAX_GAS_PRICE)?;
    let limit = settings.number(&variables::MAX_GAS_LIMIT)?;
    match (price, limit, settings.number(&variables::VERIFICATION_GAS)?) {
        (None, None, None) => Ok(None),
        (Some(price), Some(limit), Some(verification)) => {
            let result = Calculation::from_gas(
                GasPrice(price),
                GasUnits(limit),
                GasUnits(verification),
                margin,
                window,
            );
            result.map(Some).map_err(|error| Error::new(FailureKind::Config, error.to_string()))
        }
        _ => {
            let missing = gas.into_iter().find(|variable| !settings.is_given(variable));
            let failure =
                missing.map_or_else(|| Settings::missing(&variables::MAX_GAS_PRICE), Settings::missing);
            Err(failure.with_hint("the three gas settings go together"))
        }
    }
}

fn transport(settings: &Settings) -> Result<Box<dyn Transport>, Error> {
    let network = settings.choice(&variables::NETWORK, Network::WORDS)?;
    let kind = match settings.choice(&variables::TRANSPORT, TRANSPORTS)? {
        Some(kind) => kind,
        None if settings.text(&variables::REPLAY_DIR).is_some() => Kind::Replay,
        None if settings.text(&variables::RPC_URL).is_some() => Kind::Rpc,
        // A network name without a CLI selects the public node of that network.
        None if network.is_some()
            && !settings.is_given(&variables::CLI_BIN)
            && !settings.is_given(&variables::CLI_COMPOSE) =>
        {
            Kind::Rpc
        }
        None => Kind::Cli,
    };
    let inner: Box<dyn Transport> = match kind {
        Kind::Rpc => Box::new(RpcTransport::new(rpc(settings, network)?)?),
        Kind::Cli => Box::new(CliTransport::new(cli_config(settings)?)?),
        Kind::Replay => {
            let directory = Settings::needed(settings.text(&variables::REPLAY_DIR), &variables::REPLAY_DIR)?;
            Box::new(ReplayTransport::open(Path::new(directory))?)
        }
    };
    match settings.text(&variables::RECORD_DIR) {
        Some(directory) => Ok(Box::new(Recorder::new(inner, Path::new(directory))?)),
        None => Ok(inner),
    }
}

/// The maximum number of concurrent requests.
pub(crate) fn jobs(settings: &Settings) -> Result<usize, Error> {
    let jobs = Settings::needed(settings.bounded(&variables::JOBS, 256)?, &variables::JOBS)?;
    Ok(usize::try_from(jobs).unwrap_or(1))
}

fn rpc(settings: &Settings, network: Option<Network>) -> Result<RpcConfig, Error> {
    let given = settings.text(&variables::RPC_URL).map(str::to_owned);
    let of_network = |network: Network| match settings.file_value(rpc_key(network)) {
        Some(value) => value.text.clone(),
        None => network.rpc_url().to_owned(),
    };
    let of_file = || network.and_then(|network| settings.file_value(rpc_key(network)));
    let by = match of_file().filter(|_| given.is_none()) {
        Some(value) => &value.by,
        None => settings.source(&variables::RPC_URL),
    };
    let urls = given.or_else(|| network.map(of_network));
    let urls = Settings::needed(urls, &variables::RPC_URL)?;
    let urls: Vec<&str> = urls.split(',').map(str::trim).filter(|url| !url.is_empty()).collect();
    urls.iter().try_for_each(|url| node_url(by, url))?;
    let urls = urls.into_iter().map(Secret::new).collect();
    let versions = settings.text(&variables::RPC_API).unwrap_or_default().split(',').map(str::trim);
    let versions: Vec<String> = versions.filter(|version| !version.is_empty()).map(str::to_owned).collect();
    if let Some(wrong) = versions.iter().find(|version| !["v1", "v2", "v3", "v4"].contains(&version.as_str()))
    {
        let source = settings.source(&variables::RPC_API);
        let message = format!("{source} has {:?}: v1, v2, v3 and v4 are known", quote(wrong));
        return Err(Error::new(FailureKind::Config, message));
    }
    Ok(RpcConfig {
        urls,
        headers: headers(settings)?,
        versions,
        call_timeout: settings.needed_seconds(&variables::CALL_TIMEOUT)?,
        jobs: jobs(settings)?,
        retries: retries(settings)?,
        body_bytes_max: BODY_BYTES_MAX,
        roots: http::roots(settings)?,
        proxies: http::proxies(settings)?,
        chain_id: expected_chain_id(settings, network)?,
    })
}

fn retries(settings: &Settings) -> Result<u32, Error> {
    let retries = Settings::needed(settings.number(&variables::RETRIES)?, &variables::RETRIES)?;
    match u32::try_from(retries) {
        Ok(retries @ 0..=20) => Ok(retries),
        _ => Err(Error::new(
            FailureKind::Config,
            format!("{} is {retries}: at most 20", settings.source(&variables::RETRIES)),
        )),
    }
}

fn headers(settings: &Settings) -> Result<Vec<(String, Secret)>, Error> {
    let lines = settings.text(&variables::RPC_HEADERS).unwrap_or_default().lines();
    let mut headers = Vec::new();
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| {
            Error::new(
                FailureKind::Config,
                format!("{}: a header is written Name: value", settings.source(&variables::RPC_HEADERS)),
            )
        })?;
        headers.push((name.trim().to_owned(), Secret::new(value.trim())));
    }
    if let Some(key) = settings.text(&variables::NODE_API_KEY) {
        headers.push(("Authorization".to_owned(), Secret::new(&format!("Bearer {key}"))));
    }
    Ok(headers)
}

/// How the Supra CLI is run, to read the chain or to send a transaction.
///
/// # Errors
/// When a setting is missing or cannot be read.
pub fn cli_config(settings: &Settings) -> Result<CliConfig, Error> {
    crate::signals::kill_children_first()?;
    let program = settings.text(&variables::CLI_BIN).map(program_words).unwrap_or_default();
    let generation = settings.choice(&variables::CLI_GENERATION, Generation::WORDS)?;
    let compose = settings.text(&variables::CLI_COMPOSE);
    let urls = settings.text(&variables::RPC_URL).unwrap_or_default().split(',').map(Secret::new);
    let node = settings.text(&variables::RPC_URL).map(|urls| urls.split(',').next().unwrap_or(urls));
    let node = node.map(CliConfig::node).transpose().map_err(|error| {
        Error::new(FailureKind::Config, format!("{} is ***: {error}", settings.source(&variables::RPC_URL)))
    })?;
    Ok(CliConfig {
        program,
        profile: settings.text(&variables::PROFILE).map(str::to_owned),
        rpc_url: node,
        secrets: urls.chain(headers(settings)?.into_iter().map(|(_, value)| value)).collect(),
        supra_config: settings.text(&variables::SUPRA_CONFIG).map(str::to_owned),
        generation: Settings::needed(generation, &variables::CLI_GENERATION)?,
        env_remove: variables::NOT_FOR_CHILDREN,
        call_timeout: settings.needed_seconds(&variables::CALL_TIMEOUT)?,
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

    /// The first word of the transport's identity.
    fn name(pairs: &[(&'static str, &str)]) -> Result<String, String> {
        let identity = transport(&settings(pairs)).map(|transport| transport.identity());
        identity.map(|text| text.split(' ').take(1).collect()).map_err(|error| error.message())
    }

    #[test]
    fn the_transport_follows_the_settings() {
        assert_eq!(name(&[]), Ok("cli".into()));
        assert_eq!(name(&[("SUPRA_RPC_URL", "http://n")]), Ok("rpc".into()));
        assert_eq!(name(&[("SUPRA_RPC_URL", "http://n"), ("DVRF_TRANSPORT", "cli")]), Ok("cli".into()));
        assert_eq!(name(&[("DVRF_NETWORK", "testnet")]), Ok("rpc".into()));
        assert_eq!(name(&[("DVRF_NETWORK", "testnet"), ("SUPRA_CLI_BIN", "supra")]), Ok("cli".into()));
        assert_eq!(name(&[("DVRF_TRANSPORT", "rpc")]), Err("SUPRA_RPC_URL or --rpc-url is needed".into()));
        assert_eq!(
            name(&[("DVRF_TRANSPORT", "ws")]),
            Err("DVRF_TRANSPORT is \"ws\": one of rpc, cli, replay is needed".into())
        );
        assert_eq!(
            name(&[("SUPRA_RPC_URL", "http://n"), ("DVRF_RPC_API", "v9")]),
            Err("DVRF_RPC_API has \"v9\": v1, v2, v3 and v4 are known".into())
        );
    }

    #[test]
    fn the_gas_settings_go_together() {
        assert_eq!(calculation(&settings(&[])), Ok(None));
        let failure = calculation(&settings(&[("MAX_GAS_PRICE", "1")])).unwrap_err();
        assert_eq!(failure.message(), "MAX_GAS_LIMIT or --max-gas-limit is needed");
        let all =
            [("MAX_GAS_PRICE", "1000"), ("MAX_GAS_LIMIT", "500_000"), ("VERIFICATION_GAS_VALUE", "25000")];
        let minimum = calculation(&settings(&all)).unwrap().unwrap().min_balance;
        assert_eq!(minimum.get(), 15_750_000_000);
    }

    #[test]
    fn the_cache_lives_under_the_users_cache_directory() {
        let directory_of = |pairs: &[(&'static str, &str)]| cache_directory(&settings(pairs));
        assert_eq!(directory_of(&[]), None);
        assert_eq!(directory_of(&[("HOME", "/h")]), Some(PathBuf::from("/h/.cache/dvrf")));
        assert_eq!(directory_of(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")]), Some(PathBuf::from("/c/dvrf")));
        assert_eq!(directory_of(&[("HOME", "/h"), ("DVRF_CACHE_DIR", "off")]), None);
    }

    #[test]
    fn mistakes_in_functions_name_the_variable() {
        let failure = options(&settings(&[("DVRF_FUNCTIONS", "balance")])).err().unwrap();
        assert_eq!(failure.message(), "DVRF_FUNCTIONS has \"balance\": VALUE=FUNCTION is needed");
    }
}
