//! A CLI in a container outlives the docker client that started it: killing the client kills nothing inside, and what is
//! left may sign and send later. So the CLI is started under `timeout(1)` in the container, which ends it there.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Programs that start the CLI in another place.
const ELSEWHERE: [&str; 9] =
    ["docker", "podman", "nerdctl", "docker-compose", "podman-compose", "kubectl", "ssh", "lxc", "incus"];
/// Of those, the ones with the `exec` that is understood here.
const DOCKER: [&str; 5] = ["docker", "podman", "nerdctl", "docker-compose", "podman-compose"];
/// Options with a value, of all commands up to `exec`.
const WITH_VALUE: [&str; 24] = [
    "-c",
    "--context",
    "-H",
    "--host",
    "--config",
    "-l",
    "--log-level",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--project-directory",
    "--ansi",
    "--progress",
    "-e",
    "--env",
    "--env-file",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "--index",
    "--detach-keys",
];
/// Options without one.
const FLAGS: [&str; 10] =
    ["-D", "--debug", "-i", "-t", "-it", "-ti", "--interactive", "--tty", "-T", "--privileged"];

/// The words that end a program after `span`, wherever it runs.
pub fn timeout(span: Duration) -> [OsString; 4] {
    let seconds = span.as_secs().max(1).to_string();
    ["timeout".into(), "-s".into(), "KILL".into(), seconds.into()]
}

/// The program's words, with `timeout(1)` before the CLI where it runs in a container.
///
/// # Errors
/// Where the CLI would outlive this host's process, with the reason.
pub fn fenced(program: &[OsString], span: Duration) -> Result<Vec<OsString>, String> {
    let words: Vec<String> = program.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let name = |word: &str| Path::new(word).file_name().map(|name| name.to_string_lossy().into_owned());
    let is_one_of =
        |word: &String, names: &[&str]| name(word).is_some_and(|name| names.contains(&name.as_str()));
    let Some(start) = words.iter().position(|word| is_one_of(word, &ELSEWHERE)) else {
        return Ok(program.to_vec());
    };
    let refused = || {
        format!(
            "the CLI would run under {} and could send after this run has ended; give it as `docker exec CONTAINER /path/to/supra` or by DVRF_CLI_COMPOSE",
            words[start]
        )
    };
    if !is_one_of(&words[start], &DOCKER) {
        return Err(refused());
    }
    let mut at = start + 1;
    let mut is_exec = false;
    while let Some(word) = words.get(at) {
        if WITH_VALUE.contains(&word.as_str()) {
            at += 2;
        } else if FLAGS.contains(&word.as_str())
            || WITH_VALUE.iter().any(|flag| word.starts_with(&format!("{flag}=")))
        {
            at += 1;
        } else if word.starts_with('-') {
            return Err(refused());
        } else if is_exec {
            // The container; behind it is the command.
            at += 1;
            break;
        } else if word == "compose" || word == "container" {
            at += 1;
        } else if word == "exec" {
            is_exec = true;
            at += 1;
        } else {
            return Err(refused());
        }
    }
    if !is_exec || at >= words.len() {
        return Err(refused());
    }
    let (before, command) = program.split_at(at);
    Ok([before, &timeout(span), command].concat())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn of(text: &str) -> Result<String, String> {
        let words: Vec<OsString> = text.split(' ').map(OsString::from).collect();
        let fenced = fenced(&words, Duration::from_secs(90))?;
        Ok(fenced.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[rstest]
    #[case::plain("/supra/supra", "/supra/supra")]
    #[case::exec(
        "docker exec supra_cli /supra/supra",
        "docker exec supra_cli timeout -s KILL 90 /supra/supra"
    )]
    #[case::options(
        "sudo docker -H unix:///run/d.sock exec -i -e A=b --user=1000 supra_cli /supra/supra",
        "sudo docker -H unix:///run/d.sock exec -i -e A=b --user=1000 supra_cli timeout -s KILL 90 /supra/supra"
    )]
    #[case::compose(
        "docker compose -f c.yaml exec -T supra_cli /supra/supra",
        "docker compose -f c.yaml exec -T supra_cli timeout -s KILL 90 /supra/supra"
    )]
    #[case::podman("/usr/bin/podman exec c supra", "/usr/bin/podman exec c timeout -s KILL 90 supra")]
    fn the_cli_ends_in_its_container(#[case] given: &str, #[case] expected: &str) {
        assert_eq!(of(given).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case::run("docker run --rm image supra")]
    #[case::compose_run("docker compose run --rm supra_cli supra")]
    #[case::detached("docker exec -d supra_cli supra")]
    #[case::unknown_option("docker exec --new supra_cli supra")]
    #[case::no_command("docker exec supra_cli")]
    #[case::ssh("ssh host /supra/supra")]
    #[case::kubectl("kubectl exec pod -- supra")]
    fn what_cannot_be_fenced_is_refused(#[case] given: &str) {
        assert!(of(given).unwrap_err().contains("could send after this run has ended"));
    }
}
