//! `dvrf doctor`: everything a run needs, tried one after the other, and what to do about what is wrong.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::channel::args::ChannelArgs;
use dvrf_cli::connect::{Reader, calculation, submitter};
use dvrf_cli::exit::Exit;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::http::Endpoint;
use supra_core::record::Record;
use supra_core::secret::{Secret, redact_url};
use supra_core::state_dir::StateDir;
use supra_core::transport::Deadline;
use supra_core::transport::cli::{CliConfig, Generation, run};

/// How long a receiver may take to let us in.
const CONNECT: Duration = Duration::from_secs(5);

/// The flags of the doctor.
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    channels: ChannelArgs,
    #[command(flatten)]
    state: StateArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Ok,
    /// Something works without it.
    Warning,
    Wrong,
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
struct Trial {
    name: String,
    health: Health,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Debug, Default)]
struct Trials(Vec<Trial>);

impl Trials {
    fn add(&mut self, name: &str, health: Health, found: impl Into<String>, fix: Option<String>) {
        self.0.push(Trial { name: name.to_owned(), health, found: found.into(), fix });
    }

    fn ok(&mut self, name: &str, found: impl Into<String>) {
        self.add(name, Health::Ok, found, None);
    }

    fn wrong(&mut self, name: &str, failure: &Failure) {
        self.add(name, Health::Wrong, failure.message.as_str(), failure.hint.clone());
    }
}

/// Runs the doctor.
pub(crate) fn doctor(args: &DoctorArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.channels.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    let mut trials = Trials::default();
    formula(&session.settings, &mut trials);
    match dvrf_cli::target::resolve(&session.settings, None) {
        Ok((target, _)) => {
            let lottery = target
                .lottery
                .map_or_else(|| "no lottery".to_owned(), |address| format!("lottery {}", address.short()));
            trials.ok(
                "target",
                format!("{lottery}, client {}, dVRF {}", target.client.short(), target.deposit.short()),
            );
            chain(session, &mut trials)?;
        }
        Err(failure) => trials.wrong("target", &failure),
    }
    cli(&session.settings, &mut trials);
    sinks(args, session, &mut trials);
    state(&session.settings, &mut trials);
    let is_well = trials.0.iter().all(|trial| trial.health != Health::Wrong);
    print(args, &trials, session)?;
    Ok(if is_well { Exit::Done } else { Exit::No })
}

fn formula(settings: &Settings, trials: &mut Trials) {
    match calculation(settings) {
        Ok(Some(result)) => {
            trials
                .ok("gas settings", format!("minimum by the formula: {} SUPRA", result.min_balance.supra()));
        }
        Ok(None) => {
            let fix = "set MAX_GAS_PRICE, MAX_GAS_LIMIT and VERIFICATION_GAS_VALUE to compare the chain with your own formula";
            trials.add("gas settings", Health::Warning, "none are set", Some(fix.to_owned()));
        }
        Err(failure) => trials.wrong("gas settings", &failure),
    }
}

/// Whether the chain answers, which one, how fresh, and which function gives each value.
fn chain(session: &Session, trials: &mut Trials) -> Result<(), CliError> {
    let reader = match Reader::open(&session.settings) {
        Ok(reader) => reader,
        Err(failure) => {
            trials.wrong("transport", &failure);
            return Ok(());
        }
    };
    trials.ok("transport", reader.client.identity());
    let report = match reader.fill(&mut Record::new(), session.now)? {
        Ok(filled) => filled.report,
        Err(failure) => {
            trials.wrong("chain", &failure);
            return Ok(());
        }
    };
    let state = report.state.unwrap_or_default();
    match (state.chain.id, state.chain.time_us) {
        (Some(id), Some(time)) => {
            let seconds = i64::try_from(time.get() / 1_000_000).unwrap_or(i64::MAX);
            let behind = session.now.as_second().saturating_sub(seconds);
            let health = if behind > 300 { Health::Wrong } else { Health::Ok };
            let fix = (health == Health::Wrong)
                .then(|| "the node does not follow the chain: use another".to_owned());
            trials.add("chain", health, format!("chain id {id}, its clock is {behind} s behind ours"), fix);
        }
        (id, _) => {
            let found = id.map_or_else(
                || "the node does not answer".to_owned(),
                |id| format!("chain id {id}, its clock is not known"),
            );
            trials.add(
                "chain",
                Health::Wrong,
                found,
                Some("check the node's URL, or the CLI and its profile".to_owned()),
            );
        }
    }
    for (key, view) in &report.views {
        let by = view.function.as_deref().map(plain).unwrap_or_default();
        match &view.error {
            None => trials.ok(&format!("value {key}"), by),
            // Not every chain has every value.
            Some(failure) if failure.kind == FailureKind::Unsupported => {
                trials.add(&format!("value {key}"), Health::Warning, "this chain does not have it", None);
            }
            Some(failure) => trials.wrong(&format!("value {key}"), failure),
        }
    }
    Ok(())
}

