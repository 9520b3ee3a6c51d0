//! What survives between runs: small files in the `--state-dir`, replaced as a whole under a lock; locks; log lines.
//!
//! A file is either the old one or the new one, after a kill at any instant. Writing needs the lock, so that two runs
//! never mix; the kernel drops a lock with its process, so that none is left behind. The lock is `flock(2)`: it
//! excludes `flock(1)` too. It guards one host only.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::file::{self, Durability, Temporary};

/// A state file is some kB; a larger one is not ours.
pub const FILE_BYTES_MAX: u64 = 16 << 20;

/// Why a state file, a lock or a log could not be used. `path` is what the operator named.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another run held the lock for as long as we waited.
    #[error("another run holds the lock {path}")]
    Busy {
        /// The lock file.
        path: String,
    },
    /// The system refused.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// Something else lies where a file of ours belongs.
    #[error("cannot {what} {path}: {found}")]
    NotOurs {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// What it is instead.
        found: &'static str,
    },
    /// The file is larger than any of ours.
    #[error("{path} is longer than {FILE_BYTES_MAX} bytes")]
    TooLong {
        /// The file.
        path: String,
    },
}

impl StateError {
    fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        let not_ours = |found| Self::NotOurs { what, path: path.display().to_string(), found };
        match rustix::io::Errno::from_io_error(&source) {
            // `O_NOFOLLOW` on a symlink is `ELOOP`, whose text speaks of levels.
            Some(rustix::io::Errno::LOOP) => not_ours("it is a symbolic link"),
            // A fifo without a reader, as it was opened without waiting for one.
            Some(rustix::io::Errno::NXIO) => not_ours("it is a fifo that nobody reads, or a socket"),
            _ => Self::Io { what, path: path.display().to_string(), source },
        }
    }
}

const WRITABLE: &str = "give a directory that this user can write to";

/// What to do about a file or its directory that belongs to another user: most often to root, by a run with sudo.
fn hint_of_owner(path: &Path) -> Option<String> {
    let us = rustix::process::geteuid().as_raw();
    let foreign = path.ancestors().take(2).find_map(|path| {
        let owner = fs::symlink_metadata(path).ok()?.uid();
        (owner != us).then_some((path, owner))
    });
    let (path, owner) = foreign?;
    let directory = if path.is_dir() { path } else { path.parent()? };
    let whose =
        if owner == 0 { "root, as after a run with sudo".to_owned() } else { format!("user {owner}") };
    let (path, directory) = (quote(&path.display().to_string()), quote(&directory.display().to_string()));
    Some(format!("{path} belongs to {whose}: sudo chown -R {us} {directory}, or give another directory"))
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        let hint = match &error {
            StateError::Io { source, path, .. } if source.kind() == ErrorKind::PermissionDenied => {
                &hint_of_owner(Path::new(path)).unwrap_or_else(|| WRITABLE.to_owned())
            }
            StateError::Busy { .. } => "wait for the other run, or give it another lock or state directory",
            StateError::Io { source, .. }
                if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                "free some space, or name another directory"
            }
            StateError::NotOurs { .. } => {
                "remove it, or name another path: these tools put only regular files there"
            }
            StateError::Io { .. } => WRITABLE,
            StateError::TooLong { .. } => "move the file away: it was not written by these tools",
        };
        let converted = Self::new(FailureKind::Output, error.to_string()).with_hint(hint);
        match error {
            StateError::Io { source, .. } => converted.with_source(source),
            _ => converted,
        }
    }
}

