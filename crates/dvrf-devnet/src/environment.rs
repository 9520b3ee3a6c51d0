//! The variables of the emulator; the only place that reads the environment.

/// URL of the running devnet that the CLI persona talks to.
pub(crate) const URL: &str = "DVRF_DEVNET_URL";
/// Generation of the CLI persona: v6, v9, v10 or v11.
pub(crate) const CLI: &str = "DVRF_DEVNET_CLI";
/// Noise around the persona's output: none, log, ansi, crlf or all.
pub(crate) const CLI_NOISE: &str = "DVRF_DEVNET_CLI_NOISE";
/// A misbehaviour of the persona itself: hang, grandchild, exit, garbage, stderr or prompt.
pub(crate) const CLI_FAULT: &str = "DVRF_DEVNET_CLI_FAULT";

/// A variable's value, if it is set and not empty.
pub(crate) fn get(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
