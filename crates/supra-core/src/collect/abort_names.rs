//! Names of aborts that the chain tells only by number: from the bytecode of the module that raised them.

use crate::abort::name_by_module;
use crate::address::Address;
use crate::failure::Failure;
use crate::transport::{Deadline, Request, Transport};

/// More modules than a run's views can abort in.
const MODULES_MAX: usize = 8;

/// Names the aborts among these failures. A module whose bytecode cannot be had leaves them as they are.
pub(super) fn complete(failures: Vec<&mut Failure>, transport: &dyn Transport, deadline: Deadline) {
    let mut modules: Vec<(Address, String)> = Vec::new();
    let place = |failure: &Failure| -> Option<(Address, String)> {
        let (address, module) = failure.abort.as_ref()?.location.as_ref()?.split_once("::")?;
        Some((address.parse().ok()?, module.to_owned()))
    };
    for module in failures.iter().filter_map(|failure| place(failure)) {
        if !modules.contains(&module) && modules.len() < MODULES_MAX {
            modules.push(module);
        }
    }
    if modules.is_empty() || !transport.offers_abi() {
        return;
    }
    let request = |(account, module): &(Address, String)| Request::ModuleAbi {
        account: *account,
        module: module.clone(),
    };
    let requests: Vec<Request> = modules.iter().map(request).collect();
    let replies = transport.ask(&requests, deadline);
    for failure in failures {
        let position = place(failure).and_then(|module| modules.iter().position(|known| *known == module));
        let reply = position.and_then(|position| replies.get(position));
        if let Some(Ok(abi)) = reply.map(|reply| &reply.result) {
            name_by_module(failure, abi);
        }
    }
}
