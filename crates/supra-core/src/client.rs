//! Client of one chain.

mod agreement;
pub mod events;
pub mod sight;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use agreement::Nodes;

use crate::address::Address;
use crate::collect::cache::Cache;
use crate::collect::resolve::Overrides;
use crate::collect::rows::ClientRow;
use crate::collect::{Collected, Collector, Detail, decode, rows};
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::layout::{self, Layout, Layouts, lottery};
use crate::state::Lottery;
use crate::state::consumer::Consumer;
use crate::target::Target;
use crate::transport::singleflight::Singleflight;
use crate::transport::{Block, Deadline, Request, Transport};
use crate::view::{FunctionId, ViewCall};

/// The longest wait for a call for many targets. It is cut to half of a call's timeout, so that a call that hangs
/// because of one target costs the others less than a call of their own.
const ROWS_TIMEOUT: Duration = Duration::from_secs(3);

/// Options of a [`ChainClient`].
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How much of a target is read.
    pub detail: Detail,
    /// View functions that the user chose.
    pub overrides: Overrides,
    /// The layouts that targets may name.
    pub layouts: Layouts,
    /// The directory that caches resolved function names; `None` disables the cache.
    pub cache_directory: Option<PathBuf>,
    /// The time for all requests about one target.
    pub timeout: Duration,
    /// The time for one request.
    pub call_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            detail: Detail::Lean,
            overrides: Overrides::default(),
            layouts: Layouts::built_in(),
            cache_directory: None,
            timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(10),
        }
    }
}

/// What a node says of itself.
#[derive(Debug, Clone, Default)]
pub struct NodeInfo {
    /// Its build, if it tells it.
    pub version: Option<String>,
    /// Its latest block, if it answers.
    pub tip: Option<Block>,
}

/// Reads targets over one transport.
pub struct ChainClient {
    transport: Box<dyn Transport>,
    options: ClientOptions,
    nodes: Nodes,
}

impl ChainClient {
    /// Creates a client. It sends nothing yet.
    pub fn new(transport: Box<dyn Transport>, options: ClientOptions) -> Self {
        let nodes = Nodes::new(&transport.identity(), options.cache_directory.as_deref());
        Self { transport, options, nodes }
    }

    /// Creates a client for a stream of targets, which sends requests that targets have in common once.
    pub fn for_fleet(transport: Box<dyn Transport>, options: ClientOptions) -> Self {
        Self::new(Box::new(Singleflight::new(transport)), options)
    }

    /// Reads everything about a target. If a value fails, the others are still read.
    pub fn collect(&self, target: &Target, now: Timestamp) -> Collected {
        self.collect_with_row(target, None, now)
    }

    /// As [`Self::collect`], with a row from [`Self::read_rows`] in place of the request for it, unless it is too old.
    ///
    /// Everything is read again where the nodes behind the transport differ, or where the values look bad.
    pub fn collect_with_row(&self, target: &Target, row: Option<&ClientRow>, now: Timestamp) -> Collected {
        let (started, deadline) = (Instant::now(), Deadline::after(self.options.timeout));
        let first = self.collect_once(&*self.transport, target, row, deadline, now);
        if !self.transport.reaches_node() {
            return first;
        }
        let alone = self.transport.unshared().unwrap_or(&*self.transport);
        self.nodes
            .agree(first, started, now, deadline, || self.collect_once(alone, target, None, deadline, now))
    }

    fn collect_once(
        &self,
        transport: &dyn Transport,
        target: &Target,
        row: Option<&ClientRow>,
        deadline: Deadline,
        now: Timestamp,
    ) -> Collected {
        let named = target.layout.as_ref().and_then(|name| self.options.layouts.get(name));
        let layout = named.filter(|_| self.options.detail != Detail::Deposit);
        let collector = Collector {
            transport,
            deadline,
            overrides: &self.options.overrides,
            cache: &self.cache(target),
            detail: self.options.detail,
            row,
            now,
            repeats_header: layout.is_none(),
        };
        let mut collected = collector.run(target);
        if let Some(layout) = layout {
            read_by(layout, target, false, transport, deadline, now, &mut collected);
        } else {
            self.recognise(transport, target, deadline, now, &mut collected);
        }
        collected
    }

    /// Reads the contract of a target whose layout is recognised because it is not the lottery's.
    fn recognise(
        &self,
        transport: &dyn Transport,
        target: &Target,
        deadline: Deadline,
        now: Timestamp,
        collected: &mut Collected,
    ) {
        let is_absent = collected.lacks_lottery() && target.layout.is_none();
        let is_wanted = is_absent && self.options.detail != Detail::Deposit;
        let Some(account) = target.lottery.filter(|_| is_wanted) else { return };
        let found = layout::recognise(&self.options.layouts, account, transport, deadline);
        if let Some(layout) = found {
            let target = Target { lottery: None, consumer: Some(account), ..target.clone() };
            collected.forget_lottery();
            read_by(&layout, &target, true, transport, deadline, now, collected);
        }
    }

