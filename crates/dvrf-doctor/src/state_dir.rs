//! Probes whether the state directory can be locked and written.

use std::path::Path;
use std::time::Duration;

use dvrf_cli::settings::{Settings, variables};
use supra_core::error::Error;
use supra_core::state_dir::StateDir;

use crate::probe::Probes;

const NAME: &str = "state directory";

pub(crate) fn probe(settings: &Settings, probes: &mut Probes) {
    let Some(path) = settings.text(&variables::STATE_DIR) else {
        let fix = "set DVRF_STATE_DIR, so that dvrf-notify sends an alert once and reminds";
        return probes.warning(NAME, "none is set: every run sends its alerts", Some(fix));
    };
    let written = StateDir::open(Path::new(path))
        .and_then(|directory| directory.lock("doctor", Duration::ZERO))
        .and_then(|file| file.replace("json", b"{}"));
    match written {
        Ok(()) => probes.ok(NAME, format!("{path} can be written")),
        Err(error) => probes.failed(NAME, Error::from(error)),
    }
}
