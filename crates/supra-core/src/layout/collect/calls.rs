//! The request of each read: addresses, modules and arguments filled in.

use serde_json::Value;

use super::Reader;
use crate::address::Address;
use crate::events::VRF_MODULE;
use crate::failure::{Failure, FailureKind, quote};
use crate::layout::file::{AddressText, ArgumentKind, ArgumentRule, ArgumentValue, ReadRule, Ref};
use crate::layout::readings::Reading;
use crate::transport::Request;
use crate::view::{Argument, FunctionId, ViewCall};

impl Reader<'_> {
    /// The address with this name.
    pub(super) fn address(&self, name: &str) -> Result<Address, Failure> {
        let mut at = name;
        for _ in 0..=self.file().address.len() {
            match at {
                "client" => return Ok(self.target.client),
                "deposit" => return Ok(self.target.deposit),
                "consumer" if self.target.consumer.is_some() => {
                    return self.target.consumer.ok_or_else(|| missing(name));
                }
                _ => match self.layout.address(at) {
                    Some(AddressText::Literal(address)) => return Ok(*address),
                    Some(AddressText::Name(next)) => at = next,
                    None => break,
                },
            }
        }
        Err(missing(name))
    }

    /// The account and the name of a module.
    pub(super) fn module(&self, alias: &str) -> Result<(Address, String), Failure> {
        match alias {
            "dvrf" => Ok((self.target.deposit, VRF_MODULE.to_owned())),
            "deposit" => Ok((self.target.deposit, self.target.deposit_module.clone())),
            _ => {
                let rule = self.file().module.get(alias).ok_or_else(|| missing(alias))?;
                let candidate = self.candidates.get(alias).copied().unwrap_or(0);
                let name = rule.names().iter().nth(candidate).ok_or_else(|| missing(alias))?;
                Ok((self.address(rule.at())?, name.to_owned()))
            }
        }
    }

    pub(super) fn type_tag(&self, of: &Ref) -> Result<String, Failure> {
        let (account, module) = self.module(&of.alias)?;
        Ok(format!("{}::{module}::{}", account.short(), of.name))
    }

    pub(super) fn full_name(&self, of: &Ref) -> String {
        self.type_tag(of).unwrap_or_else(|_| of.to_string())
    }

    /// The request of a read for an element or a key.
    pub(super) fn request(&self, rule: &ReadRule, part: &str) -> Result<Request, Failure> {
        if let Some(view) = &rule.view {
            let (address, module) = self.module(&view.alias)?;
            let arguments = rule.args.iter().map(|argument| self.argument(argument, part));
            let call = ViewCall {
                function: FunctionId { address, module, name: view.name.clone() },
                type_arguments: rule.types.iter().map(|of| self.type_tag(of)).collect::<Result<_, _>>()?,
                arguments: arguments.collect::<Result<_, _>>()?,
            };
            return Ok(Request::View(call));
        }
        if let Some(of) = rule.resource.as_ref().or(rule.exists.as_ref()) {
            let account = match &rule.at {
                Some(at) => self.address(at)?,
                None => self.module(&of.alias)?.0,
            };
            return Ok(Request::Resource { account, type_tag: self.type_tag(of)? });
        }
        let handle = rule.table.as_ref().map(|path| self.find(path, ""));
        let Some(Reading::Known(Value::String(handle))) = handle else {
            return Err(Failure::new(FailureKind::Undecodable, "the table's handle is not known"));
        };
        let handle: Address = handle
            .parse()
            .map_err(|_| Failure::new(FailureKind::Undecodable, "the table's handle is not an address"))?;
        let value_type = rule.value_type.clone().unwrap_or_default();
        let value_type = match value_type.parse::<Ref>() {
            Ok(of) if self.module(&of.alias).is_ok() => self.type_tag(&of)?,
            _ => value_type,
        };
        let key = rule.key.clone().unwrap_or_default();
        let key = match key.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some("key") => part.to_owned(),
            Some(name) if rule.each.as_deref() == Some(name) => part.to_owned(),
            Some(name) => self.address(name)?.to_string(),
            None => key,
        };
        let key_type = rule.key_type.clone().unwrap_or_default();
        Ok(Request::TableItem { handle, key_type, value_type, key })
    }

    pub(super) fn argument(&self, argument: &ArgumentRule, part: &str) -> Result<Argument, Failure> {
        let text = match &argument.value {
            ArgumentValue::Literal(text) => text.clone(),
            ArgumentValue::Key => part.to_owned(),
            ArgumentValue::Name(name) if self.file().list.contains_key(name) => part.to_owned(),
            ArgumentValue::Name(name) => self.address(name)?.to_string(),
        };
        let parsed = match argument.kind {
            ArgumentKind::Address => text.parse().map(Argument::Address).ok(),
            ArgumentKind::U64 => text.parse().map(Argument::U64).ok(),
            ArgumentKind::U8 => text.parse().map(Argument::U8).ok(),
        };
        let message = || format!("{:?} does not fit the type of the argument", quote(&text));
        parsed.ok_or_else(|| Failure::new(FailureKind::Undecodable, message()))
    }
}

fn missing(name: &str) -> Failure {
    Failure::new(FailureKind::Config, format!("the target has no address for {name}"))
}