/// A directory of state files, named by `--state-dir`.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// The directory, made for this user alone (0700) if it is not there.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| StateError::io("make the state directory", path, error))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Whether there is a file `NAME.json`.
    pub fn has(&self, name: &str) -> bool {
        self.path.join(format!("{name}.json")).exists()
    }

    /// Reads the file `NAME.KIND` without its lock; `None` where there is none.
    pub fn read(&self, name: &str, kind: &str) -> Result<Option<Vec<u8>>, StateError> {
        read_file(&self.path.join(format!("{name}.{kind}")))
    }

    /// The names of the files `NAME.KIND` whose names begin like this, sorted.
    pub fn names(&self, prefix: &str, kind: &str) -> Result<Vec<String>, StateError> {
        let failed = |error: io::Error| StateError::io("list", &self.path, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(kind)?.strip_suffix('.'));
            names.extend(name.filter(|name| name.starts_with(prefix)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Takes the lock `NAME.lock`, waiting no longer than `wait`; files of that name are then ours to replace.
    pub fn lock(&self, name: &str, wait: Duration) -> Result<LockedState, StateError> {
        // Another user who may write to the directory must not choose what we open by a link.
        let path = self.path.join(format!("{name}.lock"));
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let lock = Lock::hold(&path, wait, Lock::options().custom_flags(flags).open(&path))?;
        Ok(LockedState { directory: self.path.clone(), name: name.to_owned(), lock })
    }
}

/// A held lock; dropped with this value, or by the kernel with the process. The file stays: deleting a lock file lets
/// two runs hold two locks of one name.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Lets children hold the lock too: when we are killed, one that lives on keeps others out until it ends.
    pub fn share_with_children(&self) {
        // Without it the lock ends with us, as most locks do.
        let _ = rustix::io::fcntl_setfd(&self.file, rustix::io::FdFlags::empty());
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that still has the descriptor must not hold a lock that we have done with.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes an exclusive lock on `path`, which is created if it does not exist, and waits no longer than `wait`. A
    /// symbolic link is followed unless it belongs to another user.
    pub fn take(path: &Path, wait: Duration) -> Result<Self, StateError> {
        // A fifo in its place must not block the open.
        Self::hold(path, wait, file::open_named(path, &mut Self::options(), OFlags::NONBLOCK))
    }

    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false).mode(0o600);
        options
    }

    fn hold(path: &Path, wait: Duration, opened: io::Result<File>) -> Result<Self, StateError> {
        const POLL: Duration = Duration::from_millis(20);
        let failed = |error: io::Error| StateError::io("open the lock file", path, error);
        let file = opened.map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            let (what, path) = ("open the lock file", path.display().to_string());
            return Err(StateError::NotOurs { what, path, found: "it is not a regular file" });
        }
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::Error(error)) => return Err(StateError::io("lock", path, error)),
                Err(TryLockError::WouldBlock) => match wait.checked_sub(start.elapsed()) {
                    Some(left) if !left.is_zero() => std::thread::sleep(POLL.min(left)),
                    _ => return Err(StateError::Busy { path: path.display().to_string() }),
                },
            }
        }
    }
}

/// The state files of one name, under their lock.
#[derive(Debug)]
pub struct LockedState {
    directory: PathBuf,
    name: String,
    lock: Lock,
}

impl LockedState {
    /// As [`Lock::share_with_children`].
    pub fn share_with_children(&self) {
        self.lock.share_with_children();
    }

    /// The path of `NAME.KIND`.
    pub fn path(&self, kind: &str) -> PathBuf {
        self.directory.join(format!("{}.{kind}", self.name))
    }

    /// The file `NAME.KIND`, or `None` where there is none.
    pub fn read(&self, kind: &str) -> Result<Option<Vec<u8>>, StateError> {
        read_file(&self.path(kind))
    }

    /// Adds bytes to the file `NAME.KIND`, which is made (0600) if it is not there, in one write. They are not forced to disk: a kill loses nothing that was written, a
    /// power failure may lose the last seconds.
    pub fn append(&self, kind: &str, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.path(kind);
        let failed = |error: io::Error| StateError::io("append to", &path, error);
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)
            .map_err(failed)?;
        let before = file.metadata().map_err(failed)?.len();
        file.write_all(bytes).map_err(|error| {
            // A full disk must not leave half a line.
            let _ = file.set_len(before);
            failed(error)
        })
    }

    /// Replaces the file `NAME.KIND` as a whole (0600), on disk when this returns.
    pub fn replace(&self, kind: &str, bytes: &[u8]) -> Result<(), StateError> {
        let path = self.path(kind);
        file::replace(&path, bytes, 0o600, Durability::Directory, Temporary::Fixed)
            .map_err(|error| StateError::io("write", &path, error))
    }

    /// Moves the file `NAME.json` to `NAME.json.old`: another one has its content now.
    pub fn retire(&self) -> Result<(), StateError> {
        let path = self.path("json");
        fs::rename(&path, self.path("json.old")).map_err(|error| StateError::io("move away", &path, error))
    }

    /// Moves a file that cannot be understood to `NAME.KIND.corrupt`, in place of an earlier one, and names it.
    pub fn quarantine(&self, kind: &str) -> Result<PathBuf, StateError> {
        let path = self.path(kind);
        let aside = self.path(&format!("{kind}.corrupt"));
        fs::rename(&path, &aside).map_err(|error| StateError::io("move away", &path, error))?;
        Ok(aside)
    }
}

/// Reads a state file, or `None` where there is none.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let failed = |error: io::Error| StateError::io("read", path, error);
    let opened = OpenOptions::new()
        .read(true)
        // A fifo laid in our place must not hold us.
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(StateError::TooLong { path: path.display().to_string() });
    }
    Ok(Some(bytes))
}

