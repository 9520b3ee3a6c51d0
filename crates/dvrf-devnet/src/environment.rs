//! The variables of the emulated CLI and of `exec`; the crate reads the environment nowhere else.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Generation {
    V6,
    V9,
    V10,
    V11,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noise {
    pub(crate) log: bool,
    pub(crate) ansi: bool,
    pub(crate) crlf: bool,
}

pub(crate) struct Settings {
    pub(crate) url: Option<String>,
    pub(crate) generation: Generation,
    pub(crate) noise: Noise,
}

impl Settings {
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the environment")]
    pub(crate) fn read() -> Result<Self, String> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let generation = match variable("DVRF_DEVNET_CLI").as_deref() {
            Some("v6") => Generation::V6,
            None | Some("v9") => Generation::V9,
            Some("v10") => Generation::V10,
            Some("v11") => Generation::V11,
            Some(other) => return Err(format!("DVRF_DEVNET_CLI `{other}` is not one of v6, v9, v10, v11")),
        };
        let noise = match variable("DVRF_DEVNET_CLI_NOISE").as_deref() {
            None | Some("none") => Noise::default(),
            Some("log") => Noise { log: true, ..Noise::default() },
            Some("ansi") => Noise { ansi: true, ..Noise::default() },
            Some("crlf") => Noise { crlf: true, ..Noise::default() },
            Some("all") => Noise { log: true, ansi: true, crlf: true },
            Some(other) => {
                return Err(format!(
                    "DVRF_DEVNET_CLI_NOISE `{other}` is not one of none, log, ansi, crlf, all"
                ));
            }
        };
        Ok(Self { url: variable("DVRF_DEVNET_URL"), generation, noise })
    }
}

/// Whether a settings file is named.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the environment")]
pub(crate) fn names_settings_file() -> bool {
    std::env::var_os("DVRF_CONFIG").is_some_and(|path| !path.is_empty())
}
