//! The values of many clients by one call, for chains that have the view that answers them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::cache::Cache;
use super::resolve::abi_functions;
use crate::address::Address;
use crate::move_value::Node;
use crate::target::Target;
use crate::transport::{Deadline, Reply, Request, Transport};
use crate::view::catalogue::{CLIENT_ROWS, Subject};
use crate::view::{Argument, FunctionId, ViewCall};
use jiff::Timestamp;

/// The most clients of one call: a view has a gas limit of its own, which is not documented.
pub const CLIENTS_MOST: usize = 100;

/// The question about clients of one deposit module.
pub fn question(target: &Target, clients: Vec<Address>) -> Request {
    let function = FunctionId {
        address: target.deposit,
        module: target.deposit_module.clone(),
        name: CLIENT_ROWS.to_owned(),
    };
    Request::View(ViewCall {
        function,
        type_arguments: vec![],
        arguments: vec![Argument::Addresses(clients)],
    })
}

/// Whether the target's deposit module has the view: by what answered before, else by its ABI.
pub fn offered(
    transport: &dyn Transport,
    cache: &Cache,
    target: &Target,
    deadline: Deadline,
    now: Timestamp,
) -> bool {
    if !transport.offers_abi() {
        return false;
    }
    if let Some(label) = cache.load(now).get("balance") {
        return label.as_ref().is_some_and(|label| label.starts_with(CLIENT_ROWS));
    }
    let module = target.deposit_module.clone();
    let replies = transport.ask(&[Request::ModuleAbi { account: target.deposit, module }], deadline);
    let abi = replies.into_iter().next().and_then(|reply| reply.result.ok());
    abi.is_some_and(|abi| {
        abi_functions(&abi).iter().any(|function| function.is(CLIENT_ROWS, Subject::ClientList))
    })
}

/// The answer cut into one for each client, as if each had been asked about alone. A client whose row is missing
/// or garbled has none.
pub fn cut(reply: &Reply) -> HashMap<Address, Reply> {
    let Ok(answer) = &reply.result else { return HashMap::new() };
    let Ok(rows) = Node::root(answer).returned_items() else { return HashMap::new() };
    let of = |row: &Node| Some((row.field("client_address").ok()?.address().ok()?, row.json().clone()));
    let alone = |row: Value| Reply { result: Ok(json!([[row]])), ..reply.clone() };
    rows.iter().filter_map(of).map(|(client, row)| (client, alone(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, FailureKind};
    use std::time::Duration;

    fn reply(result: Result<Value, Failure>) -> Reply {
        Reply { result, elapsed: Duration::from_millis(3), attempts: 2 }
    }

    #[test]
    fn an_answer_is_cut_by_client() {
        let rows = json!([[{"client_address": "0x1", "balance": "7"}, {"balance": "8"}, 9,
            {"client_address": "0x2", "balance": "10"}]]);
        let cut = cut(&reply(Ok(rows)));
        assert_eq!(cut.len(), 2);
        let second = &cut[&"0x2".parse().unwrap()];
        assert_eq!(second.result, Ok(json!([[{"client_address": "0x2", "balance": "10"}]])));
        assert_eq!((second.elapsed_ms(), second.attempts), (3, 2));
    }

    #[test]
    fn what_is_no_list_of_rows_gives_none() {
        for answer in [json!(null), json!([]), json!([[]]), json!(["x"]), json!({"rows": 1})] {
            assert!(cut(&reply(Ok(answer))).is_empty());
        }
        assert!(cut(&reply(Err(Failure::new(FailureKind::Timeout, "late")))).is_empty());
    }
}
