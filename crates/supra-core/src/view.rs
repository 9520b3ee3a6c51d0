//! Calls of Move view functions: a function, its arguments, and how each transport spells them.

pub mod catalogue;

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::address::Address;

/// A fully qualified Move function, `0x…::module::function`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId {
    /// The account that published the module.
    pub address: Address,
    /// The module's name.
    pub module: String,
    /// The function's name.
    pub name: String,
}

/// Why a text is not a function id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FunctionIdError {
    /// Not three parts.
    #[error("a function is written ADDRESS::module::name")]
    Parts,
    /// A part is not a Move identifier.
    #[error("{0:?} is no Move identifier")]
    Identifier(String),
    /// The address part.
    #[error("the address of the function is wrong")]
    Address(#[source] crate::address::AddressError),
}

/// Whether a text is a Move identifier: what may stand in a URL, a command line and a shell script as it is.
pub fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.len() <= 128
}

impl FromStr for FunctionId {
    type Err = FunctionIdError;

    fn from_str(text: &str) -> Result<Self, FunctionIdError> {
        let parts: Vec<&str> = text.trim().split("::").collect();
        let [address, module, name] = parts[..] else {
            return Err(FunctionIdError::Parts);
        };
        for part in [module, name] {
            if !is_identifier(part) {
                return Err(FunctionIdError::Identifier(part.to_owned()));
            }
        }
        Ok(Self {
            address: address.parse().map_err(FunctionIdError::Address)?,
            module: module.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}::{}", self.address, self.module, self.name)
    }
}

/// A typed view argument. Signers are never passed, structs cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Argument {
    /// `address`.
    Address(Address),
    /// `vector<address>`.
    Addresses(Vec<Address>),
    /// `u64`.
    U64(u64),
    /// `u8`.
    U8(u8),
}

impl Argument {
    /// The JSON the REST API takes: u8 as a number, u64 as a decimal string, vectors as arrays.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Address(address) => json!(address),
            Self::Addresses(addresses) => json!(addresses),
            Self::U64(number) => json!(number.to_string()),
            Self::U8(number) => json!(number),
        }
    }

    /// The CLI's `TYPE:VALUE` form.
    pub fn to_cli(&self) -> String {
        match self {
            Self::Address(address) => format!("address:{address}"),
            Self::Addresses(addresses) => {
                let list: Vec<String> = addresses.iter().map(Address::to_string).collect();
                format!("address:[{}]", list.join(","))
            }
            Self::U64(number) => format!("u64:{number}"),
            Self::U8(number) => format!("u8:{number}"),
        }
    }
}

/// One call of a view function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ViewCall {
    /// What is called.
    pub function: FunctionId,
    /// Type arguments, such as a consumer's marker type.
    pub type_arguments: Vec<String>,
    /// Arguments in order.
    pub arguments: Vec<Argument>,
}

impl ViewCall {
    /// The request body of `POST /rpc/v3/view` (v2 and v1 take the same).
    pub fn to_json(&self) -> Value {
        json!({
            "function": self.function.to_string(),
            "type_arguments": self.type_arguments,
            "arguments": self.arguments.iter().map(Argument::to_json).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_ids() {
        let id: FunctionId = "0x1::timestamp::now_microseconds".parse().unwrap();
        assert_eq!(id.to_string(), format!("{}::timestamp::now_microseconds", Address::FRAMEWORK));
        assert_eq!("0x1::a".parse::<FunctionId>(), Err(FunctionIdError::Parts));
        assert_eq!("0x1::a::b;c".parse::<FunctionId>(), Err(FunctionIdError::Identifier("b;c".to_owned())));
        assert!(matches!("x::a::b".parse::<FunctionId>(), Err(FunctionIdError::Address(_))));
    }

    #[test]
    fn arguments_in_both_spellings() {
        let one = Address::FRAMEWORK;
        assert_eq!(Argument::U64(7).to_json(), json!("7"));
        assert_eq!(Argument::Addresses(vec![one, one]).to_cli(), format!("address:[{one},{one}]"));
        assert_eq!(Argument::Address(one).to_cli(), format!("address:{one}"));
    }
}
