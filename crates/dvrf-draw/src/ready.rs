//! `dvrf-draw ready`: records in, records with `readiness` out.

use clap::{Args, ValueEnum};

use crate::args::ReadinessArgs;
use crate::text::text;
use dvrf_cli::args::LiveArgs;
use dvrf_cli::checker::{Checker, name_of};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::setting_flags;
use dvrf_cli::{CliError, Session};
use supra_core::check::Checks;
use supra_core::readiness::{Readiness, readiness};
use supra_core::record::Record;
use supra_core::state::State;
use supra_core::view_report::Views;

setting_flags! {
    /// Who will sign.
    SignerArgs, "Readiness", {
        sender_account = SENDER_ACCOUNT "ADDRESS"
    }
}

/// The flags of `ready`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReadyArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    readiness: ReadinessArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Print the old script's summary alone
    #[arg(long, conflicts_with = "format")]
    json_summary: bool,
    /// Put the report into the summary
    #[arg(long, requires = "json_summary")]
    include_report: bool,
    #[command(flatten)]
    old: OldArgs,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
struct OldArgs {
    /// Print the report after the text
    #[arg(long)]
    print_json: bool,
    /// Indent the JSON
    #[arg(long)]
    pretty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Records with `readiness`
    Json,
    /// The answer for people
    Text,
}

/// The exit that an answer means.
pub(super) fn exit_of(found: &Readiness) -> Exit {
    match (found.ready, found.is_unknown()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::CannotAnswer,
        (false, false) => Exit::No,
    }
}

/// Judges a record.
pub(super) fn judge(
    record: &Record,
    checks: &Checks,
    args: &ReadinessArgs,
    checker: &Checker,
    session: &Session,
) -> Result<Readiness, CliError> {
    let target = dvrf_cli::target::resolve(&session.settings, Some(record)).ok().map(|(target, _)| target);
    let mut demand = args.demand(target.as_ref(), checker.policy.lang, &session.settings)?;
    demand.expected_aggregators = checker.policy.aggregators.iter().map(ToString::to_string).collect();
    let state: Option<State> = record.get("state").ok().flatten();
    let views: Views = record.get("views").ok().flatten().unwrap_or_default();
    Ok(readiness(state.as_ref(), &views, checks, &demand))
}

/// Runs `ready`.
pub(crate) fn ready(args: &ReadyArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.signer.fill(&mut session.settings);
    let by = Checker::new(&args.policy, session)?;
    let exit = each(&args.input, session, |record, session| {
        // Not the verdict of an earlier stage: its policy may have been another.
        let mut judged = record.clone();
        let (checks, _) = by.judge(&mut judged, session)?;
        let found = judge(record, &checks, &args.readiness, &by, session)?;
        args.output.print(record, &found, &by, session)?;
        Ok(exit_of(&found))
    })?;
    Ok(exit)
}

impl OutputArgs {
    fn print(
        &self,
        record: &mut Record,
        found: &Readiness,
        by: &Checker,
        session: &mut Session,
    ) -> Result<(), CliError> {
        if self.json_summary {
            let mut summary = Record::from_fields(found)?;
            if self.include_report {
                summary.set("report", &record.to_value()?)?;
            }
            return session.out.record(&summary, self.old.pretty);
        }
        if self.format == Format::Json {
            record.set("readiness", found)?;
            return session.out.record(record, self.old.pretty);
        }
        let name = name_of(record);
        session.out.with(|out| text(found, &name, by.policy.lang, out))?;
        if self.old.print_json {
            session.out.record(record, true)?;
        }
        Ok(())
    }
}
