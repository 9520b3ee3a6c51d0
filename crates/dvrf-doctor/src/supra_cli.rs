//! Probes the Supra CLI: whether it runs, and which generation its help text is from.

use dvrf_cli::connect::cli_config;
use dvrf_cli::settings::Settings;
use supra_core::transport::Deadline;
use supra_core::transport::cli::{CliConfig, Generation, run};

use crate::probe::Probes;

const NAME: &str = "supra cli";

/// The CLI is probed for every transport, because draws are submitted through it.
pub(crate) fn probe(settings: &Settings, probes: &mut Probes) {
    let config = match cli_config(settings) {
        Ok(config) => config,
        Err(failure) => return probes.failed(NAME, &failure),
    };
    let words = ["move", "tool", "run", "--help"].map(str::to_owned);
    let deadline = Deadline::after(config.call_timeout);
    match run(&config.command(&words), &config.environment(), config.env_remove, deadline) {
        Ok(finished) => generation(&config, &String::from_utf8_lossy(&finished.stdout), probes),
        Err(failure) => {
            let fix = "only draws and DVRF_TRANSPORT=cli need it: set SUPRA_CLI_BIN to its path";
            probes.warning(NAME, failure.message(), Some(fix));
        }
    }
}

fn generation(config: &CliConfig, help: &str, probes: &mut Probes) {
    let configured = Generation::WORDS
        .iter()
        .find(|(_, generation)| *generation == config.generation)
        .map_or("", |(name, _)| name);
    match generation_of_help(help) {
        Some(found) if found.contains(configured) => {
            probes.ok(NAME, format!("it runs; its help is that of {found}"));
        }
        Some(found) => probes.wrong(
            NAME,
            format!("its help is that of {found}, DVRF_CLI_GENERATION is {configured}"),
            format!("set DVRF_CLI_GENERATION to {found}"),
        ),
        None => {
            let found = format!("it runs; its help does not show its generation, {configured} is assumed");
            probes.warning(NAME, found, None);
        }
    }
}

/// Recognises the generation by the flags in the help text of `move tool run`.
fn generation_of_help(help: &str) -> Option<&'static str> {
    let has = |flag: &str| help.contains(flag);
    match (has("--assume-yes"), has("--rpc-url"), has("--simulate")) {
        (_, true, true) => Some("v11"),
        (true, true, false) => Some("v9 or v10"),
        (true, false, false) => Some("v6"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::v6("--profile --assume-yes", Some("v6"))]
    #[case::v9("--assume-yes --rpc-url", Some("v9 or v10"))]
    #[case::v11("--rpc-url --simulate", Some("v11"))]
    #[case::v11_with_assume_yes("--assume-yes --rpc-url --simulate", Some("v11"))]
    #[case::not_the_cli("usage: supra", None)]
    fn generations(#[case] help: &str, #[case] expected: Option<&str>) {
        assert_eq!(generation_of_help(help), expected);
    }
}
