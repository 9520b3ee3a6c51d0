//! Replaces a file for node-exporter's textfile collector atomically, and makes it readable for other users.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::file::{self, Durability, Temporary};

/// Why the file was not replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextfileError {
    /// The path is a directory, a pipe or a device, which a rename would destroy.
    #[error("{0} is not a regular file")]
    NotAFile(String),
    /// The operating system refused.
    #[error("cannot write {path}")]
    Io {
        path: String,
        #[source]
        source: io::Error,
    },
}

impl From<TextfileError> for Error {
    fn from(error: TextfileError) -> Self {
        let converted = Self::new(FailureKind::Output, error.to_string())
            .with_hint("name a .prom file in the directory of --collector.textfile.directory that this user can write to");
        match error {
            TextfileError::Io { source, .. } => converted.with_source(source),
            TextfileError::NotAFile(_) => converted,
        }
    }
}

/// Whether node-exporter reads a file of this name.
pub(crate) fn is_collected(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "prom")
}

/// Replaces the file: writes a file with mode 0644 beside it, under a name that is not collected, syncs and renames it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), TextfileError> {
    let failed = |source: io::Error| TextfileError::Io { path: path.display().to_string(), source };
    file::is_own_link(path).map_err(failed)?;
    // This follows links, because the rename below replaces what is behind one.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(TextfileError::NotAFile(path.display().to_string())),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // A link stays a link: the file behind it is replaced in its own directory.
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(failed(error)),
    };
    // Others must be able to read it: the collector runs as another user.
    file::replace(&target, bytes, 0o644, Durability::File, Temporary::Unique).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_replaced_readable_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.prom");
        replace(&path, b"one\n").unwrap();
        replace(&path, b"two\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_regular_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let refused = replace(folder.path(), b"").unwrap_err().to_string();
        assert!(refused.ends_with(" is not a regular file"), "{refused}");
        // A fifo stands for every device: the test may run as root.
        let (fifo, link) = (folder.path().join("fifo"), folder.path().join("link.prom"));
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        std::os::unix::fs::symlink(&fifo, &link).unwrap();
        for path in [&fifo, &link] {
            assert!(matches!(replace(path, b""), Err(TextfileError::NotAFile(_))));
        }
        assert!(!fs::metadata(&fifo).unwrap().is_file());
        let lost = supra_core::error::chain(&replace(Path::new("/none/a.prom"), b"").unwrap_err());
        assert!(lost.starts_with("cannot write /none/a.prom: No such file or directory"), "{lost}");
    }

    #[test]
    fn a_link_keeps_pointing() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.prom"), folder.path().join("link.prom"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }

    #[test]
    fn only_prom_files_are_collected() {
        assert!(is_collected(Path::new("x/a.prom")));
        assert!(!is_collected(Path::new("x/a.prom.new")) && !is_collected(Path::new("prom")));
    }
}
