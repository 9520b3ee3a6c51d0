//! A connection to one chain, for one target or a stream of them.

pub mod events;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::address::Address;
use crate::collect::cache::Cache;
use crate::collect::resolve::Overrides;
use crate::collect::rows::ClientRow;
use crate::collect::{Collected, Collector, Detail, decode, rows};
use crate::failure::{Failure, FailureKind};
use crate::state::Lottery;
use crate::target::Target;
use crate::transport::singleflight::Singleflight;
use crate::transport::{Deadline, Request, Transport};
use crate::view::{FunctionId, ViewCall};

/// The longest wait for a call for many targets. It is cut to half of a call's timeout, so that a call that hangs
/// because of one target costs the others less than a call of their own.
const ROWS_TIMEOUT: Duration = Duration::from_secs(3);

/// How a client reads.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How much of a target is read.
    pub detail: Detail,
    /// View functions chosen by hand.
    pub overrides: Overrides,
    /// Where resolved function names are cached; `None` for nowhere.
    pub cache_directory: Option<PathBuf>,
    /// The time for all questions about one target.
    pub timeout: Duration,
    /// The time for one question.
    pub call_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            detail: Detail::Full,
            overrides: Overrides::default(),
            cache_directory: None,
            timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(10),
        }
    }
}

/// An open connection to the chain, for one target or a stream of them.
pub struct ChainClient {
    transport: Box<dyn Transport>,
    options: ClientOptions,
}

impl ChainClient {
    /// A client that asks this transport. Nothing is asked yet.
    pub fn new(transport: Box<dyn Transport>, options: ClientOptions) -> Self {
        Self { transport, options }
    }

    /// A client for a stream of targets: questions that they have in common are asked once.
    pub fn for_fleet(transport: Box<dyn Transport>, options: ClientOptions) -> Self {
        Self::new(Box::new(Singleflight::new(transport)), options)
    }

    /// Reads everything about a target. A value that fails does not hide the others.
    pub fn collect(&self, target: &Target, now: Timestamp) -> Collected {
        self.collect_with_row(target, None, now)
    }

    /// The same with a row from [`Self::read_rows`], which replaces the question for it unless it is too old.
    pub fn collect_with_row(&self, target: &Target, row: Option<&ClientRow>, now: Timestamp) -> Collected {
        let collector = Collector {
            transport: &*self.transport,
            deadline: Deadline::after(self.options.timeout),
            overrides: &self.options.overrides,
            cache: &self.cache(target),
            detail: self.options.detail,
            row,
            now,
        };
        collector.run(target)
    }

    fn cache(&self, target: &Target) -> Cache {
        let identity = self.transport.identity();
        // What a lean run finds to answer is not what a full one should begin with.
        let identity =
            if self.options.detail == Detail::Lean { format!("{identity} lean") } else { identity };
        Cache::new(self.options.cache_directory.as_deref(), &identity, target)
    }

    /// Reads the rows of many clients with one call per deposit module and [`rows::CLIENTS_MAX`] clients. The result
    /// has one entry per target: `None` where the module has no such view, where the call fails, or where the target is
    /// the only one of its module.
    pub fn read_rows(&self, targets: &[Target], now: Timestamp) -> Vec<Option<ClientRow>> {
        let mut by_module: BTreeMap<(Address, &str), Vec<usize>> = BTreeMap::new();
        for (index, target) in targets.iter().enumerate() {
            by_module.entry((target.deposit, &target.deposit_module)).or_default().push(index);
        }
        let deadline =
            Deadline::after(ROWS_TIMEOUT.min(self.options.timeout.min(self.options.call_timeout) / 2));
        let mut rows = vec![None; targets.len()];
        for indexes in by_module.values().filter(|indexes| indexes.len() > 1) {
            let first = &targets[indexes[0]];
            if !rows::offered(&*self.transport, &self.cache(first), first, deadline, now) {
                continue;
            }
            for group in indexes.chunks(rows::CLIENTS_MAX) {
                let clients = group.iter().map(|index| targets[*index].client).collect();
                let replies = self.transport.ask(&[rows::request(first, clients)], deadline);
                let found = replies.first().map(rows::split).unwrap_or_default();
                for index in group {
                    rows[*index] = found.get(&targets[*index].client).cloned();
                }
            }
        }
        rows
    }

    /// What is behind the transport, without secrets.
    pub fn identity(&self) -> String {
        self.transport.identity()
    }

    /// Asks for one view function.
    pub fn view(&self, call: ViewCall) -> Result<Value, Failure> {
        let replies = self.transport.ask(&[Request::View(call)], Deadline::after(self.options.timeout));
        let reply = replies.into_iter().next();
        reply.map_or_else(
            || Err(Failure::new(FailureKind::Unreachable, "nothing was asked")),
            |reply| reply.result,
        )
    }

    /// The lottery's status alone, as a watcher of one draw asks for it again and again.
    pub fn lottery_status(&self, target: &Target) -> Result<Lottery, Failure> {
        let address = target
            .lottery
            .ok_or_else(|| Failure::new(FailureKind::Config, "the target has no lottery contract"))?;
        let (module, name) = (target.lottery_module.clone(), "get_lottery_status".to_owned());
        let function = FunctionId { address, module, name };
        let answer = self.view(ViewCall { function, type_arguments: Vec::new(), arguments: Vec::new() })?;
        decode::status(&answer).map_err(|error| Failure::new(FailureKind::Undecodable, error.to_string()))
    }
}
