//! `dvrf layout`: lists, shows and checks layouts, and tells an author what one would read now.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dvrf_cli::args::LiveArgs;
use dvrf_cli::connect::TargetReader;
use dvrf_cli::exit::Exit;
use dvrf_cli::layout::layouts;
use dvrf_cli::settings::variables;
use dvrf_cli::target::resolve;
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session};
use serde_json::Value;
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::lang::Lang;
use supra_core::layout::{DEPOSIT_ONLY, Layout, LayoutDraw, MAIN, file_schema, lottery, text_of};
use supra_core::record::Record;
use supra_core::state::consumer::{Consumer, RequestOutcome};
use supra_core::view_report::Views;

/// Which contracts can be watched, and is this layout right? Lists, shows and checks layouts
#[derive(Parser)]
#[command(name = "dvrf-layout")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the layouts that targets may name
    List {
        #[command(flatten)]
        live: LiveArgs,
    },
    /// Print a built-in layout, to begin a new one with
    Show {
        /// The layout's name
        name: String,
    },
    /// Check a layout; with --live, read a contract by it and print what it finds
    Check {
        /// The layout's name or its file
        #[arg(value_name = "NAME|FILE")]
        which: String,
        #[command(flatten)]
        live: LiveArgs,
        /// Read the contract at --lottery-addr
        #[arg(long = "live", help_heading = "Input")]
        reads: bool,
    },
    /// Print the JSON schema of layout files, for editors
    Schema,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    match &args.command {
        Command::Schema => session.out.text(&(format!("{:#}", file_schema()) + "\n"))?,
        Command::Show { name } => match text_of(name) {
            Some(text) => session.out.text(text)?,
            None => return Err(not_shown(name).into()),
        },
        Command::List { live } => {
            live.fill(&mut session.settings);
            let known = layouts(&session.settings)?;
            let title = |name: &str| match name {
                DEPOSIT_ONLY => "no contract: only the deposit is read".to_owned(),
                MAIN => lottery().title.to_owned(),
                name => known.get(name).map(|layout| layout.title().to_owned()).unwrap_or_default(),
            };
            let lines = known.names().map(|name| format!("{name:14}{}\n", plain(&title(name))));
            session.out.text(&lines.collect::<String>())?;
        }
        Command::Check { which, live, reads } => {
            live.fill(&mut session.settings);
            session.settings.set_flag(&variables::LAYOUT, Some(which));
            return check(*reads, session);
        }
    }
    Ok(Exit::Done)
}

fn not_shown(name: &str) -> Error {
    let message = match name {
        DEPOSIT_ONLY => format!("{name} has no file: it is read by code"),
        _ => format!("there is no built-in layout {:?}", quote(name)),
    };
    Error::new(FailureKind::Config, message)
        .with_hint("main_v2, core, generic and multi can be shown; dvrf layout list has all")
}

fn check(reads: bool, session: &mut Session) -> Result<Exit, CliError> {
    let name = dvrf_cli::layout::chosen(&session.settings)?.unwrap_or_default();
    let known = layouts(&session.settings)?;
    let Some(layout) = known.get(&name) else {
        let message = format!("{name} cannot be checked as a layout: its values are fields of the record");
        return Err(Error::new(FailureKind::Config, message).with_hint("dvrf status shows them").into());
    };
    let mut text = summary(layout);
    let mut exit = Exit::Done;
    if reads {
        let reader = TargetReader::open(&session.settings)?;
        let mut record = Record::new();
        let filled = reader.fill(&mut record, session.now)??;
        let consumer = filled.report.state.as_ref().and_then(|state| state.consumer.as_ref());
        if let Some(consumer) = consumer {
            text.push_str(&found(consumer, &filled.report.views));
            let (target, _) = resolve(&session.settings, None)?;
            let draw = LayoutDraw::of(layout, &target);
            for condition in draw.iter().flat_map(|draw| draw.conditions(consumer)) {
                text.push_str(&format!("  {:12}{}\n", "draw", plain(&condition.sentence(Lang::En))));
            }
        }
        let is_whole = filled
            .report
            .views
            .iter()
            .all(|(key, view)| !key.starts_with("consumer.") || view.error.is_none());
        if !is_whole || consumer.is_none_or(|consumer| consumer.ready == Some(false)) {
            exit = Exit::CannotAnswer;
        }
    }
    session.out.text(&text)?;
    Ok(exit)
}

/// What the file says, in a line.
fn summary(layout: &Layout) -> String {
    let file = layout.file();
    let count = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let parts = [
        count(file.read.len(), "read"),
        count(file.value.len(), "value"),
        count(file.request.len(), "kind") + " of request",
        count(file.watch.len(), "condition"),
    ];
    let sends = [(file.draw.is_some(), ", a draw"), (file.fund.is_some(), ", a deposit of its own")];
    let sends: String = sends.into_iter().filter(|(has, _)| *has).map(|(_, text)| text).collect();
    format!("{}: {}{sends}\n", plain(layout.name()), parts.join(", "))
}

/// What was read: values, elements, requests, conditions, and what failed.
fn found(consumer: &Consumer, views: &Views) -> String {
    let mut text = String::new();
    let mut line = |label: &str, rest: &str| text.push_str(&format!("  {label:12}{}\n", plain(rest)));
    match consumer.ready {
        Some(true) => line("contract", "initialised"),
        Some(false) => line("contract", "NOT initialised: the resource of require.ready is missing"),
        None => {}
    }
    for (name, value) in &consumer.values {
        line("value", &format!("{name} = {}", shown(value)));
    }
    for (name, list) in &consumer.lists {
        let left_out =
            if list.left_out > 0 { format!(", {} left out", list.left_out) } else { String::new() };
        line("list", &format!("{name}: {} read{left_out}", list.elements.len()));
        for element in &list.elements {
            let values = element.values.iter().map(|(name, value)| format!("{name} = {}", shown(value)));
            line(&format!("{name} {}", element.id), &values.collect::<Vec<_>>().join(", "));
        }
    }
    for request in &consumer.requests {
        let outcome = match request.outcome {
            RequestOutcome::Pending => "pending",
            RequestOutcome::Answered => "answered",
            RequestOutcome::Withdrawn => "withdrawn",
            RequestOutcome::NotConfirmed => "not confirmed",
        };
        let age = request.age_seconds.map(|age| format!(" for {age} s")).unwrap_or_default();
        let ok =
            request.ok.map(|ok| if ok { ", a success" } else { ", without success" }).unwrap_or_default();
        line("request", &format!("{} {outcome}{age}{ok}", request.label()));
    }
    for watch in &consumer.watches {
        let holds = if watch.holds.is_some() { "holds" } else { "is not known" };
        line("condition", &format!("{} {holds}: {} = {}", watch.label(), watch.name, shown(&watch.value)));
    }
    for (key, view) in views.iter().filter(|(key, _)| key.starts_with("consumer.")) {
        if let Some(failure) = &view.error {
            line("NOT READ", &format!("{}: {}", key.trim_start_matches("consumer."), failure.message));
        }
    }
    text
}

/// A value as people read it: unknown, none, or the value.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Runs the command on the words of a command line, of which the first is the program's name.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
