//! The programs of the system that tests start: which there are, which a test declares, and the `PATH` it sees.
//!
//! `tests/requirements.txt` is the one list. A test declares what it needs with `#[needs("jq")]` and starts it with
//! [`program`]; its children see a `PATH` of the declared programs and the base set of a bare Debian, nothing else.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

const LIST: &str = include_str!("../../requirements.txt");

/// What a test may declare besides programs: that it runs as root.
const ROOT: &str = "root";
/// What a test may declare besides programs: that it may mount file systems in a name space of its own.
const MOUNTS: &str = "mount-namespace";
/// What a test may declare besides programs: npm packages that `scripts/test` installs.
const NODE_MODULES: [&str; 2] = ["adaptivecards", "axe-core"];

thread_local! {
    static DECLARED: RefCell<BTreeSet<&'static str>> = RefCell::default();
}

/// The programs that need no declaration.
fn base() -> impl Iterator<Item = &'static str> {
    LIST.lines().filter_map(|line| line.strip_prefix("base ")).flat_map(str::split_whitespace)
}

/// Each program of the list with its package.
fn listed() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rows = LIST.lines().filter(|line| !line.starts_with(['#', ' ']) && !line.starts_with("base "));
    rows.filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?))
    })
}

/// Where the system has a program.
fn find(name: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(option_env!("PATH").unwrap_or_default());
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    folders.chain(system).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn is_there(need: &str) -> bool {
    match need {
        ROOT => is_root(),
        MOUNTS => !mount_namespace().is_empty(),
        package if NODE_MODULES.contains(&package) => node_modules().join(package).exists(),
        program => find(program).is_some(),
    }
}

/// The arguments with which `unshare` makes a mount name space here; none where it cannot.
#[must_use]
pub fn mount_namespace() -> &'static [&'static str] {
    static WAY: LazyLock<&[&str]> = LazyLock::new(|| {
        // In a chroot the root is not a mount point, so its propagation cannot be changed.
        let ways: [&[&str]; 3] =
            [&["--mount"], &["--mount", "--map-root-user"], &["--mount", "--propagation", "unchanged"]];
        ways.into_iter().find(|way| keeps_mounts(way).unwrap_or(false)).unwrap_or_default()
    });
    *WAY
}

/// Whether what is mounted in a name space that is made like this is seen in there only.
fn keeps_mounts(way: &[&str]) -> std::io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let here = folder.path().join("here");
    fs::create_dir(&here)?;
    let script = "mount -t tmpfs none \"$0\" && : >\"$0\"/seen";
    let works =
        Command::new("unshare").args(way).args(["sh", "-c", script]).arg(&here).output()?.status.success();
    let leaks = here.join("seen").exists();
    if leaks {
        Command::new("umount").arg(&here).output()?;
    }
    Ok(works && !leaks)
}

/// Where `scripts/test` installs the npm packages of `tests/payloads`.
#[must_use]
pub fn node_modules() -> PathBuf {
    crate::target().with_file_name("payloads").join("node_modules")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

/// Whether the test at this place can run; `#[needs]` calls it first. Without a program the test is noted as left out,
/// and `scripts/test` lists it.
///
/// # Panics
/// When a need is not in the list; in CI, when one is missing.
pub fn ready(module: &str, line: u32, needs: &[&'static str]) -> bool {
    for need in needs.iter().filter(|need| ![ROOT, MOUNTS].contains(need) && !NODE_MODULES.contains(need)) {
        let known = listed().any(|(name, _)| name == *need);
        assert!(known, "{need} is not in tests/requirements.txt: add it with its package");
    }
    let missing: Vec<&str> = needs.iter().copied().filter(|need| !is_there(need)).collect();
    assert!(missing.is_empty() || option_env!("CI") != Some("true"), "missing in CI: {missing:?}");
    if missing.is_empty() {
        DECLARED.with_borrow_mut(|declared| *declared = needs.iter().copied().collect());
        return true;
    }
    let note = format!("{module}:{line} {}\n", missing.join(" "));
    let file = OpenOptions::new().create(true).append(true).open(crate::target().join("left-out"));
    let written = file.and_then(|mut file| file.write_all(note.as_bytes()));
    written.unwrap_or_else(|error| panic!("a test that is left out cannot be noted: {error}"));
    false
}

/// A program of the system, to be started by the current test with the restricted `PATH`.
///
/// # Panics
/// When the test has not declared it.
#[must_use]
#[track_caller]
pub fn program(name: &str) -> Command {
    let declared = base().any(|known| known == name) || DECLARED.with_borrow(|list| list.contains(name));
    assert!(declared, "{name} is not declared: put #[needs(\"{name}\")] before the test");
    let path = find(name).unwrap_or_else(|| panic!("{name} is not installed"));
    let mut command = Command::new(path);
    command.env("PATH", self::path());
    command
}

/// The `PATH` of the current test's children: one folder with links to the base set and the declared programs.
///
/// # Panics
/// When the folder cannot be made.
#[must_use]
pub fn path() -> String {
    let declared: Vec<&'static str> = DECLARED.with_borrow(|declared| declared.iter().copied().collect());
    let name = if declared.is_empty() { "base".to_owned() } else { declared.join("+") };
    let folder = crate::target().join("test-path").join(name);
    if !folder.is_dir() {
        make(&folder, &declared).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
    folder.display().to_string()
}

/// Makes the folder whole or not at all: other tests may look for it at the same time.
fn make(folder: &Path, declared: &[&'static str]) -> std::io::Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent)?;
    let new = tempfile::tempdir_in(parent)?;
    for (name, path) in base().chain(declared.iter().copied()).filter_map(|name| Some((name, find(name)?))) {
        symlink(path, new.path().join(name))?;
    }
    match fs::rename(new.keep(), folder) {
        Err(_) if folder.is_dir() => Ok(()),
        result => result,
    }
}
