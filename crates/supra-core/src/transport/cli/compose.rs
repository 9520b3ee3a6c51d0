//! Runs all calls of one [`Transport::ask`](crate::transport::Transport::ask) in one `docker compose run`, because
//! starting a container takes seconds.

use std::ffi::OsString;
use std::time::Instant;

use super::{CliTransport, Compose, Finished};
use crate::error::Error;
use crate::failure::{Failure, FailureKind};
use crate::transport::{Deadline, Reply, Request};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The largest stderr of one call that leaves the container, in bytes.
const STDERR_BYTES: usize = 4096;

/// Quotes a word for bash.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The command line that runs one command in its own container and passes on its streams and exit status.
pub(super) fn command(
    place: &Compose,
    words: impl Iterator<Item = OsString>,
    config: Option<&str>,
) -> Vec<OsString> {
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    let script = format!("{}exec {}", configured(config), words.join(" "));
    let whole = ["compose", "run", "--rm", "-T", "--entrypoint", "bash", &place.service, "-lc", &script];
    [place.docker.clone()].into_iter().chain(whole.map(Into::into)).collect()
}

/// Script lines that copy a configuration to where the CLI in the container reads it.
fn configured(config: Option<&str>) -> String {
    config.map(quoted).map_or_else(String::new, |path| {
        format!("mkdir -p /supra/.aptos && cp -- {path} /supra/.aptos/config.yaml || exit 1; export SUPRA_CONFIG={path}\n")
    })
}

/// The script: runs the calls in the background, `jobs` at the same time, and prints their output between random
/// markers.
fn script(calls: &[(usize, Vec<String>)], jobs: usize, config: Option<&str>, marker: &str) -> String {
    let mut script = String::from("d=$(mktemp -d) || exit 1; trap 'rm -rf \"$d\"' EXIT\n");
    script.push_str(&configured(config));
    script.push_str("call() { n=$1; shift; \"$@\" >\"$d/$n.out\" 2>\"$d/$n.err\" </dev/null; echo $? >\"$d/$n.code\"; }\n");
    for (position, (index, words)) in calls.iter().enumerate() {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        script.push_str(&format!("call {index} {} &\n", words.join(" ")));
        if (position + 1) % jobs.max(1) == 0 {
            script.push_str("wait\n");
        }
    }
    script.push_str("wait\n");
    for (index, _) in calls {
        script.push_str(&format!(
            "printf '\\n{marker} {index} %s\\n' \"$(cat \"$d/{index}.code\")\"; cat \"$d/{index}.out\"; printf '\\n{marker} err\\n'; head -c {STDERR_BYTES} \"$d/{index}.err\"\n"
        ));
    }
    script.push_str(&format!("printf '\\n{marker} end\\n'\n"));
    script
}

/// Splits the container's stdout into finished calls; calls without output are missing.
fn parse(stdout: &str, marker: &str) -> Vec<(usize, Finished)> {
    let mut found = Vec::new();
    let pieces: Vec<&str> = stdout.split(&format!("\n{marker} ")).skip(1).collect();
    for pair in pieces.windows(2) {
        let [head, errors] = pair else { continue };
        let (Some((first, out)), Some(errors)) = (head.split_once('\n'), errors.strip_prefix("err\n")) else {
            continue;
        };
        let mut numbers = first.split(' ').map(str::trim);
        let (Some(Ok(index)), Some(Ok(code))) =
            (numbers.next().map(str::parse::<usize>), numbers.next().map(str::parse::<u8>))
        else {
            continue;
        };
        found.push((
            index,
            Finished {
                status: Some(ExitStatus::from_raw(i32::from(code) << 8)),
                stdout: out.as_bytes().to_vec(),
                stderr: errors.as_bytes().to_vec(),
                timed_out: false,
                incomplete: None,
            },
        ));
    }
    found
}

