//! The harness of the suite: where things are, how a tool is run, how a devnet is started.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// The workspace's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The path of one of our binaries, built beside the running test.
///
/// # Panics
/// When it has not been built: `cargo test -p` alone does not build the other crates' binaries.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let folder = test.ancestors().nth(2).unwrap_or(&test);
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

/// A tool with an empty environment, so that a developer's own settings change nothing; only `PATH` stays.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    command.env_clear();
    if let Some(path) = option_env!("PATH") {
        command.env("PATH", path);
    }
    command.timeout(std::time::Duration::from_secs(60));
    command
}
