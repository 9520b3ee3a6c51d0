//! What `supra move tool list --query resources` prints.

use serde_json::Value;

use crate::address::Address;
use crate::view::FunctionId;

/// The resources of an account by type.
pub(super) struct ResourceList<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> ResourceList<'a> {
    /// Reads items in the form `{"type": TYPE, "data": DATA}` or `{TYPE: DATA}`.
    pub(super) fn new(list: &'a Value) -> Self {
        let items = list.as_array().map_or(&[][..], Vec::as_slice);
        let pairs = items.iter().flat_map(|item| {
            match (item.get("type").and_then(Value::as_str), item.get("data")) {
                (Some(tag), Some(data)) => vec![(tag, data)],
                _ => item.as_object().into_iter().flatten().map(|(tag, data)| (tag.as_str(), data)).collect(),
            }
        });
        Self(pairs.collect())
    }

    /// The resource of this type.
    pub(super) fn get(&self, type_tag: &str) -> Option<&'a Value> {
        self.0.iter().find(|(tag, _)| same_type(tag, type_tag)).map(|(_, data)| *data)
    }

    /// The account that has them, as the events of its keys say.
    pub(super) fn account(&self) -> Option<Address> {
        let account = self.get("0x1::account::Account")?;
        account.pointer("/key_rotation_events/guid/id/addr")?.as_str()?.parse().ok()
    }
}

/// Whether two types are the same, in whatever form their addresses are.
fn same_type(one: &str, other: &str) -> bool {
    let parsed = |tag: &str| tag.parse::<FunctionId>().ok();
    one == other || parsed(one).is_some_and(|one| Some(one) == parsed(other))
}
