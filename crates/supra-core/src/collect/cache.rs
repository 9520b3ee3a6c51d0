//! Caches which view functions answered, so that the next run sends one request per value, and what the modules were made
//! of, so that an upgrade is noticed.
//!
//! A cache that is unreadable or of another chain is ignored, and a failure to write it as well. It contains only names
//! and digests.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::file::{self, Durability, Temporary};
use crate::target::Target;

/// How long a cache is valid: a function that the chain lacked may be deployed later.
const SECONDS_VALID: i64 = 24 * 3600;

/// The largest cache file in bytes; a cache has a few kB.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Functions by view key; `None` for a value that nothing answered.
pub(super) type Choices = BTreeMap<String, Option<String>>;

/// What a cache holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Empty once they are too old.
    pub(super) choices: Choices,
    /// Digests of bytecode by `ADDRESS::module`.
    #[serde(default)]
    pub(super) modules: BTreeMap<String, String>,
    /// The modules whose bytecode had changed when it was last looked at.
    #[serde(default)]
    pub(super) upgraded: Vec<String>,
    /// Whether there is no cache of the last day, so that the modules are looked at again.
    #[serde(skip)]
    pub(super) is_stale: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    chain: String,
    saved_at_s: i64,
    #[serde(flatten)]
    memory: Memory,
}

/// The cache of one chain and target; without a path it is disabled.
#[derive(Debug, Clone)]
pub struct Cache {
    path: Option<PathBuf>,
    chain: String,
}

impl Cache {
    /// Returns the cache for a chain's identity and a target's contracts; function names do not depend on the client.
    pub fn new(directory: Option<&Path>, identity: &str, target: &Target) -> Self {
        let lottery = target.lottery.map(|address| address.to_string()).unwrap_or_default();
        let chain = format!(
            "{identity} {}::{} {lottery}::{}",
            target.deposit, target.deposit_module, target.lottery_module
        );
        // A collision, or another hash in another Rust version, only misses: the file repeats the key in full.
        let mut hasher = DefaultHasher::new();
        chain.hash(&mut hasher);
        let path =
            directory.map(|directory| directory.join(format!("functions-{:016x}.json", hasher.finish())));
        Self { path, chain }
    }

    pub(super) fn load(&self, now: Timestamp) -> Memory {
        let Some(path) = &self.path else { return Memory::default() };
        let file: Option<File> =
            file::read(path, FILE_BYTES_MAX).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let Some(file) = file.filter(|file| file.chain == self.chain) else {
            return Memory { is_stale: true, ..Memory::default() };
        };
        let age = now.as_second().saturating_sub(file.saved_at_s);
        if (0..SECONDS_VALID).contains(&age) {
            return file.memory;
        }
        // What a module was made of is compared however long ago it was.
        Memory { modules: file.memory.modules, is_stale: true, ..Memory::default() }
    }

    /// Replaces the cache file.
    pub(super) fn save(&self, memory: &Memory, now: Timestamp) {
        let Some(path) = &self.path else { return };
        let Some(directory) = path.parent() else { return };
        let file = File { chain: self.chain.clone(), saved_at_s: now.as_second(), memory: memory.clone() };
        let written = (|| {
            fs::create_dir_all(directory)?;
            let mut text = serde_json::to_vec(&file)?;
            text.push(b'\n');
            file::replace(path, &text, 0o600, Durability::None, Temporary::Unique)
        })();
        // Without a cache the next run sends more requests, which is not a reason to fail.
        drop(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target::of_lottery("0x1".parse().unwrap(), "0x2".parse().unwrap())
    }

    #[test]
    fn kept_for_a_day_for_one_chain() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("not/yet");
        let cache = Cache::new(Some(&deep), "rpc http://a", &target());
        let start = Timestamp::from_second(1_000_000).unwrap();
        let later = |seconds| Timestamp::from_second(1_000_000 + seconds).unwrap();
        let memory = Memory {
            choices: [("balance".to_owned(), Some("f".to_owned())), ("paused".to_owned(), None)].into(),
            modules: [("0x1::m".to_owned(), "abc".to_owned())].into(),
            upgraded: vec!["0x1::m".to_owned()],
            is_stale: false,
        };
        let none = Memory { is_stale: true, ..Memory::default() };
        assert_eq!(cache.load(start), none);
        cache.save(&memory, start);
        assert_eq!(cache.load(later(SECONDS_VALID - 1)), memory);
        let old = Memory { modules: memory.modules.clone(), ..none.clone() };
        assert_eq!(cache.load(later(SECONDS_VALID)), old);
        assert_eq!(cache.load(later(-1)), old);
        assert_eq!(Cache::new(Some(&deep), "rpc http://b", &target()).load(start), none);
        fs::write(cache.path.as_ref().unwrap(), b"{\"chain\":").unwrap();
        assert_eq!(cache.load(start), none);
        assert_eq!(Cache::new(None, "x", &target()).load(start), Memory::default());
    }

    #[test]
    fn an_unwritable_place_is_no_cache() {
        let unwritable = Cache::new(Some(Path::new("/proc/none")), "x", &target());
        unwritable.save(&Memory::default(), Timestamp::UNIX_EPOCH);
        assert!(unwritable.load(Timestamp::UNIX_EPOCH).choices.is_empty());
    }
}
