//! The example files of settings: bash, dash, systemd and docker read every line of them, set or not, alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use testkit::{needs, program, root};

/// What people put into these files, and what a shell or systemd would take apart.
const AWKWARD: &str = r#"https://hooks.example/x?a=1&b=2;ping,name="alive" # \ | * ~ ночь"#;

/// The old names, which the template of the old tree has to offer.
const OLD_NAMES: &str = "PROFILE LOTTERY_ADDR DEPOSIT_ADDR CLIENT_ADDR ADMIN_ADDR AGGREGATOR_ADDR CONSUMER_ADDRS PLAYER_PROFILES \
    TICKETS_REQUIRED TICKET_FUND RNG_COUNT CLIENT_SEED CALLBACK_GAS_PRICE CALLBACK_GAS_LIMIT MAX_GAS_PRICE MAX_GAS_LIMIT \
    VERIFICATION_GAS_VALUE INITIAL_DEPOSIT MIN_BALANCE_MARGIN MIN_BALANCE_WINDOW MONITOR_MARGIN REQUEST_WINDOW MIN_BALANCE_LIMIT \
    SUPRA_CLI_BIN SUPRA_CONFIG MONITOR_WEBHOOK_URL MONITOR_WEBHOOK_TYPE MONITOR_TITLE METRIC_PREFIX MONITOR_PUSH_URL \
    MONITOR_PUSH_METHOD MONITOR_PUSH_TIMEOUT";

/// A template with every line set, an awkward value where it has none; and the values by name.
fn filled(file: &str) -> (String, BTreeMap<String, String>) {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let mut values = BTreeMap::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let set = line.strip_prefix('#').unwrap_or(line);
        match set.split_once("='") {
            Some((name, rest)) if !name.contains(' ') => {
                let value = rest.strip_suffix('\'').unwrap_or_else(|| panic!("{file}: {line} ends unquoted"));
                let value = if value.is_empty() { AWKWARD } else { value };
                values.insert(name.to_owned(), value.to_owned());
                lines.push(format!("{name}='{value}'"));
            }
            _ => {
                assert!(
                    line.is_empty() || line.starts_with("# "),
                    "{file}: {line} is no comment and sets nothing"
                );
                lines.push(line.to_owned());
            }
        }
    }
    (lines.join("\n") + "\n", values)
}

/// The variables of these names that a command's children see.
fn seen(command: &mut Command, names: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), err.as_str()), (Some(0), ""));
    let pairs = out.lines().filter_map(|line| line.split_once('='));
    let wanted = pairs.filter(|(name, _)| names.contains_key(*name));
    wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn shell(shell: &str, script: &str, folder: &Path) -> Command {
    let mut command = program(shell);
    command.env_clear().env("PATH", testkit::requirements::path()).current_dir(folder).args(["-c", script]);
    command
}

#[rstest]
#[case::testnet("env/testnet.env.example", 60)]
#[case::mainnet("env/mainnet.env.example", 60)]
#[case::old("scripts/legacy/supra/scripts/testnet_env.example", 32)]
#[needs("systemd-analyze")]
fn every_line_is_read_alike(#[case] file: &str, #[case] least: usize) {
    let (text, values) = filled(file);
    assert!(values.len() >= least, "{} lines", values.len());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("FILE"), &text).unwrap();
    for (name, script) in
        [("bash", "set -a && source ./FILE && set +a && env"), ("sh", "set -a; . ./FILE; set +a; env")]
    {
        assert_eq!(seen(&mut shell(name, script, folder.path()), &values), values, "{name}");
    }
    // What the files' head gives to docker --env-file, which strips no quotes.
    let docker = "env -i sh -ac '. ./FILE; exec env' >FILE.docker && cat FILE.docker";
    assert!(
        !file.starts_with("env/")
            || fs::read_to_string(root().join(file))
                .unwrap()
                .contains("env -i sh -ac '. ./FILE; exec env' >FILE.docker")
    );
    assert_eq!(seen(&mut shell("sh", docker, folder.path()), &values), values, "docker");
    // systemd's own parser of such files; it prints them for a shell.
    fs::create_dir(folder.path().join("environment.d")).unwrap();
    fs::copy(folder.path().join("FILE"), folder.path().join("environment.d/file.conf")).unwrap();
    let parser = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
    let script = format!("XDG_CONFIG_HOME=$PWD {parser} >read && env -i sh -ac '. ./read; exec env'");
    assert_eq!(seen(&mut shell("sh", &script, folder.path()), &values), values, "systemd");
}

#[test]
fn the_old_template_has_every_old_name() {
    let (_, values) = filled("scripts/legacy/supra/scripts/testnet_env.example");
    let missing: Vec<&str> =
        OLD_NAMES.split_whitespace().filter(|name| !values.contains_key(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
