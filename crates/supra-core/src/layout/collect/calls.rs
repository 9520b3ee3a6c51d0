//! The request of each read.

use serde_json::Value;

use super::Reader;
use crate::address::Address;
use crate::failure::{Failure, FailureKind};
use crate::layout::file::{ReadRule, Ref};
use crate::layout::readings::Reading;
use crate::transport::Request;

impl Reader<'_> {
    /// The request of a read for an element or a key.
    pub(super) fn request(&self, rule: &ReadRule, part: &str) -> Result<Request, Failure> {
        self.names.request(rule, part).unwrap_or_else(|| self.table_item(rule, part))
    }

    fn table_item(&self, rule: &ReadRule, part: &str) -> Result<Request, Failure> {
        let handle = rule.table.as_ref().map(|path| self.find(path, ""));
        let Some(Reading::Known(Value::String(handle))) = handle else {
            return Err(Failure::new(FailureKind::Undecodable, "the table's handle is not known"));
        };
        let handle: Address = handle
            .parse()
            .map_err(|_| Failure::new(FailureKind::Undecodable, "the table's handle is not an address"))?;
        let value_type = rule.value_type.clone().unwrap_or_default();
        let value_type = match value_type.parse::<Ref>() {
            Ok(of) if self.names.module(&of.alias).is_ok() => self.names.type_tag(&of)?,
            _ => value_type,
        };
        let key = rule.key.clone().unwrap_or_default();
        let key = match key.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some("key") => part.to_owned(),
            Some(name) if rule.each.as_deref() == Some(name) => part.to_owned(),
            Some(name) => self.names.address(name)?.to_string(),
            None => key,
        };
        let key_type = rule.key_type.clone().unwrap_or_default();
        Ok(Request::TableItem { handle, key_type, value_type, key })
    }
}
