//! Resolves the addresses, module names and arguments of a layout for one target.

use std::collections::BTreeMap;

use super::Layout;
use super::file::{AddressText, ArgumentRule, ArgumentValue, LayoutFile, ReadRule, Ref};
use crate::address::Address;
use crate::events::VRF_MODULE;
use crate::failure::{Failure, FailureKind, quote};
use crate::target::Target;
use crate::transport::Request;
use crate::view::{Argument, FunctionId, ViewCall};

/// A layout for one target.
pub(super) struct Resolver<'a> {
    pub(super) layout: &'a Layout,
    pub(super) target: &'a Target,
    /// The index of the name that each module has among its possible names; the first until a read fails by it.
    pub(super) candidates: BTreeMap<&'a str, usize>,
}

impl<'a> Resolver<'a> {
    /// Starts with the first name of each module.
    pub(super) fn new(layout: &'a Layout, target: &'a Target) -> Self {
        Self { layout, target, candidates: BTreeMap::new() }
    }

    pub(super) fn file(&self) -> &'a LayoutFile {
        self.layout.file()
    }

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

    /// The full name of a function.
    pub(super) fn function(&self, of: &Ref) -> Result<FunctionId, Failure> {
        let (address, module) = self.module(&of.alias)?;
        Ok(FunctionId { address, module, name: of.name.clone() })
    }

    pub(super) fn type_tag(&self, of: &Ref) -> Result<String, Failure> {
        let (account, module) = self.module(&of.alias)?;
        Ok(format!("{}::{module}::{}", account.short(), of.name))
    }

    pub(super) fn full_name(&self, of: &Ref) -> String {
        self.type_tag(of).unwrap_or_else(|_| of.to_string())
    }

    /// The request that reads a view or a resource; `part` is the list element or the request's key. `None` for a table.
    pub(super) fn request(&self, rule: &ReadRule, part: &str) -> Option<Result<Request, Failure>> {
        if let Some(view) = &rule.view {
            return Some(self.view(view, rule, part));
        }
        let of = rule.resource.as_ref().or(rule.exists.as_ref())?;
        Some(self.resource(of, rule.at.as_deref()))
    }

    fn view(&self, view: &Ref, rule: &ReadRule, part: &str) -> Result<Request, Failure> {
        let arguments = rule.args.iter().map(|argument| self.argument(argument, part));
        Ok(Request::View(ViewCall {
            function: self.function(view)?,
            type_arguments: rule.types.iter().map(|of| self.type_tag(of)).collect::<Result<_, _>>()?,
            arguments: arguments.collect::<Result<_, _>>()?,
        }))
    }

    fn resource(&self, of: &Ref, at: Option<&str>) -> Result<Request, Failure> {
        let account = match at {
            Some(at) => self.address(at)?,
            None => self.module(&of.alias)?.0,
        };
        Ok(Request::Resource { account, type_tag: self.type_tag(of)? })
    }

    pub(super) fn argument(&self, argument: &ArgumentRule, part: &str) -> Result<Argument, Failure> {
        let text = match &argument.value {
            ArgumentValue::Literal(text) => text.clone(),
            ArgumentValue::Key => part.to_owned(),
            ArgumentValue::Name(name) if self.file().list.contains_key(name) => part.to_owned(),
            ArgumentValue::Name(name) => self.address(name)?.to_string(),
        };
        let parsed = argument.kind.argument(&text);
        let message = || format!("{:?} does not fit the type of the argument", quote(&text));
        parsed.ok_or_else(|| Failure::new(FailureKind::Undecodable, message()))
    }
}

fn missing(name: &str) -> Failure {
    Failure::new(FailureKind::Config, format!("the target has no address for {name}"))
}
