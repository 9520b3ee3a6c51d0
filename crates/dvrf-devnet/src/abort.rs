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

/// The words of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub(crate) enum Words {
    /// As nodes were heard to say it.
    Recorded,
    /// As this emulator once invented it.
    Invented,
}

/// How a node speaks of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) node: Node,
    pub(crate) words: Words,
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
    NoModule {
        address: Address,
        module: String,
    },
    NoFunction {
        address: Address,
        module: String,
        function: String,
    },
    Arguments(String),
    /// `borrow_global` of a resource that is not there: a status without a code.
    MissingData {
        address: Address,
        module: String,
    },
    /// The wrong number of arguments or, where the flag is set, of type arguments.
    Count {
        of_types: bool,
        expected: usize,
        got: Vec<String>,
    },
}

impl CallError {
    pub(crate) fn not_a_view(function: &str) -> Self {
        Self::Arguments(format!("{function} is not a view function"))
    }

    pub(crate) fn status(&self, dialect: Dialect) -> u16 {
        match (self, dialect.node, dialect.words) {
            (Self::Arguments(_) | Self::Count { .. }, ..) | (_, Node::V11_7, _) => 400,
            (Self::Abort(_) | Self::MissingData { .. }, ..) | (_, Node::V6, _) | (.., Words::Recorded) => 500,
            (_, Node::V11_5, _) => 400,
        }
    }

    /// `function` is the called function's full name.
    pub(crate) fn message(&self, dialect: Dialect, function: &str) -> String {
        match (self, dialect.words) {
            (Self::Count { of_types: true, expected, got }, Words::Recorded) => {
                format!("expected {expected} type arguments, but got {} ({got:?})", got.len())
            }
            (Self::Count { of_types: false, expected, got }, Words::Recorded) => {
                format!("expected {expected} arguments [], but got {} ({got:?})", got.len())
            }
            (Self::NoFunction { address, module, function }, Words::Recorded) => {
                format!("could not find entry function by {address}::{module}::{function}")
            }
            (Self::NoModule { address, module }, Words::Recorded) => format!(
                "Module ModuleId {{ address: {}, name: Identifier(\"{module}\") }} can't be found",
                address.padded()
            ),
            _ => self.status_message(dialect.node, function),
        }
    }

    /// With the VM's status in it.
    fn status_message(&self, node: Node, function: &str) -> String {
        let short = function.rsplit("::").next().unwrap_or_default();
        match (self, node) {
            (Self::Arguments(text), _) => text.clone(),
            (Self::Count { of_types: true, .. }, _) => {
                "Failed to execute view function: NUMBER_OF_TYPE_ARGUMENTS_MISMATCH".to_owned()
            }
            (Self::Count { of_types: false, .. }, _) => {
                "Failed to execute view function: NUMBER_OF_ARGUMENTS_MISMATCH".to_owned()
            }
            (Self::Abort(a), Node::V6) => format!(
                "Failed to execute view function: VMError {{ major_status: ABORTED, sub_status: Some({}), message: Some(\"0x{}::{}::{short} at offset 43\"), exec_state: None, location: Module(ModuleId {{ address: {}, name: Identifier(\"{}\") }}), indices: [], offsets: [(FunctionDefinitionIndex(2), 43)] }}",
                a.code,
                a.address.padded(),
                a.module,
                a.address.padded(),
                a.module
            ),
            (Self::MissingData { address, module }, Node::V6) => format!(
                "Failed to execute view function: VMError {{ major_status: MISSING_DATA, sub_status: None, message: Some(\"Failed to borrow global resource from 0x{0}\"), exec_state: None, location: Module(ModuleId {{ address: {0}, name: Identifier(\"{module}\") }}), indices: [], offsets: [(FunctionDefinitionIndex(2), 3)] }}",
                address.padded()
            ),
            (Self::MissingData { address, module }, _) => format!(
                "Failed to execute view function: MISSING_DATA at location Module {address}::{module} and message Failed to borrow global resource from {address} at code offset 3 in function definition 2"
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
    use super::{Abort, CallError, Dialect, Node, Words};
    use crate::address::Address;

    #[test]
    fn an_abort_is_400_in_new_words_and_500_in_old_ones() {
        let error =
            CallError::Abort(Abort { address: Address::small(7), module: "deposit".into(), code: 393_217 });
        let of = |node| Dialect { node, words: Words::Recorded };
        let statuses = [Node::V11_7, Node::V11_5, Node::V6].map(|node| error.status(of(node)));
        assert_eq!(statuses, [400, 500, 500]);
        let text = error.message(of(Node::V11_7), "0x7::deposit::f");
        assert!(text.starts_with("Failed to execute view function: ABORTED with sub status 393217 at location Module 0x7::deposit and message"), "{text}");
        assert!(error.message(of(Node::V6), "0x7::deposit::f").contains("sub_status: Some(393217)"));
    }

    #[test]
    fn what_is_missing_is_said_as_recorded_or_as_invented() {
        let (address, module) = (Address::small(7), "m".to_owned());
        let function = CallError::NoFunction { address, module: module.clone(), function: "f".into() };
        let module = CallError::NoModule { address, module };
        let count = CallError::Count { of_types: false, expected: 0, got: vec!["0x1".into()] };
        let said = |error: &CallError, node, words| {
            let dialect = Dialect { node, words };
            (error.status(dialect), error.message(dialect, "0x7::m::f"))
        };
        let recorded = |error: &CallError, node| said(error, node, Words::Recorded);
        assert_eq!(
            recorded(&function, Node::V11_7),
            (400, "could not find entry function by 0x7::m::f".to_owned())
        );
        assert_eq!(recorded(&function, Node::V11_5).0, 500);
        let missing = CallError::MissingData { address, module: "m".to_owned() };
        let (status, text) = recorded(&missing, Node::V11_7);
        assert!(status == 400 && text.contains("MISSING_DATA at location Module 0x7::m and"), "{text}");
        let (status, text) = recorded(&missing, Node::V6);
        assert!(status == 500 && text.contains("major_status: MISSING_DATA, sub_status: None"), "{text}");
        let (status, text) = recorded(&module, Node::V6);
        assert!(status == 500 && text.ends_with("7, name: Identifier(\"m\") } can't be found"), "{text}");
        assert_eq!(
            recorded(&count, Node::V6),
            (400, "expected 0 arguments [], but got 1 ([\"0x1\"])".to_owned())
        );
        let (status, text) = said(&function, Node::V11_5, Words::Invented);
        assert!(status == 400 && text.contains("FUNCTION_RESOLUTION_FAILURE"), "{text}");
    }
}
