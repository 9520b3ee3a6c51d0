//! What the tools share under the names of the old scripts, which unchanged cron lines and CI rules still use.

use std::path::Path;

use supra_core::report::Report;

use crate::Session;
use crate::exit::Exit;
use crate::settings::variables::{self, Variable};
use crate::settings::{Settings, variables::path};

/// The service that the old scripts ran the Supra CLI in.
const SERVICE: &str = "supra_cli";
/// The files that `docker compose` looks for, in the working directory and in those above it.
const COMPOSE_FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The old script by whose name a tool was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldScript {
    /// `testnet_monitor_check.sh`, which read the deposit alone.
    Check,
    /// `testnet_status_report.sh`.
    Status,
    /// One of the Python programs, which all read the same report.
    Report,
}

impl OldScript {
    /// The exit that the script had when a setting was missing.
    fn exit_without_settings(self) -> Exit {
        match self {
            Self::Check | Self::Status => Exit::No,
            Self::Report => Exit::CannotAnswer,
        }
    }

    /// The settings that the script could not work without.
    fn needs(self) -> &'static [&'static Variable] {
        const ALL: [&Variable; 6] = [
            &variables::PROFILE,
            &variables::LOTTERY_ADDR,
            &variables::DEPOSIT_ADDR,
            &variables::MAX_GAS_PRICE,
            &variables::MAX_GAS_LIMIT,
            &variables::VERIFICATION_GAS,
        ];
        const TARGET: [&Variable; 3] =
            [&variables::PROFILE, &variables::LOTTERY_ADDR, &variables::DEPOSIT_ADDR];
        match self {
            Self::Status => &TARGET,
            Self::Check | Self::Report => &ALL,
        }
    }
}

/// Prepares a run under an old name: the Supra CLI is run in its container where it is nowhere else, and a run without the
/// settings that the old script needed ends with the exit that the script had. Without an old name nothing happens.
pub fn refuse_incomplete(session: &mut Session) -> Option<Exit> {
    let script = session.old_script?;
    if script == OldScript::Check && !session.settings.is_given(&variables::DETAIL) {
        session.settings.set_flag(&variables::DETAIL, Some("deposit"));
    }
    refuse_without(script.needs(), session)
}

/// The same for other settings.
pub fn refuse_without(needed: &[&Variable], session: &mut Session) -> Option<Exit> {
    let script = session.old_script?;
    if let Some(service) = compose_service(&session.settings) {
        session.settings.set_flag(&variables::CLI_COMPOSE, Some(service));
    }
    let settings = &session.settings;
    let is_missing = |variable: &&&Variable| match **variable {
        // The name of a public network says where its deposit module is.
        variable if *variable == variables::DEPOSIT_ADDR => {
            settings.text(variable).is_none() && settings.text(&variables::NETWORK).is_none()
        }
        variable => settings.text(variable).is_none(),
    };
    let missing: Vec<&str> = needed.iter().filter(is_missing).map(|variable| variable.name).collect();
    if missing.is_empty() {
        return None;
    }
    session.log("error", &format!("these settings are needed: {}", missing.join(", ")));
    Some(script.exit_without_settings())
}

/// One-line JSON with a blank after each comma and colon, as the old scripts wrote it: `grep '"status": "executed"'` works.
pub fn spaced(line: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let mut text = String::with_capacity(line.len() + line.len() / 16);
    for char in line.chars() {
        text.push(char);
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            ',' | ':' if !in_string => text.push(' '),
            _ => {}
        }
    }
    text
}

/// The compose service of the CLI, on a host where the CLI is installed nowhere else.
fn compose_service(settings: &Settings) -> Option<&'static str> {
    let elsewhere = [
        &variables::TRANSPORT,
        &variables::RPC_URL,
        &variables::NETWORK,
        &variables::REPLAY_DIR,
        &variables::CLI_COMPOSE,
    ];
    if elsewhere.into_iter().any(|variable| settings.text(variable).is_some()) {
        return None;
    }
    let program = settings.text(&variables::CLI_BIN)?.split_whitespace().next()?;
    let is_installed = if program.contains('/') {
        Path::new(program).exists()
    } else {
        path().is_some_and(|path| std::env::split_paths(&path).any(|place| place.join(program).exists()))
    };
    let here = std::env::current_dir().ok()?;
    let has_file = |place: &Path| COMPOSE_FILES.iter().any(|name| place.join(name).exists());
    (!is_installed && here.ancestors().any(has_file)).then_some(SERVICE)
}

/// Under an old name, the exit for a client that the deposit module does not know: the old scripts failed to read its
/// values. `None` in every other case.
pub fn unknown_client(report: &Report, session: &Session) -> Option<Exit> {
    session.old_script?;
    let deposit = &report.state.as_ref()?.deposit;
    if deposit.client_whitelisted != Some(false) {
        return None;
    }
    session.log("error", "the client is not whitelisted in the deposit module: its values cannot be read");
    Some(Exit::CannotAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_json_is_spaced_as_python_does() {
        let line = r#"{"a":"x,y: \"z\", \\","b":[1,{"c":null}]}"#;
        assert_eq!(spaced(line), r#"{"a": "x,y: \"z\", \\", "b": [1, {"c": null}]}"#);
        assert_eq!(spaced("{}\n"), "{}\n");
    }
}