/// Runs all requests in one container.
pub(super) fn ask(
    transport: &CliTransport,
    place: &Compose,
    requests: &[Request],
    deadline: Deadline,
) -> Vec<Reply> {
    let started = Instant::now();
    let config = &transport.config;
    let marker = {
        use std::hash::{BuildHasher, RandomState};
        format!("dvrf-{:016x}", RandomState::new().hash_one(std::process::id()))
    };
    let mut failures: Vec<Option<Error>> = vec![None; requests.len()];
    let mut calls = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        match transport.words(request) {
            Ok(words) => {
                let program = config.program.iter().map(|word| word.to_string_lossy().into_owned());
                calls.push((index, program.chain(words).collect::<Vec<_>>()));
            }
            Err(failure) => failures[index] = Some(failure),
        }
    }
    if let Err(failure) = transport.usability.enter(deadline) {
        let reply = |_| Reply { result: Err(failure.clone()), elapsed: started.elapsed(), attempts: 0 };
        return (0..requests.len()).map(reply).collect();
    }
    let text = script(&calls, config.jobs, config.supra_config.as_deref(), &marker);
    let words = ["compose", "run", "--rm", "-T", "--entrypoint", "bash", &place.service, "-lc", &text];
    let argv: Vec<OsString> = [place.docker.clone()].into_iter().chain(words.map(Into::into)).collect();
    let outcome = transport.run(&argv, deadline);
    let (found, common) = match outcome {
        Err(failure) => (Vec::new(), failure),
        Ok(finished) => {
            let found = parse(&String::from_utf8_lossy(&finished.stdout), &marker);
            let common = if finished.timed_out {
                Error::new(FailureKind::Timeout, "docker compose did not end in time and was stopped")
            } else {
                match super::failed(&finished, "docker compose") {
                    failure if failure.kind == FailureKind::Config => failure.into(),
                    failure => Failure { kind: FailureKind::Unreachable, help: None, ..failure }.into(),
                }
            };
            (found, common)
        }
    };
    let asked = |index: usize| -> Result<serde_json::Value, Error> {
        if let Some(failure) = &failures[index] {
            return Err(failure.clone());
        }
        let finished = found.iter().find(|(known, _)| *known == index).map(|(_, finished)| finished);
        finished.map_or_else(|| Err(common.clone()), |finished| transport.answer(&requests[index], finished))
    };
    let replies = (0..requests.len()).map(|index| {
        let result = transport.noted(&requests[index], asked(index), deadline);
        Reply { result, elapsed: started.elapsed(), attempts: 1 }
    });
    replies.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_bash() {
        let hostile = ["a b", "it's", "$(touch x)", "`id`", "\"", "\\", "-rf", "a;b", "é\n"];
        let call = ["printf", "%s|"].into_iter().chain(hostile).map(str::to_owned).collect();
        let text = script(&[(0, call)], 4, None, "MARK");
        let output = std::process::Command::new("bash").args(["-c", &text]).output().unwrap();
        let found = parse(&String::from_utf8(output.stdout).unwrap(), "MARK");
        assert_eq!(found.len(), 1);
        assert_eq!(String::from_utf8_lossy(&found[0].1.stdout), format!("{}|", hostile.join("|")));
    }

    #[test]
    fn every_call_keeps_its_streams_and_code() {
        let call = |index: usize, line: &str| (index, ["bash", "-c", line].map(str::to_owned).to_vec());
        let calls = [call(3, "echo out; echo err >&2; exit 4"), call(7, "printf '{\"result\":[]}'")];
        let text = script(&calls, 1, None, "MARK");
        let output = std::process::Command::new("bash").args(["-c", &text]).output().unwrap();
        let found = parse(&String::from_utf8(output.stdout).unwrap(), "MARK");
        let shown: Vec<_> = found
            .iter()
            .map(|(index, finished)| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (*index, finished.ending(), text(&finished.stdout), text(&finished.stderr))
            })
            .collect();
        assert_eq!(
            shown,
            [
                (3, "code 4".to_owned(), "out\n".to_owned(), "err\n".to_owned()),
                (7, "code 0".to_owned(), "{\"result\":[]}".to_owned(), String::new())
            ]
        );
    }
}
