//! Prints the deposit of a client, its minimum, and how many times the minimum it is.
//!
//!     cargo run -p supra-core --example balance -- https://rpc-testnet.supra.com DVRF_ADDRESS CLIENT_ADDRESS

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use supra_core::amount::quotient;
use supra_core::client::{ChainClient, ClientOptions};
use supra_core::http::{Proxies, Roots};
use supra_core::secret::Secret;
use supra_core::target::Target;
use supra_core::transport::rpc::{RpcConfig, RpcTransport};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, deposit, client] = words.as_slice() else {
        return Err("three arguments are needed: URL DVRF_ADDRESS CLIENT_ADDRESS".into());
    };
    let transport = RpcTransport::new(RpcConfig {
        urls: vec![Secret::new(url)],
        headers: Vec::new(),
        versions: ["v3", "v2", "v1"].map(str::to_owned).to_vec(),
        call_timeout: Duration::from_secs(10),
        jobs: 8,
        retries: 2,
        body_bytes_max: 16 << 20,
        roots: Roots::default(),
        proxies: Proxies::default(),
        chain_id: None,
    })?;
    let reader = ChainClient::new(Box::new(transport), ClientOptions::default());
    let client = client.parse()?;
    let target = Target { lottery: None, client, ..Target::of_lottery(client, deposit.parse()?) };
    let collected = reader.collect(&target, Timestamp::UNIX_EPOCH);
    if let Some((_, failure)) = collected.failure() {
        return Err(failure.into());
    }
    let held = &collected.state.deposit;
    let (Some(balance), Some(minimum)) = (held.balance, held.min_balance) else {
        return Err("the chain does not say both the balance and the minimum".into());
    };
    let ratio = quotient(balance.get(), minimum.get(), 2).unwrap_or_else(|| "?".to_owned());
    writeln!(
        io::stdout(),
        "{} SUPRA, {ratio} times the minimum of {} SUPRA",
        balance.supra(),
        minimum.supra()
    )?;
    Ok(())
}
