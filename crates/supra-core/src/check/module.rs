//! Names of consumer modules: an address, a module or a marker type.

use std::fmt;
use std::str::FromStr;

use crate::address::Address;

/// A consumer module as an operator names it: `0x1`, `0x1::game` or `0x1::game::Marker`. A part that is left out matches
/// any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleName {
    address: Address,
    rest: Vec<String>,
}

/// Why a text is not the name of a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a module is named as ADDRESS, ADDRESS::MODULE or ADDRESS::MODULE::TYPE")]
pub struct ModuleNameError;

impl FromStr for ModuleName {
    type Err = ModuleNameError;

    fn from_str(text: &str) -> Result<Self, ModuleNameError> {
        let mut parts = text.trim().split("::");
        let address = parts.next().and_then(|part| part.parse().ok()).ok_or(ModuleNameError)?;
        let rest: Vec<String> = parts.map(str::to_owned).collect();
        if rest.len() > 2 || rest.iter().any(String::is_empty) {
            return Err(ModuleNameError);
        }
        Ok(Self { address, rest })
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address.short())?;
        self.rest.iter().try_for_each(|part| write!(f, "::{part}"))
    }
}

impl ModuleName {
    /// Returns whether the name matches a marker type of the chain. Addresses are compared by value, not by text.
    pub fn matches(&self, marker_type: &str) -> bool {
        let mut parts = marker_type.splitn(3, "::");
        let address = parts.next().and_then(|part| part.parse::<Address>().ok());
        address == Some(self.address) && self.rest.iter().all(|part| parts.next() == Some(part.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_matches_everything() {
        let matches = |name: &str, found: &str| name.parse::<ModuleName>().unwrap().matches(found);
        for name in ["0xA", "0x0a::game", "0xa::game::Marker"] {
            assert!(matches(name, "0x000a::game::Marker"), "{name}");
        }
        for name in ["0xb", "0xa::gam", "0xa::game::Mark", "0xa::Marker"] {
            assert!(!matches(name, "0xa::game::Marker"), "{name}");
        }
        for text in ["", "game", "0xa::", "0xa::a::b::c"] {
            assert_eq!(text.parse::<ModuleName>(), Err(ModuleNameError), "{text}");
        }
    }
}
