//! Balances of many clients by one call, on chains whose deposit module has a view for it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cache::Cache;
use super::resolve::abi_functions;
use crate::address::Address;
use crate::move_value::Node;
use crate::target::Target;
use crate::transport::{Deadline, Reply, Request, Transport};
use crate::view::catalogue::{CLIENT_ROWS, Subject};
use crate::view::{Argument, FunctionId, ViewCall};

/// The largest number of clients in one call. A view has a gas limit, which Supra does not document.
pub const CLIENTS_MAX: usize = 100;
/// A row older than this is not used: the record that it would go into carries the time at which it was collected.
const AGE_MAX: Duration = Duration::from_secs(5);

/// One client's row out of a call for many clients.
#[derive(Debug, Clone)]
pub struct ClientRow {
    /// The reply that a call for this client alone would have had.
    reply: Reply,
    read_at: Instant,
}

impl ClientRow {
    /// The reply, unless it is too old.
    pub(super) fn fresh_reply(&self) -> Option<&Reply> {
        (self.read_at.elapsed() < AGE_MAX).then_some(&self.reply)
    }
}

/// The request for the rows of these clients, which share the target's deposit module.
pub fn request(target: &Target, clients: Vec<Address>) -> Request {
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

/// Whether the target's deposit module has the view, according to the cache or else to the module's ABI.
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
    if let Some(label) = cache.load(now).choices.get("balance") {
        return label.as_ref().is_some_and(|label| label.starts_with(CLIENT_ROWS));
    }
    let module = target.deposit_module.clone();
    let replies = transport.ask(&[Request::ModuleAbi { account: target.deposit, module }], deadline);
    let abi = replies.into_iter().next().and_then(|reply| reply.result.ok());
    abi.is_some_and(|abi| {
        abi_functions(&abi).iter().any(|function| function.is(CLIENT_ROWS, Subject::ClientList))
    })
}

/// Sends the requests, except the one that `row` answers.
pub(super) fn ask_with_row(
    transport: &dyn Transport,
    requests: &[Request],
    target: &Target,
    row: Option<&ClientRow>,
    deadline: Deadline,
) -> Vec<Reply> {
    let known = row.and_then(ClientRow::fresh_reply).and_then(|reply| {
        let of_row = request(target, vec![target.client]);
        Some((requests.iter().position(|request| *request == of_row)?, reply))
    });
    let Some((position, reply)) = known else { return transport.ask(requests, deadline) };
    let mut others = requests.to_vec();
    others.remove(position);
    let mut replies = transport.ask(&others, deadline);
    replies.insert(position.min(replies.len()), reply.clone());
    replies
}

/// Splits the reply of a call for many clients by client. A client whose row is missing or malformed is left out.
pub fn split(reply: &Reply) -> HashMap<Address, ClientRow> {
    let Ok(answer) = &reply.result else { return HashMap::new() };
    let Ok(rows) = Node::root(answer).returned_items() else { return HashMap::new() };
    let read_at = Instant::now();
    let of_client =
        |row: &Node| Some((row.field("client_address").ok()?.address().ok()?, row.json().clone()));
    let alone =
        |row: Value| ClientRow { reply: Reply { result: Ok(json!([[row]])), ..reply.clone() }, read_at };
    rows.iter().filter_map(of_client).map(|(client, row)| (client, alone(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::failure::FailureKind;

    fn reply(result: Result<Value, Error>) -> Reply {
        Reply { result, elapsed: Duration::from_millis(3), attempts: 2 }
    }

    #[test]
    fn a_reply_is_split_by_client() {
        let rows = json!([[{"client_address": "0x1", "balance": "7"}, {"balance": "8"}, 9,
            {"client_address": "0x2", "balance": "10"}]]);
        let found = split(&reply(Ok(rows)));
        assert_eq!(found.len(), 2);
        let second = found[&"0x2".parse().unwrap()].fresh_reply().unwrap();
        assert_eq!(second.result, Ok(json!([[{"client_address": "0x2", "balance": "10"}]])));
        assert_eq!((second.elapsed_ms(), second.attempts), (3, 2));
    }

    #[test]
    fn a_reply_without_rows_gives_none() {
        for answer in [json!(null), json!([]), json!([[]]), json!(["x"]), json!({"rows": 1})] {
            assert!(split(&reply(Ok(answer))).is_empty());
        }
        assert!(split(&reply(Err(Error::new(FailureKind::Timeout, "late")))).is_empty());
    }

    #[test]
    fn an_old_row_is_not_used() {
        let rows = json!([[{"client_address": "0x1"}]]);
        let mut row = split(&reply(Ok(rows))).remove(&"0x1".parse().unwrap()).unwrap();
        row.read_at = Instant::now().checked_sub(AGE_MAX).unwrap();
        assert!(row.fresh_reply().is_none());
    }
}
