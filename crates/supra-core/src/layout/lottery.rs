//! The layout of the lottery `main_v2`. Its values have types of their own, [`crate::state::Lottery`]; its file names the
//! functions and the resource that they are read from.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Layout;
use super::file::{LayoutFile, Ref};
use crate::view::catalogue::{Candidate, Subject};

/// The text of the file.
pub(super) const TEXT: &str = include_str!("main_v2.toml");

/// The names of the lottery's functions and of its resource.
#[derive(Debug, Default)]
pub struct LotteryNames {
    /// What the layout is for.
    pub title: &'static str,
    /// The struct of the resource that has nearly all values.
    pub resource: &'static str,
    /// The view of the round's status.
    pub status: &'static str,
    /// The entry function that requests a draw.
    pub draw: &'static str,
    /// The function that takes the answer.
    pub callback: &'static str,
    candidates: BTreeMap<&'static str, Vec<Candidate>>,
}

static LAYOUT: LazyLock<Option<Layout>> = LazyLock::new(|| Layout::parse(TEXT, &|_| None).ok());

/// Empty only if the file were broken, which a test excludes.
static NAMES: LazyLock<LotteryNames> =
    LazyLock::new(|| LAYOUT.as_ref().and_then(|layout| LotteryNames::of(&layout.file)).unwrap_or_default());

/// The names in the lottery's layout.
pub fn lottery() -> &'static LotteryNames {
    &NAMES
}

impl LotteryNames {
    fn of(file: &'static LayoutFile) -> Option<Self> {
        let request = file.request.first()?;
        let name = |of: &'static Ref| of.name.as_str();
        let view = |key: &str| file.read.get(key)?.view.as_ref().map(name);
        Some(Self {
            title: &file.title,
            resource: name(file.require.ready.as_ref()?),
            status: view("lottery_status")?,
            draw: name(&file.draw.as_ref()?.run),
            callback: name(request.callback.first()?),
            candidates: candidates(file),
        })
    }

    /// The ways to read what `views` of a record calls by this key, best first. The resource is among them where it comes
    /// before the view.
    pub fn candidates(&self, key: &str) -> &[Candidate] {
        self.candidates.get(key).map_or(&[], Vec::as_slice)
    }
}

/// The candidates by key: the name of a read, or of a value that only the resource has.
fn candidates(file: &'static LayoutFile) -> BTreeMap<&'static str, Vec<Candidate>> {
    let mut found = BTreeMap::new();
    for (name, value) in &file.value {
        let mut ways = Vec::new();
        let mut key = name.as_str();
        for path in &value.from {
            match file.read.get(&path.read).and_then(|read| read.view.as_ref()) {
                None => ways.push(Candidate::LotteryData),
                Some(view) => {
                    key = path.read.as_str();
                    ways.push(Candidate::View(&view.name, Subject::Nothing));
                    break;
                }
            }
        }
        found.insert(key, ways);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::catalogue::{CATALOGUE, Place};

    #[test]
    fn the_file_is_a_layout_and_names_everything() {
        assert_eq!(LAYOUT.as_ref().unwrap().name(), crate::layout::MAIN);
        let names = lottery();
        let said = [names.resource, names.status, names.draw, names.callback];
        assert_eq!(said, ["LotteryData", "get_lottery_status", "manual_draw", "on_random_received"]);
    }

    /// Every value of the lottery that is wanted has a way to be read, and every view of the file is wanted.
    #[test]
    fn the_file_and_the_catalogue_agree() {
        let file = LAYOUT.as_ref().unwrap().file();
        let wanted = || CATALOGUE.iter().filter(|entry| entry.place == Place::Lottery).map(|entry| entry.key);
        for key in wanted() {
            assert!(!lottery().candidates(key).is_empty(), "{key}");
        }
        for (name, _) in file.read.iter().filter(|(_, read)| read.view.is_some()) {
            assert!(wanted().any(|key| key == name), "{name}");
        }
    }

    #[test]
    fn the_view_comes_first_where_the_file_says_so() {
        let view = |name| Candidate::View(name, Subject::Nothing);
        assert_eq!(lottery().candidates("lottery_status"), [view("get_lottery_status")]);
        let gas = [Candidate::LotteryData, view("get_vrf_gas_config")];
        assert_eq!(lottery().candidates("vrf_gas_config"), gas);
        assert_eq!(lottery().candidates("pending_nonce"), [Candidate::LotteryData]);
    }
}
