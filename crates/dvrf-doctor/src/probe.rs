//! The result of a probe, and the list of all of them.

use serde::Serialize;
use supra_core::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    Ok,
    /// Something is missing that only some runs need.
    Warning,
    /// A run would fail.
    Wrong,
}

#[derive(Clone, Serialize)]
pub(crate) struct Probe {
    /// The subscription of the settings file that it is about, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    pub(crate) name: String,
    pub(crate) health: Health,
    pub(crate) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<String>,
}

/// The results, in the order of the output.
#[derive(Default)]
pub(crate) struct Probes(pub(crate) Vec<Probe>);

impl Probes {
    pub(crate) fn ok(&mut self, name: &str, found: impl Into<String>) {
        self.add(name, Health::Ok, found.into(), None);
    }

    pub(crate) fn warning(&mut self, name: &str, found: impl Into<String>, fix: Option<&str>) {
        self.add(name, Health::Warning, found.into(), fix.map(str::to_owned));
    }

    pub(crate) fn wrong(&mut self, name: &str, found: impl Into<String>, fix: impl Into<String>) {
        self.add(name, Health::Wrong, found.into(), Some(fix.into()));
    }

    /// Adds an error, with its hint as the fix.
    pub(crate) fn failed(&mut self, name: &str, failure: impl Into<Failure>) {
        let Failure { message, hint, .. } = failure.into();
        self.add(name, Health::Wrong, message, hint);
    }

    /// Whether a run would fail.
    pub(crate) fn found_problem(&self) -> bool {
        self.0.iter().any(|probe| probe.health == Health::Wrong)
    }

    fn add(&mut self, name: &str, health: Health, found: String, fix: Option<String>) {
        self.0.push(Probe { subscription: None, name: name.to_owned(), health, found, fix });
    }
}
