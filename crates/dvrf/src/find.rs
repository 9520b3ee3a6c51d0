//! Where a tool is: beside this program, else in `PATH`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use supra_core::config::env;

/// The path of a tool of ours.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return None;
    }
    let beside = std::env::current_exe().ok().and_then(|own| own.parent().map(Path::to_owned));
    let listed = env::path();
    let places = beside.into_iter().chain(listed.iter().flat_map(std::env::split_paths));
    places.map(|place| place.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
