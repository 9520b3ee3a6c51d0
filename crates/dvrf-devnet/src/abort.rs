//! Failed calls: Move aborts and unresolved functions in the words of each node generation.

use crate::address::Address;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub(crate) enum Node {
    #[value(name = "v11.7")]
    V11_7,
    #[value(name = "v11.5")]
    V11_5,
    #[value(name = "v6")]
    V6,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Abort {
    pub(crate) address: Address,
    pub(crate) module: String,
    pub(crate) code: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    Abort(Abort),
    NoModule { address: Address, module: String },
    NoFunction { address: Address, module: String, function: String },
    Arguments(String),
}

impl CallError {
    pub(crate) fn status(&self, node: Node) -> u16 {
        match (self, node) {
            (Self::Arguments(_), _) | (_, Node::V11_7) => 400,
            (Self::Abort(_), _) | (_, Node::V6) => 500,
            (_, Node::V11_5) => 400,
        }
    }

    /// `function` is the called function's full name.
    pub(crate) fn message(&self, node: Node, function: &str) -> String {
        let short = function.rsplit("::").next().unwrap_or_default();
        match (self, node) {
            (Self::Arguments(text), _) => text.clone(),
            (Self::Abort(a), Node::V6) => format!(
                "Failed to execute view function: VMError {{ major_status: ABORTED, sub_status: Some({}), message: Some(\"0x{}::{}::{short} at offset 43\"), exec_state: None, location: Module(ModuleId {{ address: {}, name: Identifier(\"{}\") }}), indices: [], offsets: [(FunctionDefinitionIndex(2), 43)] }}",
                a.code,
                a.address.padded(),
                a.module,
                a.address.padded(),
                a.module
            ),
            (Self::Abort(a), _) => format!(
                "Failed to execute view function: ABORTED with sub status {} at location Module {}::{} and message {}::{}::{short} at offset 43 at code offset 43 in function definition 2",
                a.code, a.address, a.module, a.address, a.module
            ),
            (Self::NoFunction { address, module, function }, Node::V6) => format!(
                "Failed to execute view function: VMError {{ major_status: FUNCTION_RESOLUTION_FAILURE, sub_status: None, message: Some(\"Function {function} does not exist in 0x{}::{module}\"), exec_state: None, location: Undefined, indices: [], offsets: [] }}",
                address.padded()
            ),
            (Self::NoFunction { address, module, function }, _) => format!(
                "Failed to execute view function: FUNCTION_RESOLUTION_FAILURE at location UNDEFINED and message Function {address}::{module}::{function} does not exist"
            ),
            (Self::NoModule { address, module }, Node::V6) => format!(
                "Failed to execute view function: VMError {{ major_status: LINKER_ERROR, sub_status: None, message: Some(\"Cannot find 0x{}::{module} in data cache\"), exec_state: None, location: Undefined, indices: [], offsets: [] }}",
                address.padded()
            ),
            (Self::NoModule { address, module }, _) => format!(
                "Failed to execute view function: LINKER_ERROR at location UNDEFINED and message Module {address}::{module} not found"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Abort, CallError, Node};
    use crate::address::Address;

    #[test]
    fn an_abort_is_400_in_new_words_and_500_in_old_ones() {
        let error =
            CallError::Abort(Abort { address: Address::small(7), module: "deposit".into(), code: 393_217 });
        let statuses = [Node::V11_7, Node::V11_5, Node::V6].map(|node| error.status(node));
        assert_eq!(statuses, [400, 500, 500]);
        let text = error.message(Node::V11_7, "0x7::deposit::f");
        assert!(text.starts_with("Failed to execute view function: ABORTED with sub status 393217 at location Module 0x7::deposit and message"), "{text}");
        assert!(error.message(Node::V6, "0x7::deposit::f").contains("sub_status: Some(393217)"));
    }
}
