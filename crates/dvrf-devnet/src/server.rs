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

/// Binds and serves in the background; returns the URL.
pub(crate) fn start(listen: SocketAddr, chain: Shared) -> Result<String, ServeError> {
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
            let (chain, count) = (Arc::clone(&chain), Arc::clone(&open));
            let spawned = std::thread::Builder::new().spawn(move || {
                let _ = converse(stream, &chain);
                count.fetch_sub(1, Ordering::SeqCst);
            });
            if spawned.is_err() {
                open.fetch_sub(1, Ordering::SeqCst);
            }
        }
    })?;
    Ok(url)
}

fn converse(mut stream: TcpStream, chain: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let mut rest_bytes = Vec::new();
    while let Some(request) = http::read_request(&mut stream, &mut rest_bytes)? {
        let (response, plan) = answer(chain, &request);
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
        let calm = crate::fault::Faults::default().plan(0, 0, "");
        return (control::answer(&mut chain, request), calm);
    }
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
