//! `dvrf-notify mute`, `unmute`, `ack` and `mutes`: what nobody is to be told of for a while.

use clap::Args;
use dvrf_cli::args::{StateArgs, lang};
use dvrf_cli::exit::Exit;
use dvrf_cli::parse::near_or;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::silence::{Silences, change};
use dvrf_cli::{CliError, Session};
use supra_core::check::code::Code;
use supra_core::check::silence::{Silence, SilenceKind};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::record::Record;
use supra_core::state_dir::StateDir;

use crate::args::span_s;
use crate::problem::keys_without_subject;

/// The longest mute or acknowledgement.
const SPAN_S_MAX: i64 = 30 * 86_400;
/// How long an acknowledgement holds at most where `--for` does not say so.
const ACK_S: i64 = 7 * 86_400;

/// What is muted or acknowledged, and for how long.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Mute and acknowledge")]
pub(crate) struct MuteArgs {
    /// For mute, unmute and ack: the name of a subscription, a code such as `REQUEST_STUCK`, or both
    #[arg(value_name = "ABOUT")]
    pub(crate) about: Vec<String>,
    /// How long mute or ack holds, such as 30m, 2h or 1d, at most 30d [default for ack: until the problem ends, at most 7d]
    #[arg(long = "for", value_name = "SPAN", value_parser = span_with_unit_s)]
    span: Option<i64>,
    /// Why, for those who see it in dvrf status and dvrf notify mutes
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Parses a span that has a unit: `2` is hardly meant as two seconds.
fn span_with_unit_s(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("a unit is needed, such as {text}h"));
    }
    span_s(text).map_err(str::to_owned)
}

fn bad(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(FailureKind::Config, message).with_hint(hint)
}

/// The subscription and the problem that the words name.
fn about(words: &[String], settings: &Settings) -> Result<(Option<String>, Option<String>), Error> {
    let known: Vec<&str> =
        settings.file().subscriptions.iter().map(|subscription| subscription.name.as_str()).collect();
    let codes: Vec<String> =
        Code::ALL.iter().map(|(_, name, ..)| (*name).to_owned()).chain(keys_without_subject()).collect();
    let (mut subscription, mut problem) = (None, None);
    for word in words {
        let code = codes.iter().find(|code| code.eq_ignore_ascii_case(word));
        let is_name = known.contains(&word.as_str());
        let slot = match code {
            Some(_) if !is_name => &mut problem,
            _ => &mut subscription,
        };
        if slot.is_some() {
            return Err(bad(
                format!("{:?} is one name or code too many", quote(word)),
                "give a subscription, a code, or one of each",
            ));
        }
        let is_like_code = word.contains('_') && !word.contains(|c: char| c.is_ascii_lowercase());
        if code.is_none() && !is_name && (is_like_code || !known.is_empty()) {
            let all = known.iter().copied().chain(codes.iter().map(String::as_str));
            let hint = near_or(word, all, || match known.as_slice() {
                [] => "docs/fix.md lists the codes".to_owned(),
                known => format!("the subscriptions are {}; docs/fix.md lists the codes", known.join(", ")),
            });
            return Err(bad(format!("there is no subscription and no code {:?}", quote(word)), hint));
        }
        *slot = Some(if is_name { word } else { code.unwrap_or(word) }.clone());
    }
    if subscription.is_none() && problem.is_none() {
        return Err(bad(
            "mute, unmute and ack need the name of a subscription or a code",
            "such as: dvrf notify mute main --for 2h, or: dvrf notify ack REQUEST_STUCK",
        ));
    }
    Ok((subscription, problem))
}

fn state_dir(settings: &Settings) -> Result<StateDir, Error> {
    StateArgs::open(settings)?.ok_or_else(|| {
        Settings::missing(&variables::STATE_DIR)
            .with_hint("mutes are kept there: name the directory that dvrf notify uses")
    })
}

/// Mutes or acknowledges; the same silence again replaces the earlier one.
pub(crate) fn add(
    kind: SilenceKind,
    args: &MuteArgs,
    is_text: bool,
    session: &mut Session,
) -> Result<Exit, CliError> {
    let (subscription, problem) = about(&args.about, &session.settings)?;
    let now_s = session.now.as_second();
    let span = match (args.span, kind) {
        (Some(span), _) if !(1..=SPAN_S_MAX).contains(&span) => {
            let hint = "for longer, write a [[maintenance]] in dvrf.toml";
            return Err(bad("--for takes 1s to 30d", hint).into());
        }
        (Some(span), _) => span,
        (None, SilenceKind::Ack) => ACK_S,
        (None, _) => {
            return Err(bad("mute needs --for, so that it ends by itself", "such as --for 2h").into());
        }
    };
    let path = session.settings.file().path.as_deref();
    let is_in_file = |name: &String| session.settings.file().find(name).is_some();
    if let (Some(path), Some(name)) = (path, subscription.as_ref().filter(|name| !is_in_file(name))) {
        session.log("warning", &format!("no subscription of {path} is named {:?}", quote(name)));
    }
    let user = session.settings.text(&variables::USER).unwrap_or("unknown");
    let silence = Silence {
        kind,
        subscription,
        problem,
        since_s: now_s,
        until_s: now_s.saturating_add(span),
        by: format!("{user}@{}", dvrf_cli::host_name()),
        reason: args.reason.clone().unwrap_or_default(),
    };
    let new = silence.clone();
    change(&state_dir(&session.settings)?, now_s, |silences| {
        silences.retain(|other| !is_same(other, &new));
        silences.push(new);
    })?;
    print(&Silences(vec![silence]), is_text, session)
}

fn is_same(a: &Silence, b: &Silence) -> bool {
    (a.kind, &a.subscription, &a.problem) == (b.kind, &b.subscription, &b.problem)
}

/// Ends the mutes and acknowledgements of exactly these names.
pub(crate) fn remove(args: &MuteArgs, is_text: bool, session: &mut Session) -> Result<Exit, CliError> {
    let (subscription, problem) = about(&args.about, &session.settings)?;
    let is_it = |silence: &mut Silence| silence.subscription == subscription && silence.problem == problem;
    let ended: Vec<Silence> = change(&state_dir(&session.settings)?, session.now.as_second(), |silences| {
        silences.extract_if(.., is_it).collect()
    })?;
    if ended.is_empty() {
        let message = format!("{:?} is not muted or acknowledged", quote(&args.about.join(" ")));
        return Err(bad(message, "dvrf notify mutes lists what is").into());
    }
    print(&Silences(ended), is_text, session)
}

/// Lists what is silenced now, maintenance windows included.
pub(crate) fn list(is_text: bool, session: &mut Session) -> Result<Exit, CliError> {
    let state_dir = StateArgs::open(&session.settings)?;
    let silences = Silences::load(state_dir.as_ref(), session);
    print(&silences, is_text, session)
}

fn print(silences: &Silences, is_text: bool, session: &mut Session) -> Result<Exit, CliError> {
    if is_text {
        let text = silences.text(lang(&session.settings)?);
        session.out.text(if text.is_empty() { "nothing is muted\n" } else { &text })?;
    } else {
        let mut record = Record::new();
        record.set("silences", &silences.0)?;
        session.out.record(&record, false)?;
    }
    Ok(Exit::Done)
}
