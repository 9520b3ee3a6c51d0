//! `dvrf init`: asks what to watch and where alerts go, tries both, and writes `dvrf.toml`.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, BufRead, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
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
use dvrf_cli::settings::{Settings, file, variables};
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::network::Network;
use supra_core::record::Record;

use crate::schedule::ScheduleArgs;

/// Writes dvrf.toml: asks for the network, the address, a name and where alerts go, and tries each answer
#[derive(Parser)]
#[command(name = "dvrf-init")]
struct Args {
    /// File to write [variable `DVRF_CONFIG`, default dvrf/dvrf.toml under `XDG_CONFIG_HOME` or ~/.config; for root
    /// /etc/dvrf/dvrf.toml]
    #[arg(long, alias = "config", value_name = "FILE", help_heading = "Answers")]
    to: Option<PathBuf>,
    /// Name of the subscription
    #[arg(long, value_name = "NAME", help_heading = "Answers")]
    name: Option<String>,
    /// Where alerts go: a channel as for dvrf notify --channel, such as slack,url-file=/etc/dvrf/slack; or none
    #[arg(long, value_name = "CHANNEL", help_heading = "Answers")]
    tell: Option<String>,
    /// Skip the checks: write the file even if the subscription cannot be read, and send no test message
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
    // A schedule starts in another directory.
    let path = std::path::absolute(&path).unwrap_or(path);
    if path.exists() {
        if args.schedule.is_given() {
            session.out.text(&args.schedule.text(&path))?;
            return Ok(Exit::Done);
        }
        let error =
            Error::new(FailureKind::Config, format!("{} already exists and was not changed", path.display()));
        return Err(error.with_hint("edit it, or name another file with --to").into());
    }
    let text = answers(args, is_root, session)?;
    // What the other tools would refuse is not written.
    file::parse(&path.display().to_string(), &text, MODE)?;
    let failed = |source| CliError::Write { to: path.display().to_string(), source };
    write(&path, &text).map_err(failed)?;
    let mut exit = Exit::Done;
    if text.contains("[[channel]]") && !args.untested {
        session.out.flush()?;
        let words = ["dvrf notify", "test", "--format", "text", "--config"].map(OsString::from);
        let code = dvrf_notify::run(&[words.as_slice(), &[path.clone().into_os_string()]].concat());
        if code != ExitCode::SUCCESS {
            session.log(
                "info",
                &format!("correct the channel in {}, then run dvrf notify test", path.display()),
            );
            exit = Exit::CannotAnswer;
        }
    }
    let readers = if mode_in(&path) == MODE { "you" } else { "you and its group" };
    session.out.text(&format!("Wrote {} (readable only by {readers}).\n", path.display()))?;
    if args.schedule.is_given() {
        session.out.text(&args.schedule.text(&path))?;
    } else {
        session.out.text(
            "Next: dvrf status shows the subscription; dvrf init --cron, --systemd or --k8s prints a schedule.\n",
        )?;
    }
    Ok(exit)
}

fn default_path(settings: &Settings, is_root: bool) -> Result<PathBuf, Error> {
    let named = settings.text(&variables::CONFIG).map(PathBuf::from);
    let of_user = || settings.user_directory(&variables::XDG_CONFIG_HOME, ".config");
    let directory = || if is_root { Some(PathBuf::from("/etc/dvrf")) } else { of_user() };
    named.or_else(|| Some(directory()?.join("dvrf.toml"))).ok_or_else(|| {
        Error::new(FailureKind::Config, "HOME is not set, so there is no usual place for dvrf.toml")
            .with_hint("name the file with --to")
    })
}

/// The mode of the file, which may hold secrets.
const MODE: u32 = 0o600;

/// Writes a new file that only its owner can read; in a directory that hands its group on, as the package makes
/// /etc/dvrf, also that group.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(mode_in(path)))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The mode that the file gets: where the files of its directory get the directory's group, and other users cannot enter
/// it, the group reads it.
fn mode_in(path: &Path) -> u32 {
    const SETGID: u32 = 0o2000;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = directory.metadata().map_or(0, |found| found.permissions().mode());
    if mode & (SETGID | 0o007) == SETGID { 0o640 } else { MODE }
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
    let network = given(&variables::NETWORK, session).or_else(|| {
        let id = session.settings.text(&variables::CHAIN_ID)?.parse().ok()?;
        Network::of_chain(id).map(|network| network.name().to_owned())
    });
    let network = ask("Network (testnet, mainnet or devnet)", "--network", network.as_deref(), session)?;
    session.settings.set_flag(&variables::NETWORK, Some(&network.to_lowercase()));
    dvrf_cli::args::network(&session.settings)?;
    let mut key = "lottery";
    let (lottery, client) =
        (given(&variables::LOTTERY_ADDR, session), given(&variables::CLIENT_ADDR, session));
    let mut address = match (&lottery, &client) {
        (None, Some(_)) => String::new(),
        _ => ask(
            "Lottery address (empty if there is no lottery)",
            "--lottery-addr",
            lottery.as_deref(),
            session,
        )?,
    };
    if address.is_empty() {
        key = "client";
        address = ask("Client address, whose deposit pays", "--client-addr", client.as_deref(), session)?;
    }
    let variable = if key == "lottery" { &variables::LOTTERY_ADDR } else { &variables::CLIENT_ADDR };
    session.settings.set_flag(variable, Some(&address));
    session.settings.address(variable)?;
    if !args.untested {
        try_subscription(args.name.as_deref(), session)?;
    }
    let name = ask("Name of the subscription", "--name", args.name.as_deref(), session)?;
    file::check_name("--name", &name)?;
    let mut text = format!(
        "# Written by dvrf init. All keys: docs/reference/settings.md\nnetwork = {}\n",
        quoted(&network.to_lowercase())
    );
    for (setting, variable) in [("rpc_url", &variables::RPC_URL), ("deposit_addr", &variables::DEPOSIT_ADDR)]
    {
        text.extend(given(variable, session).map(|value| format!("{setting} = {}\n", quoted(&value))));
    }
    let state_dir = state_dir(&session.settings, is_root);
    text.extend(state_dir.map(|path| format!("state_dir = {}\n", quoted(&path.display().to_string()))));
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
fn state_dir(settings: &Settings, is_root: bool) -> Option<PathBuf> {
    let given = settings.text(&variables::STATE_DIR).map(PathBuf::from);
    let usual = || settings.user_directory(&variables::XDG_STATE_HOME, ".local/state");
    given.or_else(|| if is_root { Some(PathBuf::from("/var/lib/dvrf")) } else { usual() })
}

/// Reads the subscription and shows it. One that cannot be read is an error.
fn try_subscription(name: Option<&str>, session: &mut Session) -> Result<(), CliError> {
    let mut record = Record::new();
    if let Some(name) = name {
        record.set("name", name)?;
    }
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

/// Asks where alerts go, and returns the table of the channel.
fn channel(given: Option<&str>, session: &Session) -> Result<String, CliError> {
    let question = format!("Where alerts go ({} or none)", ChannelKind::names().join(", "));
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
            let value = ask(&format!("{} {option}{or_file}", kind.name()), "--tell", None, session)?;
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
    dvrf_cli::run_without_file(words, act)
}
