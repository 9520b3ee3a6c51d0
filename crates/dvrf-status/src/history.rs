//! Prints the history of a subscription, and adds records of earlier runs to histories.

use std::collections::BTreeMap;
use std::time::Duration;

use dvrf_cli::args::StateArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::{InputArgs, Source};
use dvrf_cli::stream::{ReportItem, StreamItem, next};
use dvrf_cli::{CliError, Session, chain};
use jiff::Timestamp;
use serde::Serialize;
use supra_core::check::{Checker, Checks, Policy};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::history::{LockedHistory, Point, find, names, subscription};
use supra_core::record::RecordError;
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

/// Adds every record of the input to the history of its subscription. Says what was left out; the exit is 2 if something
/// could not be read.
pub(crate) fn import(input: &InputArgs, session: &mut Session) -> Result<Exit, CliError> {
    let directory = directory(session)?;
    let Source::Records(mut records) = input.open(session)? else {
        return Err(Error::new(FailureKind::Input, "there are no records to import")
            .with_hint("pipe a log of dvrf-json into dvrf-status --import-history, or name it with --input")
            .into());
    };
    let mut found: BTreeMap<String, (SubscriptionId, Vec<Point>)> = BTreeMap::new();
    let (mut unreadable, mut others) = (LeftOut::default(), 0_usize);
    while let Some(item) = next(&mut records, session.now) {
        let StreamItem::Report(mut item, is_last) = item else {
            others += 1;
            continue;
        };
        if let Some(failure) = item.failure() {
            unreadable.add(&failure.message, session);
        } else {
            match point(&mut item, session.now) {
                Ok(Some((id, point))) => {
                    found.entry(subscription(&id)).or_insert_with(|| (id, Vec::new())).1.push(point);
                }
                Ok(None) => others += 1,
                Err(error) => unreadable.add(&chain(&error), session),
            }
        }
        if is_last {
            break;
        }
    }
    for (id, points) in found.into_values() {
        let file = LockedHistory::open(&directory, &id, LOCK_WAIT).map_err(Error::from)?;
        let added = file.import(points, session.now.as_second()).map_err(Error::from)?;
        session.out.text(&format!("{}: points added: {added}\n", dvrf_cli::text::plain(id.label())))?;
    }
    if others > 0 {
        session.log("info", &format!("records without values of a subscription, left out: {others}"));
    }
    unreadable.finish(session);
    Ok(if unreadable.count > 0 { Exit::CannotAnswer } else { Exit::Done })
}

/// The point of a report; `None` for a target, a line of a draw, or a record with only an error.
fn point(item: &mut ReportItem, now: Timestamp) -> Result<Option<(SubscriptionId, Point)>, RecordError> {
    let verdict = item.record.get::<Checks>("checks").ok().flatten();
    let report = item.report()?;
    let (Some(read_at), true) = (report.read_at, report.state.is_some()) else { return Ok(None) };
    // An old report is judged as of its own time: its age says nothing about its values.
    let policy = Policy { max_age_s: None, ..Policy::default() };
    let checks = Checker { policy, calculation: None }.check(&report, None, read_at);
    let verdict = verdict.map(|checks| checks.status);
    let point = Point { verdict, ..Point::of(&report, &checks, now) };
    Ok(Some((report.id, point)))
}

/// Records that cannot be read: the first ones are logged, the others counted.
#[derive(Default)]
struct LeftOut {
    count: usize,
}

impl LeftOut {
    const LOGGED_MAX: usize = 5;

    fn add(&mut self, why: &str, session: &Session) {
        self.count += 1;
        if self.count <= Self::LOGGED_MAX {
            session.log("error", why);
        }
    }

    fn finish(&self, session: &Session) {
        if self.count > 0 {
            session.log("error", &format!("records that cannot be read, left out: {}", self.count));
        }
    }
}
