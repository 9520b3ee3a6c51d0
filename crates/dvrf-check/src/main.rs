//! `dvrf-check`: judges records: ok, alert or unknown, with coded findings.

mod args;

use std::process::ExitCode;

use args::{Args, Format, Unanswered};
use supra_core::check::{Checks, Policy};
use supra_core::cli::judge::{judge, name_of};
use supra_core::cli::records::each;
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;
use supra_core::record::Record;
use supra_core::render::nagios::{self, PluginState};
use supra_core::render::{Style, check, legacy};

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.speech.fill(&mut session.settings);
    let policy = args.policy.policy(&session.settings)?;
    let unanswered =
        if args.timeout_state == Unanswered::Critical { PluginState::Critical } else { PluginState::Unknown };
    let mut plugin = PluginState::Ok;
    let exit = each(&args.input, session, |record, session| {
        let (checks, exit) = judge(record, &policy, session)?;
        if args.nagios {
            let state = PluginState::of(&checks, unanswered);
            plugin = plugin.worse(state);
            session.out.with(|out| nagios::line(&checks, state, &policy, out))?;
        } else {
            print(args, record, &checks, &policy, session)?;
        }
        Ok(exit)
    })?;
    Ok(if args.nagios { Exit::Passed(plugin.code()) } else { exit })
}

fn print(
    args: &Args,
    record: &Record,
    checks: &Checks,
    policy: &Policy,
    session: &mut Session,
) -> Result<(), CliError> {
    let style = Style { colour: session.colour() };
    match args.format {
        Format::Json => session.out.record(record, args.pretty),
        Format::Text => {
            session.out.with(|out| check::text(checks, &name_of(record), policy.lang, style, out))
        }
        Format::Legacy => {
            let document = legacy::document(record, record.get("state")?.as_ref(), checks)?;
            session.out.with(|out| legacy::write(&document, out))
        }
    }
}

fn main() -> ExitCode {
    run(act)
}
