//! Reading a bounded file, and replacing one atomically.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Reads a regular file of at most `limit` bytes. A pipe or a device is an error and never blocks.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file =
        OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("it is longer than {limit} bytes")));
    }
    Ok(bytes)
}

/// The most symbolic links in a row, as in Linux.
const LINKS_MAX: u32 = 40;

/// Opens a file that the user named, with these options and flags. A symbolic link is followed only if it belongs to this
/// user or to root: in a shared directory, others must not choose what we write to.
pub fn open_named(path: &Path, options: &mut OpenOptions, flags: OFlags) -> io::Result<File> {
    let flags = if is_own_link(path)? { flags } else { flags | OFlags::NOFOLLOW };
    options.custom_flags(flags.bits().cast_signed()).open(path)
}

/// Returns whether `path` is a symbolic link that may be followed.
///
/// # Errors
/// When it is a link of another user, or leads to one.
pub fn is_own_link(path: &Path) -> io::Result<bool> {
    let mut path = path.to_owned();
    for links in 0..LINKS_MAX {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                if !may_follow(found.uid(), rustix::process::geteuid().as_raw()) {
                    let why = "it is a symbolic link of another user";
                    return Err(io::Error::new(ErrorKind::PermissionDenied, why));
                }
                let target = fs::read_link(&path)?;
                path.pop();
                path.push(target);
            }
            // Whether there is a file shows when it is opened.
            _ => return Ok(links > 0),
        }
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "too many symbolic links"))
}

fn may_follow(owner: u32, user: u32) -> bool {
    owner == user || owner == 0
}

/// What [`replace`] has written to disk when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: after a power failure the file may be the old one, the new one or empty.
    None,
    /// The new content.
    File,
    /// The new content and the directory entry, so that the new file survives a power failure.
    Directory,
}

/// Which temporary file [`replace`] uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporary {
    /// `.NAME.RANDOM.new`, for files that several processes may write at the same time.
    Unique,
    /// `NAME.new`, for files that are written under a lock. It replaces what a killed process left.
    Fixed,
}

const SUFFIX: &str = ".new";

/// Replaces a file by renaming a temporary file in the same directory, so that readers see the old content or the new.
///
/// The new file has exactly these permissions, whatever the umask. A symbolic link at `path` is replaced, not
/// followed. On an error the old file stays and the temporary file is removed.
pub fn replace(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    durability: Durability,
    temporary: Temporary,
) -> io::Result<()> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let mut prefix = OsString::new();
    match temporary {
        Temporary::Unique => prefix.extend([".".as_ref(), name, ".".as_ref()]),
        Temporary::Fixed => {
            prefix.push(name);
            builder.rand_bytes(0);
            let mut fixed = prefix.clone();
            fixed.push(SUFFIX);
            remove_if_exists(&directory.join(fixed))?;
        }
    }
    builder.prefix(&prefix).suffix(SUFFIX);
    // `create_new` never follows a link.
    let create = |path: &Path| OpenOptions::new().create_new(true).write(true).mode(mode).open(path);
    let mut file = builder.make_in(directory, create)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    if durability != Durability::None {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    if durability == Durability::Directory {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn remove_if_exists(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn only_a_file_of_the_right_size_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().to_string(), "it is longer than 4 bytes");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for other in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            assert_eq!(
                read(other, 5).unwrap_err().to_string(),
                "it is not a regular file",
                "{}",
                other.display()
            );
        }
    }

    #[rstest]
    #[case::own(1000, 1000, true)]
    #[case::of_root(0, 1000, true)]
    #[case::of_another_user(1001, 1000, false)]
    #[case::of_a_user_for_root(1000, 0, false)]
    fn whose_links_are_followed(#[case] owner: u32, #[case] user: u32, #[case] expected: bool) {
        assert_eq!(may_follow(owner, user), expected);
    }

    #[test]
    fn links_in_a_row_are_checked_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, path(name)).unwrap();
        link("second", "first");
        link("file", "second");
        link("loop", "loop");
        assert!(is_own_link(&path("first")).unwrap() && is_own_link(Path::new("/dev/stderr")).unwrap());
        assert!(!is_own_link(&path("file")).unwrap() && !is_own_link(&path("no/folder")).unwrap());
        assert_eq!(is_own_link(&path("loop")).unwrap_err().to_string(), "too many symbolic links");
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("f.json"), folder.path().join("other"));
        fs::write(&other, "theirs").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        fs::write(folder.path().join("f.json.new"), "left by a killed run").unwrap();
        replace(&path, b"one", 0o600, Durability::Directory, Temporary::Fixed).unwrap();
        assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
        replace(&path, b"two", 0o666, Durability::None, Temporary::Unique).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o666);
        assert_eq!(fs::read(&other).unwrap(), b"theirs");
        fs::create_dir(folder.path().join("d")).unwrap();
        for temporary in [Temporary::Unique, Temporary::Fixed] {
            replace(&folder.path().join("d"), b"", 0o600, Durability::File, temporary).unwrap_err();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