/// Whether the CLI can be run, and which generation its own help speaks of. Draws need it whatever reads the chain.
fn cli(settings: &Settings, trials: &mut Trials) {
    let config = match submitter(settings) {
        Ok(config) => config,
        Err(failure) => return trials.wrong("supra cli", &failure),
    };
    let words = ["move", "tool", "run", "--help"].map(str::to_owned);
    match run(
        &config.command(&words),
        &config.environment(),
        config.env_remove,
        Deadline::after(config.call_timeout),
    ) {
        Err(failure) => {
            let fix = "only draws and DVRF_TRANSPORT=cli need it: set SUPRA_CLI_BIN to its path";
            trials.add("supra cli", Health::Warning, failure.message, Some(fix.to_owned()));
        }
        Ok(finished) => {
            let help = String::from_utf8_lossy(&finished.stdout).into_owned();
            generation(&config, &help, trials);
        }
    }
}

fn generation(config: &CliConfig, help: &str, trials: &mut Trials) {
    let has = |flag: &str| help.contains(flag);
    let guess = match (has("--assume-yes"), has("--rpc-url"), has("--simulate")) {
        (_, true, true) => Some("v11"),
        (true, true, false) => Some("v9 or v10"),
        (true, false, false) => Some("v6"),
        _ => None,
    };
    let name =
        Generation::WORDS.iter().find(|(_, known)| *known == config.generation).map_or("", |(name, _)| name);
    match guess {
        Some(guess) if guess.contains(name) => {
            trials.ok("supra cli", format!("it runs; its help speaks {guess}"));
        }
        Some(guess) => {
            let fix = format!("set DVRF_CLI_GENERATION to {guess}");
            trials.add(
                "supra cli",
                Health::Wrong,
                format!("its help speaks {guess}, DVRF_CLI_GENERATION is {name}"),
                Some(fix),
            );
        }
        None => trials.add(
            "supra cli",
            Health::Warning,
            format!("it runs; its help does not say of which generation it is, {name} is assumed"),
            None,
        ),
    }
}

/// Whether the receivers let us in; nothing is sent to them.
fn sinks(args: &DoctorArgs, session: &Session, trials: &mut Trials) {
    let channels = args.channels.resolve(session);
    for problem in &channels.problems {
        trials.add(
            &format!("channel {}", problem.channel),
            Health::Wrong,
            problem.problem.as_str(),
            Some(problem.fix.clone()),
        );
    }
    for channel in &channels.list {
        reach(&format!("channel {}", channel.name), &channel.endpoint, &channel.redacted_url(), trials);
    }
    if channels.list.is_empty() && channels.problems.is_empty() {
        trials.add("channels", Health::Warning, "none is configured", Some("see docs/notify.md".to_owned()));
    }
    if let Some(url) = session.settings.text(&variables::PUSH_URL) {
        match Endpoint::parse(Secret::new(url).reveal()) {
            Ok(endpoint) => reach("push url", &endpoint, &redact_url(url), trials),
            Err(error) => trials.wrong("push url", &Failure::new(FailureKind::Config, error.to_string())),
        }
    }
}

fn reach(name: &str, endpoint: &Endpoint, shown: &str, trials: &mut Trials) {
    let url = endpoint.url.reveal();
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let has_port = authority.rsplit_once(':').is_some_and(|(_, end)| end.parse::<u16>().is_ok());
    let address = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    let connected = address.to_socket_addrs().and_then(|mut found| {
        let first = found.next().ok_or_else(|| std::io::Error::other("the name has no address"))?;
        TcpStream::connect_timeout(&first, CONNECT)
    });
    match connected {
        Ok(_) => trials.ok(name, format!("{shown} lets us in; dvrf-notify test sends something")),
        Err(error) => {
            let found = format!("{shown} cannot be reached: {}", quote(&error.to_string()));
            trials.add(
                name,
                Health::Wrong,
                found,
                Some("check the address, the network and the proxy".to_owned()),
            );
        }
    }
}

fn state(settings: &Settings, trials: &mut Trials) {
    let Some(path) = settings.text(&variables::STATE_DIR) else {
        let fix = "set DVRF_STATE_DIR, so that dvrf-notify tells once and reminds";
        trials.add("state directory", Health::Warning, "none is set: every run tells", Some(fix.to_owned()));
        return;
    };
    let tried = StateDir::open(std::path::Path::new(path))
        .and_then(|state| state.lock("doctor", Duration::ZERO))
        .and_then(|held| held.replace("json", b"{}"));
    match tried {
        Ok(()) => trials.ok("state directory", format!("{path} can be written")),
        Err(error) => trials.wrong("state directory", &error.into()),
    }
}

fn print(args: &DoctorArgs, trials: &Trials, session: &mut Session) -> Result<(), CliError> {
    if args.format == Format::Json {
        let mut record = Record::new();
        record.set("doctor", &trials.0)?;
        return session.out.record(&record, false);
    }
    for trial in &trials.0 {
        let word = match trial.health {
            Health::Ok => "ok     ",
            Health::Warning => "warning",
            Health::Wrong => "WRONG  ",
        };
        session.out.text(&format!("{word}  {}: {}\n", trial.name, plain(&trial.found)))?;
        if let Some(fix) = &trial.fix {
            session.out.text(&format!("         → {}\n", plain(fix)))?;
        }
    }
    Ok(())
}
