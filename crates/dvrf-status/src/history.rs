//! Prints the history of a subscription, and adds records of earlier runs to histories.

use std::collections::BTreeMap;
use std::time::Duration;

use dvrf_cli::args::StateArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::{CliError, Session};
use serde::Serialize;
use supra_core::check::{Checker, Checks, Policy};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::history::{LockedHistory, Point, find, names};
use supra_core::report::SubscriptionId;
use supra_core::state_dir::StateDir;

/// How long to wait for a run that adds to a history.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// A point and the subscription's name.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    #[serde(flatten)]
    point: &'a Point,
}

fn directory(session: &Session) -> Result<StateDir, Error> {
    StateArgs::open(&session.settings)?.ok_or_else(|| {
        Error::new(FailureKind::Config, "there is no history without a state directory")
            .with_hint("name it with --state-dir or DVRF_STATE_DIR")
    })
}

/// Prints the points of the subscriptions with this name or address, a line each.
pub(crate) fn print(name: &str, session: &mut Session) -> Result<Exit, CliError> {
    let directory = directory(session)?;
    let found = find(&directory, name).map_err(Error::from)?;
    if found.is_empty() {
        let known = names(&directory).map_err(Error::from)?;
        let message = format!("there is no history of {:?}", quote(name));
        let hint = match known.as_slice() {
            [] => "a live run with --state-dir begins one".to_owned(),
            _ => format!("known are: {}", quote(&known.join(", "))),
        };
        return Err(Error::new(FailureKind::Input, message).with_hint(&hint).into());
    }
    for (header, points) in &found {
        for point in points {
            let line = serde_json::to_string(&Line { name: &header.name, point }).unwrap_or_default();
            session.out.text(&format!("{line}\n"))?;
        }
    }
    Ok(Exit::Done)
}

/// Adds every record of the input to the history of its subscription.
pub(crate) fn import(input: &InputArgs, session: &mut Session) -> Result<Exit, CliError> {
    let directory = directory(session)?;
    let mut found: BTreeMap<String, (SubscriptionId, Vec<Point>)> = BTreeMap::new();
    // An old report is judged as of its own time: its age says nothing about its values.
    let policy = Policy { max_age_s: None, ..Policy::default() };
    let checker = Checker { policy, calculation: None };
    let exit = each(input, session, |item, session| {
        let verdict = item.record.get::<Checks>("checks").ok().flatten();
        let Ok(report) = item.report() else { return Ok(Exit::CannotAnswer) };
        // A line of a draw, or a record with only an error.
        let (Some(read_at), true) = (report.read_at, report.state.is_some()) else { return Ok(Exit::Done) };
        let checks = checker.check(&report, None, read_at);
        let point = Point {
            verdict: verdict.map(|checks| checks.status),
            ..Point::of(&report, &checks, session.now)
        };
        let key = format!("{:?}", (&report.id.deposit, &report.id.client, &report.id.lottery));
        found.entry(key).or_insert_with(|| (report.id, Vec::new())).1.push(point);
        Ok(Exit::Done)
    })?;
    for (id, points) in found.into_values() {
        let file = LockedHistory::open(&directory, &id, LOCK_WAIT).map_err(Error::from)?;
        let added = file.import(points, session.now.as_second()).map_err(Error::from)?;
        session.out.text(&format!("{}: points added: {added}\n", dvrf_cli::text::plain(id.label())))?;
    }
    Ok(exit)
}
