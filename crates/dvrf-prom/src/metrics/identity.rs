//! The `subscription` label, which is unique for each subscription of a run.

use std::collections::HashMap;

use supra_core::report::SubscriptionId;

use super::label::value_text;

/// What the label of a record is made of.
pub(crate) struct Identity {
    label: String,
    payer: Option<String>,
}

impl From<&SubscriptionId> for Identity {
    fn from(id: &SubscriptionId) -> Self {
        Self { label: id.label().to_owned(), payer: id.payer().map(str::to_owned) }
    }
}

/// Returns the label of every record, in their order. Where records share a name but not a payer, the payer is added.
pub(crate) fn subscriptions<'a>(identities: impl Iterator<Item = &'a Identity> + Clone) -> Vec<String> {
    let mut payers: HashMap<&str, Vec<Option<&str>>> = HashMap::new();
    for Identity { label, payer } in identities.clone() {
        let known = payers.entry(label).or_default();
        if known.len() < 2 && !known.contains(&payer.as_deref()) {
            known.push(payer.as_deref());
        }
    }
    let label = |Identity { label: base, payer }: &Identity| {
        let shared = payers.get(base.as_str()).is_some_and(|payers| payers.len() > 1);
        match payer.as_ref().filter(|payer| shared && *payer != base) {
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
        Identity::from(&SubscriptionId {
            name: text(name),
            profile: text(profile),
            client: text(client),
            ..SubscriptionId::default()
        })
    }

    #[test]
    fn the_label_is_the_first_known_name() {
        let all = [
            identity("eu", "p", "0x1"),
            identity("", "q", "0x2"),
            identity("", "", "0x3"),
            Identity::from(&SubscriptionId::default()),
        ];
        assert_eq!(subscriptions(all.iter()), ["eu", "q", "0x3", "-"]);
    }

    #[test]
    fn records_of_one_profile_are_labelled_by_payer() {
        let all = [identity("", "p", "0x1"), identity("", "p", "0x2"), identity("", "q", "0x3")];
        assert_eq!(subscriptions(all.iter()), ["p/0x1", "p/0x2", "q"]);
        let twice = [identity("", "p", "0x1"), identity("", "p", "0x1")];
        assert_eq!(subscriptions(twice.iter()), ["p", "p"]);
    }
}