    fn cache(&self, target: &Target) -> Cache {
        let identity = self.transport.identity();
        // Lean and full runs prefer different functions, so each has a cache of its own.
        let identity =
            if self.options.detail == Detail::Full { format!("{identity} full") } else { identity };
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

    /// Identifies the chain behind the transport; contains no secret.
    pub fn identity(&self) -> String {
        self.transport.identity()
    }

    /// Reads what a node says of itself; `None` where the transport does not reach a node.
    pub fn node_info(&self) -> Option<NodeInfo> {
        if !self.transport.reaches_node() {
            return None;
        }
        let requests = [Request::NodeVersion, Request::Block { height: None, transactions: false }];
        let mut replies =
            self.transport.ask(&requests, Deadline::after(self.options.call_timeout)).into_iter();
        let mut next = || replies.next()?.result.ok();
        let version = next().map(|version| {
            let names = ["tag", "version", "build_tag", "build_version"];
            let tag = names.iter().find_map(|name| version.get(*name)?.as_str());
            quote(&tag.map_or_else(|| version.to_string(), str::to_owned))
        });
        Some(NodeInfo { version, tip: next().and_then(|block| serde_json::from_value(block).ok()) })
    }

    /// Calls one view function.
    pub fn view(&self, call: ViewCall) -> Result<Value, Error> {
        let replies = self.transport.ask(&[Request::View(call)], Deadline::after(self.options.timeout));
        let reply = replies.into_iter().next();
        reply.map_or_else(
            || Err(Error::new(FailureKind::Unreachable, "nothing was asked")),
            |reply| reply.result,
        )
    }

    /// Reads only the lottery's status, for callers that poll one draw.
    pub fn lottery_status(&self, target: &Target) -> Result<Lottery, Error> {
        let address = target
            .lottery
            .ok_or_else(|| Error::new(FailureKind::Config, "the target has no lottery contract"))?;
        let (module, name) = (target.lottery_module.clone(), lottery().status.to_owned());
        let function = FunctionId { address, module, name };
        let answer = self.view(ViewCall { function, type_arguments: Vec::new(), arguments: Vec::new() })?;
        Ok(decode::status(&answer)?)
    }
}

fn read_by(
    layout: &Layout,
    target: &Target,
    recognised: bool,
    transport: &dyn Transport,
    deadline: Deadline,
    now: Timestamp,
    collected: &mut Collected,
) {
    let (consumer, views) = layout::read(layout, target, transport, deadline, now);
    collected.state.consumer = Some(Consumer { recognised, ..consumer });
    collected.views.extend(views);
    if transport.reaches_node() {
        let header = Request::Block { height: None, transactions: false };
        let reply = transport.ask(&[header], deadline).pop().and_then(|reply| reply.result.ok());
        collected.last_clock_us = reply.and_then(|block| decode::clock(&block).ok());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rstest::rstest;

    use super::*;
    use crate::transport::Reply;

    /// A node that notes what it is asked for, and does not answer.
    struct Node(Arc<Mutex<Vec<Request>>>);

    impl Transport for Node {
        fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
            self.0.lock().unwrap().extend_from_slice(requests);
            let reply = |_| Reply {
                result: Err(Error::new(FailureKind::Unreachable, "no answer")),
                elapsed: Duration::ZERO,
                attempts: 1,
            };
            requests.iter().map(reply).collect()
        }

        fn identity(&self) -> String {
            "node".to_owned()
        }

        fn reaches_node(&self) -> bool {
            true
        }
    }

    /// All that is read of a target lies between two headers, so that a node that is behind is noticed.
    #[rstest]
    #[case::lottery(None)]
    #[case::named_layout(Some("generic"))]
    fn a_header_is_asked_for_first_and_last(#[case] layout: Option<&str>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let node = Node(Arc::clone(&asked));
        let account = "0xc0".parse().unwrap();
        let target = Target {
            layout: layout.map(str::to_owned),
            lottery: layout.is_none().then_some(account),
            consumer: Some(account),
            ..Target::of_lottery(account, "0xd".parse().unwrap())
        };
        ChainClient::new(Box::new(node), ClientOptions::default()).collect(&target, Timestamp::now());
        let asked = asked.lock().unwrap();
        let header = Request::Block { height: None, transactions: false };
        let is_header: Vec<bool> = asked.iter().map(|request| *request == header).collect();
        assert_eq!((is_header.first(), is_header.last()), (Some(&true), Some(&true)), "{asked:?}");
        assert!(is_header.iter().filter(|is_header| !**is_header).count() >= 5, "{asked:?}");
    }
}
