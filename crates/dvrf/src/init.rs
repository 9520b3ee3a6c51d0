//! `dvrf init`: asks what to watch and whom to tell, tries both, and writes `dvrf.toml`.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, BufRead, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use dvrf_cli::args::LiveArgs;
use dvrf_cli::card::{CardPrinter, Layout};
use dvrf_cli::channel::ChannelKind;
use dvrf_cli::channel::args::fetch;
use dvrf_cli::channel::parse;
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::connect::TargetReader;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::record::Record;

use crate::schedule::ScheduleArgs;

/// Writes dvrf.toml: asks for network, address, name and whom to tell, and tries each answer
#[derive(Parser)]
#[command(name = "dvrf-init")]
struct Args {
    /// Where to write the file; unset: dvrf/dvrf.toml under `XDG_CONFIG_HOME` or ~/.config, for root /etc/dvrf/dvrf.toml
    #[arg(long, value_name = "FILE", help_heading = "Answers")]
    to: Option<PathBuf>,
    /// Name of the subscription
    #[arg(long, value_name = "NAME", help_heading = "Answers")]
    name: Option<String>,
    /// Whom to tell, written as for dvrf notify --channel, such as slack,url-file=/etc/dvrf/slack; or none
    #[arg(long, value_name = "CHANNEL", help_heading = "Answers")]
    tell: Option<String>,
    /// Write the file even if the subscription cannot be read, and send no test message
    #[arg(long, help_heading = "Answers")]
    untested: bool,
    #[command(flatten)]
    schedule: ScheduleArgs,
    #[command(flatten)]
    live: LiveArgs,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    let is_root = rustix::process::geteuid().is_root();
    let path = match &args.to {
        Some(path) => path.clone(),
        None => default_path(&session.settings, is_root)?,
    };
    if path.exists() {
        if args.schedule.is_given() {
            session.out.text(&args.schedule.text(&path))?;
            return Ok(Exit::Done);
        }
        let error =
            Error::new(FailureKind::Config, format!("{} exists; nothing was changed", path.display()));
        return Err(error.with_hint("edit it, or name another file with --to").into());
    }
    let text = answers(args, is_root, session)?;
    let failed = |source| CliError::Write { to: path.display().to_string(), source };
    write(&path, &text).map_err(failed)?;
    let mut exit = Exit::Done;
    if text.contains("[[channel]]") && !args.untested {
        session.out.flush()?;
        let words = ["dvrf notify", "test", "--format", "text", "--config"].map(OsString::from);
        let code = dvrf_notify::run(&[words.as_slice(), &[path.clone().into_os_string()]].concat());
        if code != ExitCode::SUCCESS {
            session
                .log("info", &format!("correct the channel in {}, and try dvrf notify test", path.display()));
            exit = Exit::CannotAnswer;
        }
    }
    session.out.text(&format!("{} is written; only you can read it.\n", path.display()))?;
    if args.schedule.is_given() {
        session.out.text(&args.schedule.text(&path))?;
    } else {
        session.out.text(
            "Next: dvrf init --cron, --systemd or --k8s prints a schedule; dvrf status shows the picture.\n",
        )?;
    }
    Ok(exit)
}

fn default_path(settings: &Settings, is_root: bool) -> Result<PathBuf, Error> {
    let base = match (settings.text(&variables::XDG_CONFIG_HOME), settings.text(&variables::HOME)) {
        _ if is_root => return Ok(PathBuf::from("/etc/dvrf/dvrf.toml")),
        (Some(base), _) => PathBuf::from(base),
        (_, Some(home)) => Path::new(home).join(".config"),
        _ => {
            return Err(
                Error::new(FailureKind::Config, "there is no HOME").with_hint("name the file with --to")
            );
        }
    };
    Ok(base.join("dvrf/dvrf.toml"))
}

/// Writes a new file that only its owner can read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The answer that a flag gives, else the one that is typed.
fn ask(question: &str, flag: &str, given: Option<&str>, session: &Session) -> Result<String, CliError> {
    if let Some(answer) = given {
        return Ok(answer.trim().to_owned());
    }
    session.log_text(&format!("{question}: "));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    let count = read.map_err(|source| CliError::Open { path: "stdin".to_owned(), source })?;
    if count == 0 {
        let error = Error::new(FailureKind::Config, format!("no answer to {question:?}"));
        return Err(error.with_hint(format!("answer it with {flag}")).into());
    }
    Ok(line.trim().to_owned())
}

