//! How verdicts are printed: records, text, the old check's document, or one plugin line for all of them.

use clap::{Args, ValueEnum};

use dvrf_cli::checker::Checked;
use dvrf_cli::exit::Exit;
use dvrf_cli::nagios;
use dvrf_cli::nagios::{Host, PluginState};
use dvrf_cli::text::Style;
use dvrf_cli::{CliError, Session, chain};
use supra_core::check::Policy;
use supra_core::record::Record;

use crate::{legacy, text};

/// The output flags of judging.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct VerdictArgs {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Indent the JSON
    #[arg(long)]
    pretty: bool,
    /// One plugin line, exit 0 ok, 1 warning, 2 critical, 3 unknown
    #[arg(long)]
    nagios: bool,
    /// What an unanswered check counts as with --nagios
    #[arg(long, value_enum, default_value_t = Unanswered::Unknown)]
    timeout_state: Unanswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Records with `checks`
    Json,
    /// The verdict for people
    Text,
    /// The old check's document
    Legacy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Unanswered {
    Unknown,
    Critical,
}

/// Prints the verdicts of a run as its flags say.
pub(crate) struct Verdicts {
    args: VerdictArgs,
    policy: Policy,
    hosts: Vec<Host>,
}

impl VerdictArgs {
    /// Begins printing.
    pub(crate) fn begin(self, policy: Policy) -> Verdicts {
        Verdicts { args: self, policy, hosts: Vec::new() }
    }

    /// A run that ended in an error still owes a plugin line; everyone else reads stderr.
    pub(crate) fn or_plugin_line(
        &self,
        result: Result<Exit, CliError>,
        session: &mut Session,
    ) -> Result<Exit, CliError> {
        let error = match result {
            Err(error) if self.nagios => error,
            other => return other,
        };
        let state = self.unanswered();
        if matches!(error, CliError::Write { .. }) {
            // Nobody will see the line.
            session.say("error", &chain(&error));
        }
        session.out.with(|out| nagios::write(&[Host::failed(&chain(&error), state)], out))?;
        Ok(Exit::Passed(state.code()))
    }

    fn unanswered(&self) -> PluginState {
        match self.timeout_state {
            Unanswered::Unknown => PluginState::Unknown,
            Unanswered::Critical => PluginState::Critical,
        }
    }
}

impl Verdicts {
    /// Prints one, or keeps it for the plugin line.
    pub(crate) fn print(
        &mut self,
        record: &Record,
        checked: &Checked,
        session: &mut Session,
    ) -> Result<(), CliError> {
        let Checked { report, checks, .. } = checked;
        let name = report.id.label();
        if self.args.nagios {
            let state = PluginState::of(checks, self.args.unanswered());
            self.hosts.push(Host::new(name, checks, state, &self.policy));
            return Ok(());
        }
        match self.args.format {
            Format::Json => session.out.record(record, self.args.pretty),
            Format::Text => {
                let style = Style { colour: session.colour() };
                session.out.with(|out| text::text(checks, name, self.policy.lang, style, out))
            }
            Format::Legacy => {
                let document = legacy::document(record, report, checks);
                session.out.with(|out| legacy::write(&document, out))
            }
        }
    }

    /// Ends the run: the plugin line and its code, or the exit of the verdicts.
    pub(crate) fn finish(self, exit: Exit, session: &mut Session) -> Result<Exit, CliError> {
        if !self.args.nagios {
            return Ok(exit);
        }
        session.out.with(|out| nagios::write(&self.hosts, out))?;
        // A full disk must show while it still becomes an unknown: 2 is critical to a monitoring host.
        session.out.flush()?;
        Ok(Exit::Passed(nagios::worst(&self.hosts).code()))
    }
}
