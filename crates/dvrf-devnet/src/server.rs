//! The server: loopback only, a bounded number of connections, one thread each.

use crate::chain::Chain;
use crate::http::{self, Response};
use crate::{control, rest};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const MAX_CONNECTIONS: usize = 256;
const IDLE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    #[error("cannot listen")]
    Listen(#[from] io::Error),
}

pub(crate) type Shared = Arc<Mutex<Chain>>;

pub(crate) fn lock(chain: &Shared) -> MutexGuard<'_, Chain> {
    // The state is only ever replaced whole, so a panic elsewhere leaves it usable.
    chain.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a replica differs from the chain.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Replica {
    /// How many blocks it is behind.
    lag_blocks: u64,
    /// It stays at this height.
    stuck_at: Option<u64>,
    /// Its state is that of this height, although it shows the chain's blocks: it has forked.
    forked_at: Option<u64>,
    /// It has forked, and counts this many requests more.
    fork_requests: u64,
    /// The faults of this node, in the words of `--fault`.
    fault: String,
    #[serde(skip)]
    faults: crate::fault::Faults,
    #[serde(skip)]
    served: u64,
}

/// What answers on one listener.
#[derive(Clone)]
enum Node {
    Tip(Shared),
    Replica(Shared, Arc<Mutex<Replica>>),
}

/// Binds and serves in the background; returns the URL.
pub(crate) fn start(listen: SocketAddr, chain: Shared) -> Result<String, ServeError> {
    serve(listen, Node::Tip(chain))
}

/// Serves another node of the same chain on a port of its own; returns the URL.
pub(crate) fn start_replica(listen: SocketAddr, chain: Shared) -> Result<String, ServeError> {
    let node = Node::Replica(chain, Arc::default());
    serve(SocketAddr::new(listen.ip(), 0), node)
}

fn serve(listen: SocketAddr, node: Node) -> Result<String, ServeError> {
    if !listen.ip().is_loopback() {
        return Err(ServeError::NotLoopback(listen));
    }
    let listener = TcpListener::bind(listen)?;
    let url = format!("http://{}", listener.local_addr()?);
    let open = Arc::new(AtomicUsize::new(0));
    std::thread::Builder::new().name("accept".to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            if open.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
                open.fetch_sub(1, Ordering::SeqCst);
                continue;
            }
            let (node, count) = (node.clone(), Arc::clone(&open));
            let spawned = std::thread::Builder::new().spawn(move || {
                let _ = converse(stream, &node);
                count.fetch_sub(1, Ordering::SeqCst);
            });
            if spawned.is_err() {
                open.fetch_sub(1, Ordering::SeqCst);
            }
        }
    })?;
    Ok(url)
}

fn converse(mut stream: TcpStream, node: &Node) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut rest_bytes = Vec::new();
    while let Some(request) = http::read_request(&mut stream, &mut rest_bytes)? {
        let (response, plan) = match node {
            Node::Tip(chain) => answer(chain, &request),
            Node::Replica(chain, replica) => answer_behind(chain, replica, &request),
        };
        if !http::deliver(&mut stream, response, &plan)? || request.close {
            break;
        }
    }
    Ok(())
}

fn answer(chain: &Shared, request: &http::Request) -> (Response, crate::fault::Plan) {
    let mut chain = lock(chain);
    chain.settle();
    if request.path.starts_with("/devnet/") {
        let response = control::answer(&mut chain, request);
        chain.remember();
        return (response, crate::fault::Faults::default().plan(0, 0, ""));
    }
    chain.remember();
    let view = request.path.ends_with("/view").then(|| rest::called_function(&request.body)).flatten();
    let subject =
        view.map_or_else(|| request.path.clone(), |function| format!("{} {function}", request.path));
    *chain.requests.entry(format!("{} {subject}", request.method)).or_default() += 1;
    // With the arguments, so that one subscription of many can be slow.
    let whole = format!("{subject} {}", String::from_utf8_lossy(&request.body));
    let plan = chain.faults.plan(chain.options.seed, chain.served, &whole);
    chain.served += 1;
    let id = chain.chain_id().to_string();
    (rest::answer(&chain, request).with("x-supra-chain-id", id), plan)
}

/// The answer of a node that may be behind, stuck, broken or of another chain.
fn answer_behind(
    chain: &Shared,
    replica: &Mutex<Replica>,
    request: &http::Request,
) -> (Response, crate::fault::Plan) {
    let calm = crate::fault::Faults::default().plan(0, 0, "");
    let mut replica = replica.lock().unwrap_or_else(PoisonError::into_inner);
    if request.path == "/devnet/control" {
        let changed = serde_json::from_slice(&request.body).map_err(|error| error.to_string()).and_then(
            |mut order: Replica| {
                order.faults.merge(&order.fault).map_err(|error| error.to_string())?;
                *replica = order;
                Ok(())
            },
        );
        let response = match changed {
            Ok(()) => Response::json(200, &serde_json::json!({"ok": true})),
            Err(text) => Response::message(400, &text),
        };
        return (response, calm);
    }
    let mut tip = lock(chain);
    tip.settle();
    tip.remember();
    // Whichever node takes a transaction, the chain executes it.
    if request.path.starts_with("/devnet/") {
        let response = control::answer(&mut tip, request);
        tip.remember();
        return (response, calm);
    }
    let height = replica.stuck_at.unwrap_or_else(|| tip.clock.height().saturating_sub(replica.lag_blocks));
    let mut behind = tip.at(replica.forked_at.unwrap_or(height));
    behind.clock = tip.clock.up_to(height);
    drop(tip);
    if let Some(lottery) = &mut behind.state.lottery {
        lottery.requests += replica.fork_requests;
    }
    behind.faults = replica.faults.clone();
    let whole = format!("{} {}", request.path, String::from_utf8_lossy(&request.body));
    let plan = behind.faults.plan(behind.options.seed, replica.served, &whole);
    replica.served += 1;
    let id = behind.chain_id().to_string();
    (rest::answer(&behind, request).with("x-supra-chain-id", id), plan)
}