/// Asks everything, tries the subscription, and returns the text of the file.
fn answers(args: &Args, is_root: bool, session: &mut Session) -> Result<String, CliError> {
    let given = |variable, session: &Session| session.settings.text(variable).map(str::to_owned);
    let network = given(&variables::NETWORK, session);
    let network = ask("Network (testnet, mainnet or devnet)", "--network", network.as_deref(), session)?;
    session.settings.set_flag(&variables::NETWORK, Some(&network.to_lowercase()));
    dvrf_cli::args::network(&session.settings)?;
    let mut key = "lottery";
    let (lottery, client) =
        (given(&variables::LOTTERY_ADDR, session), given(&variables::CLIENT_ADDR, session));
    let mut address = match (&lottery, &client) {
        (None, Some(_)) => String::new(),
        _ => ask(
            "Address of the lottery (empty: there is none)",
            "--lottery-addr",
            lottery.as_deref(),
            session,
        )?,
    };
    if address.is_empty() {
        key = "client";
        address = ask("Address whose deposit pays", "--client-addr", client.as_deref(), session)?;
    }
    let variable = if key == "lottery" { &variables::LOTTERY_ADDR } else { &variables::CLIENT_ADDR };
    session.settings.set_flag(variable, Some(&address));
    session.settings.address(variable)?;
    if !args.untested {
        try_subscription(session)?;
    }
    let name = ask("Name of the subscription", "--name", args.name.as_deref(), session)?;
    let mut text = format!(
        "# Written by dvrf init; docs/settings.md lists the keys.\nnetwork = {}\n",
        quoted(&network.to_lowercase())
    );
    for (setting, variable) in [("rpc_url", &variables::RPC_URL), ("deposit_addr", &variables::DEPOSIT_ADDR)]
    {
        text.extend(given(variable, session).map(|value| format!("{setting} = {}\n", quoted(&value))));
    }
    text.extend(state_dir(&session.settings, is_root).map(|path| format!("state_dir = {}\n", quoted(&path))));
    text.push_str(&format!("\n[[subscription]]\nname = {}\n{key} = {}\n", quoted(&name), quoted(&address)));
    if key == "lottery"
        && let Some(client) = client
    {
        text.push_str(&format!("client = {}\n", quoted(&client)));
    }
    text.push_str(&channel(args.tell.as_deref(), session)?);
    Ok(text)
}

/// Where alerts are remembered: the directory of the settings, else the usual one.
fn state_dir(settings: &Settings, is_root: bool) -> Option<String> {
    let text = |variable| settings.text(variable).map(str::to_owned);
    text(&variables::STATE_DIR)
        .or_else(|| is_root.then(|| "/var/lib/dvrf".to_owned()))
        .or_else(|| Some(text(&variables::XDG_STATE_HOME)? + "/dvrf"))
        .or_else(|| Some(text(&variables::HOME)? + "/.local/state/dvrf"))
}

/// Reads the subscription and shows it. One that cannot be read is an error.
fn try_subscription(session: &mut Session) -> Result<(), CliError> {
    let mut record = Record::new();
    let filled = TargetReader::open(&session.settings)?.fill(&mut record, session.now)??;
    if let Some(failure) = filled.failure {
        let hint =
            failure.hint.clone().unwrap_or_else(|| "--untested writes the file all the same".to_owned());
        return Err(Error::from(failure).with_hint(hint).into());
    }
    let checker = RecordChecker::new(&PolicyArgs::default(), session)?;
    let judged = checker.check_report(filled.report, session);
    let mut printer = CardPrinter::new(Layout::of(session, checker.checker.policy.lang, false));
    printer.add(&judged.report, &judged.checks, &judged.history, "");
    session.out.text(&printer.finish())?;
    session.out.flush()
}

/// Asks whom to tell, and returns the table of the channel.
fn channel(given: Option<&str>, session: &Session) -> Result<String, CliError> {
    let kinds: Vec<&str> = ChannelKind::ALL.iter().map(|(name, _)| *name).collect();
    let question = format!("Whom to tell ({} or none)", kinds.join(", "));
    let mut spec = ask(&question, "--tell", given, session)?;
    if spec.is_empty() || spec == "none" {
        return Ok(String::new());
    }
    if given.is_none()
        && let Some(kind) = ChannelKind::parse(&spec)
    {
        for option in kind.required_options() {
            let or_file =
                if kind.is_secret(option) { format!(" (or {option}-file=PATH)") } else { String::new() };
            let value = ask(&format!("Its {option}{or_file}"), "--tell", None, session)?;
            let is_pair = value.starts_with(&format!("{option}-"));
            spec.push_str(&if is_pair { format!(",{value}") } else { format!(",{option}={value}") });
        }
    }
    let read_secret = |source: &parse::SecretSource| fetch(source, &session.settings);
    parse::parse(&spec, &read_secret).map_err(|problem| Error::from(&problem))?;
    let mut parts = spec.split(',').map(str::trim);
    let mut text = format!("\n[[channel]]\nkind = {}\n", quoted(parts.next().unwrap_or_default()));
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        text.push_str(&format!("{} = {}\n", key.replace('-', "_"), quoted(value)));
    }
    Ok(text)
}

/// A TOML string. Control characters cannot be in an answer of one line, apart from tabs.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t"))
}

/// Runs the command on the words of a command line, of which the first is the program's name.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
