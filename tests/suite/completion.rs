//! Completion in the real shells: commands, subcommands, flags and values, never files where a value is meant.

use std::path::Path;
use std::process::Command;

use rstest::rstest;
use testkit::{binary, needs, program};

/// A folder with the programs' names and the shell's script.
fn folder(shell: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["dvrf", "dvrf-check", "dvrf-draw", "dvrf-devnet"] {
        std::os::unix::fs::symlink(binary("dvrf"), folder.path().join(name)).unwrap();
    }
    let script = testkit::tool("dvrf").args(["--generate", shell]).output().unwrap().stdout;
    std::fs::write(folder.path().join("_dvrf"), script).unwrap();
    std::fs::create_dir(folder.path().join("work")).unwrap();
    std::fs::write(folder.path().join("work/records.ndjson"), "").unwrap();
    std::fs::create_dir(folder.path().join("work/state")).unwrap();
    folder
}

/// Presses Tab after the line in bash: calls the function that `complete` registered, as bash does.
const BASH: &str = r#"
. ./_dvrf; cd work
line=$1
read -ra COMP_WORDS <<<"${line//=/ = }"
case $line in *' ' | *=) COMP_WORDS+=("") ;; esac
[ "${COMP_WORDS[-1]}" != "" ] || [ "${COMP_WORDS[-2]}" != "=" ] || unset 'COMP_WORDS[-1]'
COMP_LINE=$line COMP_POINT=${#line} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
registered=$(complete -p "${COMP_WORDS[0]}") || exit 9
set -- $registered
"$3"
printf '%s\n' "${COMPREPLY[@]}"
"#;

const FISH: &str = "source ./_dvrf; cd work; complete -C $argv[1]";

/// Lists the completions of a line in an interactive zsh.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT=; RPROMPT=; autoload -Uz compinit; compinit -u -D; . ./_dvrf; cd work'
zpty -w shell 'null-line() { zle -I }; LISTMAX=0; zstyle ":completion:*" list-prompt ""; zstyle ":completion:*" select-prompt ""'
zpty -w shell 'compadd() { if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi; typeset -a __hits; builtin compadd -A __hits "$@"; [[ $#__hits -gt 0 ]] && print -l -- "<"${^__hits}">" >>$OFFERS; builtin compadd "$@" }'
zpty -w shell 'comp() { zle list-choices; print done >>$OFFERS; exit }; zle -N comp; bindkey "^T" comp'
zpty -w -n shell "$1"$'\x14'
for i in {1..200}; do [[ -s $OFFERS && "$(tail -n1 $OFFERS)" == done ]] && break; sleep 0.05; done
sed -n 's/^<\(.*\)>$/\1/p' $OFFERS
"#;

/// What the shell offers after the line.
fn offers(shell: &str, line: &str) -> Vec<String> {
    let folder = folder(shell);
    let mut command: Command = program(shell);
    match shell {
        "bash" => command.args(["--norc", "-c", BASH, "bash", line]),
        "fish" => command.args(["--no-config", "-c", FISH, line]),
        _ => command.args(["-f", "-c", ZSH, "zsh", line]).env("OFFERS", folder.path().join("offers")),
    };
    let path = format!("{}:{}", folder.path().display(), testkit::requirements::path());
    command.env("PATH", path).env("HOME", folder.path()).env("TERM", "dumb").current_dir(folder.path());
    let said = command.output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let words =
        text.lines().filter(|line| !line.is_empty()).map(|line| line.split('\t').next().unwrap_or(line));
    let mut words: Vec<String> = words.map(|word| word.trim_end().to_owned()).collect();
    words.sort();
    words.dedup();
    words
}

fn check(shell: &str) {
    for (line, wanted) in [
        ("dvrf che", &["check"][..]),
        ("dvrf draw ", &["auto", "ready", "run", "smoke"]),
        ("dvrf draw re", &["ready"]),
        ("dvrf-draw re", &["ready"]),
        ("dvrf events ", &["list", "pair", "tail"]),
        ("dvrf check --nag", &["--nagios"]),
        ("dvrf draw ready --min-t", &["--min-tickets"]),
        ("dvrf draw auto --exec", &["--execute"]),
        ("dvrf check --format ", &["json", "legacy", "text"]),
        ("dvrf check --network ", &["devnet", "mainnet", "testnet"]),
        ("dvrf-check --network t", &["testnet"]),
        ("dvrf notify te", &["test"]),
        ("dvrf events list --type draw-h", &["draw-handled"]),
        ("dvrf devnet serve --scenario stu", &["stuck"]),
        ("dvrf-devnet serve --scenario stu", &["stuck"]),
        ("dvrf explain DEPOSIT_PA", &["DEPOSIT_PAUSED"]),
        ("dvrf help dra", &["draw"]),
        // A number and an address have no completions; files are offered for a file, directories for a directory.
        ("dvrf check --lottery-addr ", &[]),
        ("dvrf check --warn ", &[]),
        ("dvrf check --input rec", &["records.ndjson"]),
        ("dvrf check --state-dir sta", &["state"]),
    ] {
        let mut found = offers(shell, line);
        // Shells mark a directory in different ways, and flags are offered where words are.
        for word in &mut found {
            *word = word.trim_end_matches('/').to_owned();
        }
        found.retain(|word| !word.starts_with("--") || line.contains("--") && !line.ends_with(' '));
        assert_eq!(found, wanted, "{shell}: {line}");
    }
}

#[test]
fn in_bash() {
    check("bash");
    let after_equals = offers("bash", "dvrf check --format=te");
    assert_eq!(after_equals, ["text"]);
}

#[rstest]
#[needs("fish")]
fn in_fish() {
    check("fish");
    assert_eq!(offers("fish", "dvrf check --format=te"), ["--format=text"]);
}

#[rstest]
#[needs("zsh")]
fn in_zsh() {
    check("zsh");
}

#[test]
fn every_tool_offers_its_flags() {
    for command in crate::help::COMMANDS {
        let words = command.split(' ').chain(["--"]);
        let offered = testkit::tool("dvrf").args(["--generate", "complete"]).args(words).output().unwrap();
        let offered = String::from_utf8(offered.stdout).unwrap();
        assert!(offered.lines().any(|line| line.starts_with("--help\t")), "{command}: {offered}");
    }
    assert!(Path::new(&binary("dvrf")).exists());
}
