//! What a subscription is called in its one label, so that no two of a run share a name.

use super::label::value_text;

/// How a record names itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The `name` of a fleet's line.
    pub name: Option<String>,
    /// The CLI profile.
    pub profile: Option<String>,
    /// The lottery's address as given.
    pub lottery: Option<String>,
    /// The dVRF package's address as given.
    pub deposit: Option<String>,
    /// The paying client's address as given.
    pub client: Option<String>,
}

impl Identity {
    /// The best single name: its own, the profile, the client, the lottery.
    fn base(&self) -> Option<&str> {
        let names = [&self.name, &self.profile, &self.client, &self.lottery];
        names.into_iter().flatten().map(String::as_str).find(|name| !name.is_empty())
    }

    /// Who pays: the client, else the lottery.
    pub fn payer(&self) -> Option<&str> {
        self.client.as_deref().or(self.lottery.as_deref())
    }
}

/// What a record without any name is called.
const NAMELESS: &str = "-";

/// The label of every record, in their order. Records of one name and several payers get the payer added.
pub fn subscriptions<'a>(identities: impl Iterator<Item = &'a Identity> + Clone) -> Vec<String> {
    use std::collections::HashMap;
    let mut payers: HashMap<&str, Vec<Option<&str>>> = HashMap::new();
    for identity in identities.clone() {
        let known = payers.entry(identity.base().unwrap_or(NAMELESS)).or_default();
        if known.len() < 2 && !known.contains(&identity.payer()) {
            known.push(identity.payer());
        }
    }
    let label = |identity: &Identity| {
        let base = identity.base().unwrap_or(NAMELESS);
        let shared = payers.get(base).is_some_and(|payers| payers.len() > 1);
        match identity.payer().filter(|payer| shared && *payer != base) {
            Some(payer) => value_text(&format!("{base}/{payer}")),
            None => value_text(base),
        }
    };
    identities.map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str, profile: &str, client: &str) -> Identity {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Identity { name: text(name), profile: text(profile), client: text(client), ..Identity::default() }
    }

    #[test]
    fn the_first_name_there_is() {
        let all = [
            identity("eu", "p", "0x1"),
            identity("", "q", "0x2"),
            identity("", "", "0x3"),
            Identity::default(),
        ];
        assert_eq!(subscriptions(all.iter()), ["eu", "q", "0x3", "-"]);
    }

    #[test]
    fn a_shared_profile_is_told_apart_by_payer() {
        let all = [identity("", "p", "0x1"), identity("", "p", "0x2"), identity("", "q", "0x3")];
        assert_eq!(subscriptions(all.iter()), ["p/0x1", "p/0x2", "q"]);
        let twice = [identity("", "p", "0x1"), identity("", "p", "0x1")];
        assert_eq!(subscriptions(twice.iter()), ["p", "p"]);
    }
}
