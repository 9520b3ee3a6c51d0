//! A connection to one chain, for one target or a stream of them.

pub mod events;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::address::Address;
use crate::collect::cache::Cache;
use crate::collect::resolve::Overrides;
use crate::collect::{Collected, Collector, Detail, decode, rows};
use crate::failure::{Failure, FailureKind};
use crate::state::Lottery;
use crate::target::Target;
use crate::transport::singleflight::Singleflight;
use crate::transport::{Deadline, Request, Transport};
use crate::view::{FunctionId, ViewCall};

/// How long a question for many targets may hold them before each is asked about alone; half a call's time if that is
/// less, so that one of them that hangs costs the others less than a call.
const AHEAD: Duration = Duration::from_secs(3);

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
    transport: Arc<dyn Transport>,
    /// The same, where many targets are read.
    singleflight: Option<Arc<Singleflight>>,
    options: ClientOptions,
}

impl ChainClient {
    /// A client that asks this transport. Nothing is asked yet.
    pub fn new(transport: Box<dyn Transport>, options: ClientOptions) -> Self {
        Self { transport: Arc::from(transport), singleflight: None, options }
    }

    /// A client for a stream of targets: what they have in common is asked once.
    pub fn for_fleet(transport: Box<dyn Transport>, options: ClientOptions) -> Self {
        let singleflight = Arc::new(Singleflight::new(transport));
        Self {
            transport: Arc::<Singleflight>::clone(&singleflight),
            singleflight: Some(singleflight),
            options,
        }
    }

    /// Reads everything about a target. A value that fails does not hide the others.
    pub fn collect(&self, target: &Target, now: Timestamp) -> Collected {
        let collector = Collector {
            transport: &*self.transport,
            deadline: Deadline::after(self.options.timeout),
            overrides: &self.options.overrides,
            cache: &self.cache(target),
            detail: self.options.detail,
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

    /// Reads ahead, in one call for each deposit module, what targets to be read next have in common. What cannot
    /// be read so is asked for each of them alone.
    pub fn read_ahead(&self, targets: impl Iterator<Item = Target>, now: Timestamp) {
        let Some(singleflight) = &self.singleflight else { return };
        let mut modules: BTreeMap<(Address, String), Vec<Target>> = BTreeMap::new();
        for target in targets {
            modules.entry((target.deposit, target.deposit_module.clone())).or_default().push(target);
        }
        let ahead = AHEAD.min(self.options.timeout.min(self.options.call_timeout) / 2);
        let deadline = Deadline::after(ahead);
        for targets in modules.values().filter(|targets| targets.len() > 1) {
            for group in targets.chunks(rows::CLIENTS_MOST) {
                let first = &group[0];
                if !rows::offered(&**singleflight, &self.cache(first), first, deadline, now) {
                    break;
                }
                let clients: Vec<Address> = group.iter().map(|target| target.client).collect();
                let replies = singleflight.ask(&[rows::question(first, clients)], deadline);
                for (client, reply) in replies.iter().flat_map(rows::cut) {
                    singleflight.put(rows::question(first, vec![client]), reply);
                }
            }
        }
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
