//! `dvrf-draw smoke`: one whole round, step by step, each asserted on the chain.

pub(super) mod steps;

use std::io::{IsTerminal, Write};
use std::time::Instant;

use clap::Args;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args::DrawArgs;
use crate::args::milliseconds;
use crate::runner::DrawRunner;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::{CliError, Session};
use steps::act;
use supra_core::address::Address;
use supra_core::amount::Count;
use supra_core::draw::{ConfirmedBy, DrawError, DrawErrorCode};
use supra_core::record::Record;

/// The flags of `smoke`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SmokeArgs {
    #[command(flatten)]
    draw: DrawArgs,
    /// Print the steps and do none of them
    #[arg(long, help_heading = "Smoke test")]
    plan: bool,
    /// Tickets to buy
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Smoke test")]
    tickets: u32,
    /// CLI profile of the player who buys; the lottery's own by default
    #[arg(long, value_name = "NAME", requires = "player", help_heading = "Smoke test")]
    player_profile: Option<String>,
    /// The player's address
    #[arg(long, value_name = "ADDRESS", help_heading = "Smoke test")]
    player: Option<String>,
    /// Client seed of the request; by default the next one that the contract takes
    #[arg(long, value_name = "SEED", help_heading = "Smoke test")]
    client_seed: Option<u64>,
    /// Wait this long for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400), help_heading = "Smoke test")]
    handled_timeout: u32,
}

/// The steps, in order.
const STEPS: [(&str, &str); 10] = [
    ("store_registered", "the player has a store for the lottery's token"),
    ("ticket_price", "the price of a ticket can be read"),
    ("mint", "the player has the tokens for all tickets"),
    ("funds", "the player's balance covers all tickets"),
    ("buy_tickets", "every ticket raises the lottery's count by one"),
    ("status", "a draw is scheduled and nothing is pending"),
    ("configure_request", "the randomness request is configured"),
    ("manual_draw", "manual_draw is sent and its receipt says success"),
    ("draw_requested", "DrawRequestedEvent: the lottery counts the request"),
    ("draw_handled", "DrawHandledEvent: the lottery counts the answer"),
];

/// One line of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct StepLine {
    /// Its number, from 1.
    pub step: usize,
    /// Its name.
    pub name: String,
    /// `planned`, `ok` or `failed`.
    pub status: String,
    /// What it asserts.
    pub asserts: String,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DrawError>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Summary {
    smoke: &'static str,
    done: Vec<&'static str>,
    not_done: Vec<&'static str>,
}

/// What the steps tell each other.
struct Round {
    player: Address,
    price: u128,
    total: u128,
    sold_before: u128,
    requests: Count,
    nonce: Option<Count>,
    confirmed_by: Option<ConfirmedBy>,
    /// The tip before the draw, where events can be read: by REST.
    tip: Option<u64>,
}

/// Runs `smoke`.
pub(crate) fn smoke(args: &SmokeArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.draw.fill(&mut session.settings);
    if args.plan {
        for index in 0..STEPS.len() {
            print(&line(index, "planned", None, None, None), session)?;
        }
        return Ok(Exit::Done);
    }
    let mut runner = match open(args, session) {
        Ok(runner) => runner,
        Err(error) => {
            super::run::log(&error, session);
            return Ok(super::run::exit_before(&error));
        }
    };
    let player = match &args.player {
        Some(text) => dvrf_cli::parse::parsed("--player", text)?,
        None => runner.target.lottery.ok_or_else(|| Settings::missing(&variables::LOTTERY_ADDR))?,
    };
    let mut round = Round {
        player,
        price: 0,
        total: 0,
        sold_before: 0,
        requests: Count(0),
        nonce: None,
        confirmed_by: None,
        tip: None,
    };
    for (index, (name, _)) in STEPS.iter().enumerate() {
        progress(index, session);
        let start = Instant::now();
        let done = act(name, args, &mut runner, &mut round, session);
        let elapsed = Some(milliseconds(start.elapsed()));
        match done {
            Ok(found) => print(&line(index, "ok", Some(found), None, elapsed), session)?,
            Err(error) => {
                super::run::log(&error, session);
                let exit = if error.code == DrawErrorCode::Unknown { Exit::CannotAnswer } else { Exit::No };
                print(&line(index, "failed", None, Some(error), elapsed), session)?;
                summary("failed", index, session)?;
                return Ok(exit);
            }
        }
    }
    summary("passed", STEPS.len(), session)?;
    Ok(Exit::Done)
}

/// Opens the runner, and decides about an earlier draw first.
fn open(args: &SmokeArgs, session: &Session) -> Result<DrawRunner, DrawError> {
    let mut runner = DrawRunner::open(&args.draw, &PolicyArgs::default(), true, session)?;
    runner.refuse_with_layout("smoke", "it is a round of the lottery main_v2")?;
    let reading = runner.read(session)?;
    runner.settle_earlier(&reading, session)?;
    Ok(runner)
}

fn line(
    index: usize,
    status: &str,
    found: Option<String>,
    error: Option<DrawError>,
    elapsed_ms: Option<u64>,
) -> StepLine {
    let (name, asserts) = STEPS.get(index).copied().unwrap_or_default();
    let (name, asserts, status) = (name.to_owned(), asserts.to_owned(), status.to_owned());
    StepLine { step: index + 1, name, status, asserts, found, error, elapsed_ms }
}

fn print(line: &StepLine, session: &mut Session) -> Result<(), CliError> {
    session.out.record(&Record::from_fields(line)?, false)?;
    session.out.flush()
}

fn summary(word: &'static str, done: usize, session: &mut Session) -> Result<(), CliError> {
    let names: Vec<&'static str> = STEPS.iter().map(|(name, _)| *name).collect();
    let (done, not_done) = names.split_at(done);
    let summary = Summary { smoke: word, done: done.to_vec(), not_done: not_done.to_vec() };
    session.out.record(&Record::from_fields(&summary)?, false)
}

/// Prints a line for a person who watches; logs get the JSON lines.
fn progress(index: usize, session: &Session) {
    if std::io::stderr().is_terminal()
        && let Some((name, asserts)) = STEPS.get(index)
    {
        // A closed stderr changes nothing.
        let _ = writeln!(
            std::io::stderr(),
            "{}: [{}/{}] {name}: {asserts}",
            session.name,
            index + 1,
            STEPS.len()
        );
    }
}
