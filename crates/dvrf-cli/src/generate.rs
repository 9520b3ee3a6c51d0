//! Generates completions and the man page from the flags, for `scripts/install`.

use std::ffi::OsString;

use clap_complete::Shell;

use super::CliError;
use super::stdio::Output;
use crate::exit::Exit;

/// What can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A man page in roff.
    Man,
    /// A completion script.
    Completion(Shell),
}

/// Recognises the hidden arguments `--generate man|bash|zsh|fish`, which must be the only ones.
pub(crate) fn wanted(words: &[OsString]) -> Option<Kind> {
    match words {
        [_, flag, kind] if flag == "--generate" => match kind.to_str()? {
            "man" => Some(Kind::Man),
            "bash" => Some(Kind::Completion(Shell::Bash)),
            "zsh" => Some(Kind::Completion(Shell::Zsh)),
            "fish" => Some(Kind::Completion(Shell::Fish)),
            _ => None,
        },
        _ => None,
    }
}

/// Writes the page or script to stdout.
pub(crate) fn write(kind: Kind, mut command: clap::Command, out: &mut Output) -> Result<Exit, CliError> {
    let mut page = Vec::new();
    match kind {
        Kind::Man => {
            let written = clap_mangen::Man::new(command).render(&mut page);
            written.map_err(|source| CliError::Write { to: "the man page".to_owned(), source })?;
        }
        Kind::Completion(shell) => {
            let name = command.get_name().to_owned();
            clap_complete::generate(shell, &mut command, name, &mut page);
        }
    }
    out.text(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}
