//! Reports to start from.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::{Devnet, Way, run};

/// The minimum of the reports, in quants.
pub const MINIMUM: u64 = 15_750_000_000;

static HEALTHY: LazyLock<Value> = LazyLock::new(|| {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).json()
});

/// The report of a healthy subscription, read once from a devnet.
pub fn healthy_report() -> Value {
    HEALTHY.clone()
}

/// The line of a report whose deposit is `percent` of the minimum.
pub fn report(percent: u64) -> String {
    let mut record = healthy_report();
    let balance = MINIMUM * percent / 100;
    record["state"]["deposit"]["balance"] = json!(balance.to_string());
    record["state"]["deposit"]["effective_balance"] = json!(balance.saturating_sub(MINIMUM).to_string());
    record["state"]["deposit"]["at_or_below_minimum"] = json!(percent <= 100);
    record.to_string()
}
