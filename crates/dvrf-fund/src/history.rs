//! `dvrf-fund history`: the top-ups of a client by the journal, and what they cost.

use std::time::Duration;

use clap::Args;
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::exit::Exit;
use dvrf_cli::submit::journal_place;
use dvrf_cli::text::{minute, plain};
use dvrf_cli::{CliError, Session};
use jiff::Timestamp;
use serde::Serialize;
use supra_core::amount::Quants;
use supra_core::client::ChainClient;
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::lang::Lang;
use supra_core::record::Record;
use supra_core::state_dir::StateDir;
use supra_core::submit::fund_journal::{FundJournal, LockedFundJournal, TopUpRow};
use supra_core::submit::journal::Moment;

use crate::args::Format;
use crate::nodes::FundNodes;

/// The flags of `history`.
#[derive(Debug, Clone, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Output format; unset: text on a terminal, json otherwise
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
}

/// What all top-ups of a client cost, in quants.
#[derive(Debug, Serialize)]
struct Sums {
    client_addr: String,
    top_ups: usize,
    spent: Quants,
    spent_day: Quants,
    spent_month: Quants,
    /// What a top-up costs that has no outcome yet; the sums include it.
    under_way: Option<Quants>,
}

/// How long another run is waited for.
const WAIT: Duration = Duration::from_secs(5);

pub(crate) fn history(args: &HistoryArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    let settings = &session.settings;
    let (target, _) = dvrf_cli::target::resolve(settings, None)?;
    let chain_id = match target.chain_id {
        Some(id) => id,
        None => FundNodes::open(settings, &target, ChainClient::fund_sight)?.chain_id()?,
    };
    let place = journal_place(settings)
        .ok_or_else(|| Error::new(FailureKind::Config, "there is no --state-dir and no HOME"))?;
    let state = StateDir::open(&place).map_err(Error::from)?;
    let now = Moment { wall_s: session.now.as_second(), chain_s: None };
    let whose = (target.deposit, target.client, chain_id);
    let journal = LockedFundJournal::read(&state, whose, WAIT)
        .map_err(|error| Error::new(FailureKind::Output, supra_core::error::chain(&error)))?;
    let journal = journal.unwrap_or_default();
    let sums = sums(&journal, target.client.to_string(), now);
    if args.format.map_or(session.is_terminal(), |format| format == Format::Text) {
        let lang = dvrf_cli::args::lang(settings)?;
        return session.out.text(&text(&journal, &sums, lang)).map(|()| Exit::Done);
    }
    for row in &journal.top_ups {
        session.out.record(&Record::from_fields(row)?, false)?;
    }
    session.out.record(&Record::from_fields(&sums)?, false)?;
    Ok(Exit::Done)
}

fn sums(journal: &FundJournal, client_addr: String, now: Moment) -> Sums {
    let (day, month) = journal.spent(now);
    let under_way = journal.intent.as_ref().map(|open| open.plan.amount);
    let amounts = journal.top_ups.iter().map(|row| row.amount).chain(under_way);
    let all = amounts.map(Quants::get).fold(0, u128::saturating_add);
    Sums {
        client_addr,
        top_ups: journal.top_ups.len(),
        spent: Quants(all),
        spent_day: Quants(day),
        spent_month: Quants(month),
        under_way,
    }
}

fn text(journal: &FundJournal, sums: &Sums, lang: Lang) -> String {
    let row = |row: &TopUpRow| {
        let at = Timestamp::from_second(row.at_s).map(minute).unwrap_or_default();
        let unknown = || lang.pick("transaction not known", "транзакция неизвестна");
        let hash = row.tx_hash.as_deref().map_or_else(unknown, plain);
        let doubt = lang.pick("   not known whether it arrived", "   неизвестно, дошло ли");
        let doubt = if row.confirmed { String::new() } else { doubt };
        format!("{at}   {:>14} SUPRA   {hash}{doubt}\n", row.amount.supra())
    };
    let rows: String = journal.top_ups.iter().map(row).collect();
    let (count, all) = (sums.top_ups, sums.spent.supra());
    let (day, month) = (sums.spent_day.supra(), sums.spent_month.supra());
    let word = if count == 1 { "top-up" } else { "top-ups" };
    let sums_text = lang.pick(
        format!("{count} {word}, {all} SUPRA; last 24 h {day} SUPRA, last 30 days {month} SUPRA"),
        format!("пополнений: {count}, {all} SUPRA; за 24 ч {day} SUPRA, за 30 дней {month} SUPRA"),
    );
    let under_way = sums.under_way.map(|amount| {
        let supra = amount.supra();
        lang.pick(format!("; {supra} SUPRA of it under way"), format!("; из них в пути {supra} SUPRA"))
    });
    format!("{rows}{sums_text}{}\n", under_way.unwrap_or_default())
}
