//! `dvrf-draw ready`: records in, records with `readiness` out.

use clap::{Args, ValueEnum};

use crate::args::ReadinessArgs;
use crate::card::card;
use crate::legacy::keep_spelling;
use crate::text::text;
use dvrf_cli::args::LiveArgs;
use dvrf_cli::card::Layout;
use dvrf_cli::checker::{Checked, RecordChecker};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::layout;
use dvrf_cli::legacy::{refuse_incomplete, unknown_client};
use dvrf_cli::pipeline::each;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::setting_flags;
use dvrf_cli::target::resolve;
use dvrf_cli::{CliError, Session};
use supra_core::check::Policy;
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::lang::Lang;
use supra_core::layout::LayoutDraw;
use supra_core::readiness::{Readiness, readiness};
use supra_core::record::Record;
use supra_core::target::Target;

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
    /// Output format; unset: text on a terminal, json otherwise
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Print the old script's summary alone
    #[arg(long, conflicts_with = "format")]
    json_summary: bool,
    /// Put the report into the summary of --json-summary
    #[arg(long)]
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

/// Decides whether a draw may be requested.
pub(super) fn decide(
    checked: &Checked,
    target: Option<&Target>,
    layout: Option<&LayoutDraw>,
    args: &ReadinessArgs,
    policy: &Policy,
    session: &Session,
) -> Result<Readiness, CliError> {
    let mut draw_policy = args.demand(target, layout, policy.lang, &session.settings)?;
    draw_policy.expected_aggregators = policy.aggregators.iter().map(ToString::to_string).collect();
    Ok(readiness(checked.report.state.as_ref(), &checked.report.views, &checked.checks, &draw_policy))
}

/// Runs `ready`.
pub(crate) fn ready(args: &ReadyArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.signer.fill(&mut session.settings);
    layout::refuse_without_draw(&session.settings)?;
    if let Some(exit) = refuse_incomplete(session) {
        return Ok(exit);
    }
    if args.output.include_report && !args.output.json_summary {
        return Err(Error::new(FailureKind::Config, "--include-report needs --json-summary").into());
    }
    let checker = RecordChecker::new(&args.policy, session)?;
    let policy = &checker.checker.policy;
    each(&args.input, session, |item, session| {
        // Not the verdict of an earlier stage: its policy may have been another.
        let verdict = checker.check(item, session);
        let target = resolve(&session.settings, Some(&item.record)).ok().map(|(target, _)| target);
        // A record may name a layout; only one that the operator gave a [draw] makes it ready.
        let layout =
            target.as_ref().and_then(|target| layout::draw(target, &session.settings).ok().flatten());
        let mut found = decide(&verdict, target.as_ref(), layout.as_ref(), &args.readiness, policy, session)?;
        if session.old_script.is_some() {
            keep_spelling(&mut found, &item.record);
        }
        args.output.print(&mut item.record, &verdict, &mut found, policy.lang, session)?;
        Ok(unknown_client(&verdict.report, session).unwrap_or_else(|| exit_of(&found)))
    })
}

impl OutputArgs {
    fn print(
        &self,
        record: &mut Record,
        checked: &Checked,
        found: &mut Readiness,
        lang: Lang,
        session: &mut Session,
    ) -> Result<(), CliError> {
        if self.json_summary {
            found.report = if self.include_report { Some(record.to_value()?) } else { None };
            session.out.record(&Record::from_fields(&found.to_legacy())?, self.old.pretty)?;
            if self.old.print_json && !self.include_report {
                session.out.record(record, true)?;
            }
            return Ok(());
        }
        let usual = if session.is_terminal() && !self.old.pretty { Format::Text } else { Format::Json };
        if self.format.unwrap_or(usual) == Format::Json {
            record.set("readiness", found)?;
            return session.out.record(record, self.old.pretty);
        }
        if session.old_script.is_some() {
            session.out.with(|out| text(found, checked.report.id.label(), lang, out))?;
        } else {
            let layout = Layout::of(session, lang, false);
            let profile = checked.report.id.profile.as_deref();
            session.out.text(&card(found, checked, profile, &layout))?;
        }
        if self.old.print_json {
            session.out.record(record, true)?;
        }
        Ok(())
    }
}
