//! Prints the verdicts of a run: as records, as text, as the old check's document, or as one plugin line.

use dvrf_cli::card::{CardPrinter, Layout};
use dvrf_cli::checker::Checked;
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};
use supra_core::check::Policy;
use supra_core::record::Record;

use crate::nagios::{self, Host, PluginState};
use crate::{Format, OutputArgs, legacy};

/// Prints each verdict at once, except with `--nagios`, where one line covers the whole run.
pub(crate) struct VerdictPrinter {
    args: OutputArgs,
    policy: Policy,
    hosts: Vec<Host>,
    format: Format,
    cards: CardPrinter,
}

impl VerdictPrinter {
    pub(crate) fn new(args: OutputArgs, policy: Policy, session: &Session) -> Self {
        let usual = if session.is_terminal() && !args.pretty { Format::Text } else { Format::Json };
        let cards = CardPrinter::new(Layout::of(session, policy.lang, args.verbose));
        Self { args, policy, hosts: Vec::new(), format: args.format.unwrap_or(usual), cards }
    }

    /// Whether the verdicts are printed as text.
    pub(crate) fn is_text(&self) -> bool {
        self.format == Format::Text && !self.args.nagios
    }

    /// Prints a verdict, or keeps it for the plugin line.
    pub(crate) fn print(
        &mut self,
        record: &Record,
        checked: &Checked,
        session: &mut Session,
    ) -> Result<(), CliError> {
        let Checked { report, checks, history, .. } = checked;
        let name = report.id.label();
        if self.args.nagios {
            let state = PluginState::of(checks, self.args.timeout_state.into());
            self.hosts.push(Host::new(name, checks, state, &self.policy));
            return Ok(());
        }
        match self.format {
            Format::Json => session.out.record(record, self.args.pretty),
            Format::Text => {
                self.cards.add(report, checks, history, "");
                Ok(())
            }
            Format::Legacy => {
                let document = legacy::document(record, report, checks);
                session.out.with(|out| legacy::write(&document, out))
            }
        }
    }

    /// Ends the run: prints the plugin line and returns its code, or returns the exit of the verdicts.
    pub(crate) fn finish(self, exit: Exit, session: &mut Session) -> Result<Exit, CliError> {
        if !self.args.nagios {
            session.out.text(&self.cards.finish())?;
            return Ok(exit);
        }
        session.out.with(|out| nagios::write(&self.hosts, out))?;
        // A full disk has to be found here, where it still becomes unknown: exit 2 is critical to a monitoring host.
        session.out.flush()?;
        Ok(Exit::Passed(nagios::worst(&self.hosts).code()))
    }
}