/// Adds one line to a log: opened for this line alone, so that logrotate needs no signal; written in one call, so
/// that lines of two runs never mix; on disk when this returns.
pub fn append_line(path: &Path, line: &str) -> Result<(), StateError> {
    debug_assert!(!line.contains('\n'));
    let failed = |error: io::Error| StateError::io("append to", path, error);
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o640);
    // A fifo that nobody reads is an error now, not a wait for ever.
    let mut file = file::open_named(path, &mut options, OFlags::NONBLOCK).map_err(failed)?;
    // A slow reader's full pipe is waited for, as everywhere.
    let flags = rustix::fs::fcntl_getfl(&file).map_err(|error| failed(error.into()))?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
    let before = file.metadata().map(|found| found.len());
    if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
        // A disk that fills up within the line must not leave half of it for the next one to be glued to.
        if let (Ok(before), Ok(found)) = (before, file.metadata())
            && found.is_file()
            && found.len() > before
        {
            let _ = file.set_len(before);
        }
        return Err(failed(error));
    }
    match file.sync_all() {
        // A pipe or a terminal has no disk to reach.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        other => other.map_err(failed),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::failure::Failure;

    fn opened() -> (tempfile::TempDir, StateDir) {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::open(&directory.path().join("a/state")).unwrap();
        (directory, state)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_replaced_as_a_whole_and_private() {
        let (_directory, state) = opened();
        let held = state.lock("x", Duration::ZERO).unwrap();
        assert_eq!(held.read("json").unwrap(), None);
        fs::write(held.path("json.new"), b"left by a killed run").unwrap();
        held.replace("json", b"one").unwrap();
        held.replace("json", b"two").unwrap();
        assert_eq!(held.read("json").unwrap().unwrap(), b"two");
        assert!(!held.path("json.new").exists());
        assert_eq!((mode(&held.path("json")), mode(&state.path)), (0o600, 0o700));
        let aside = held.quarantine("json").unwrap();
        assert_eq!((held.read("json").unwrap(), fs::read(aside).unwrap()), (None, b"two".to_vec()));
    }

    #[test]
    fn one_lock_at_a_time_and_a_bounded_wait() {
        let (_directory, state) = opened();
        let held = state.lock("x", Duration::ZERO).unwrap();
        let start = Instant::now();
        let refused = state.lock("x", Duration::from_millis(60)).unwrap_err();
        assert!(matches!(refused, StateError::Busy { .. }), "{refused}");
        assert!(start.elapsed() >= Duration::from_millis(60));
        state.lock("y", Duration::ZERO).unwrap();
        drop(held);
        state.lock("x", Duration::ZERO).unwrap();
    }

    #[test]
    fn links_and_pipes_in_our_place_are_refused() {
        let (_directory, state) = opened();
        let held = state.lock("x", Duration::ZERO).unwrap();
        let secret = state.path.join("victim");
        fs::write(&secret, b"theirs").unwrap();
        symlink(&secret, held.path("json")).unwrap();
        let refused = held.read("json").unwrap_err().to_string();
        assert!(refused.ends_with("x.json: it is a symbolic link"), "{refused}");
        symlink(state.path.join("made"), state.path.join("y.lock")).unwrap();
        let refused = Failure::from(Error::from(state.lock("y", Duration::ZERO).unwrap_err()));
        assert!(refused.message.ends_with("y.lock: it is a symbolic link"), "{}", refused.message);
        assert!(refused.hint.unwrap().starts_with("remove it") && !state.path.join("made").exists());
        symlink(&secret, held.path("json.new")).unwrap();
        held.replace("json", b"ours").unwrap();
        assert_eq!(fs::read(&secret).unwrap(), b"theirs");
        assert_eq!(held.read("json").unwrap().unwrap(), b"ours");
    }

    #[test]
    fn a_fifo_holds_nobody() {
        let (_directory, state) = opened();
        let fifo = state.path.join("z.lock");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for refused in [
            state.lock("z", Duration::ZERO).map(drop),
            Lock::take(&fifo, Duration::ZERO).map(drop),
            append_line(&fifo, "{}"),
        ] {
            let said = refused.unwrap_err().to_string();
            assert!(said.ends_with("z.lock: it is a fifo that nobody reads, or a socket"), "{said}");
        }
        let device = Lock::take(Path::new("/dev/null"), Duration::ZERO).unwrap_err().to_string();
        assert_eq!(device, "cannot open the lock file /dev/null: it is not a regular file");
    }

    #[test]
    fn a_refusal_names_the_path_and_the_way_out() {
        let failure = Failure::from(Error::from(StateDir::open(Path::new("/proc/none/state")).unwrap_err()));
        assert_eq!(failure.kind, FailureKind::Output);
        assert!(failure.message.starts_with("cannot make the state directory /proc/none/state: "));
        let full = Failure::from(Error::from(append_line(Path::new("/dev/full"), "{}").unwrap_err()));
        assert_eq!(full.message, "cannot append to /dev/full: No space left on device (os error 28)");
        assert_eq!(full.hint.as_deref(), Some("free some space, or name another directory"));
    }

    #[test]
    fn lines_are_added() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        append_line(&log, "a").unwrap();
        append_line(&log, "b").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"a\nb\n");
    }
}
