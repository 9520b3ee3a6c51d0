//! The record's JSON Schema, generated from the types that write it and held equal to `docs/schema/record.json`.
//! `UPDATE_SCHEMA=1 cargo test -p testkit schema` rewrites the file.

use dvrf_notify::notification::Notification;
use dvrf_prom::metrics::Metric;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use supra_core::check::Checks;
use supra_core::min_balance::Calculation;
use supra_core::readiness::Readiness;
use supra_core::requests::Requests;
use supra_core::state::State;
use supra_core::target::Target;
use supra_core::view_report::Views;
use testkit::{Devnet, Way, root, run, tool};

/// What flows in the pipe. Keys that a stage has not reached yet are absent; other keys pass through.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(title = "dvrf.record/1")]
#[expect(dead_code, reason = "the fields are read by the schema generator and by serde")]
struct Record {
    /// When the report was made, UTC.
    timestamp: String,
    /// The CLI profile, as the old report had it.
    profile: Option<String>,
    /// The lottery's address as it was given.
    lottery_addr: Option<String>,
    /// The dVRF package's address as it was given.
    deposit_addr: Option<String>,
    /// The client's address as it was given.
    client_addr: Option<String>,
    /// The minimum by the gas formula; `null` without gas settings.
    calculation: Option<Calculation>,
    /// What the lottery's views answered, unwrapped as the old script did.
    lottery: Option<OldLottery>,
    /// What the deposit module's views answered, unwrapped as the old script did.
    deposit: Option<OldDeposit>,
    /// `dvrf.record/1`.
    schema: String,
    /// What was asked about.
    target: Option<Target>,
    /// The typed picture; `null` is not known.
    state: Option<State>,
    /// Where every value came from.
    views: Option<Views>,
    /// What the events say about requests, with `dvrf-json --events`.
    requests: Option<Requests>,
    /// The verdict of `dvrf-check`.
    checks: Option<Checks>,
    /// What `dvrf-draw ready` found.
    readiness: Option<Readiness>,
    /// What `dvrf-fund` found.
    funding: Option<supra_core::fund::Funding>,
    /// What `dvrf-notify` sent.
    notifications: Option<Vec<Notification>>,
    /// The samples of `dvrf-prom --format json`.
    metrics: Option<Vec<Metric>>,
    /// Why the record is no answer.
    error: Option<ReportError>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by the schema generator and by serde")]
struct OldLottery {
    status: Value,
    vrf_request_config: Value,
    whitelist_status: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by the schema generator and by serde")]
struct OldDeposit {
    balance: Value,
    min_balance: Value,
    min_balance_reached: Value,
    contract_details: Value,
    subscription_info: Value,
    whitelisted_contracts: Value,
    max_gas_price: Value,
    max_gas_limit: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by the schema generator and by serde")]
struct ReportError {
    /// The failure's kind, as in `views`.
    kind: String,
    /// A sentence.
    message: String,
    /// The value that could not be read, if it was one.
    view: Option<String>,
    /// What to do.
    hint: Option<String>,
}

#[test]
fn the_checked_in_schema_is_the_types() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Record)).unwrap() + "\n";
    held("record", &schema);
    let line =
        serde_json::to_string_pretty(&schemars::schema_for!(supra_core::draw::AutoLine)).unwrap() + "\n";
    held("draw", &line);
    let fund =
        serde_json::to_string_pretty(&schemars::schema_for!(supra_core::fund::FundLine)).unwrap() + "\n";
    held("fund", &fund);
    let event =
        serde_json::to_string_pretty(&schemars::schema_for!(supra_core::events::Event)).unwrap() + "\n";
    held("event", &event);
    let layout = serde_json::to_string_pretty(&supra_core::layout::file_schema()).unwrap() + "\n";
    held("layout", &layout);
}

fn held(name: &str, schema: &str) {
    let path = root().join(format!("docs/schema/{name}.json"));
    if option_env!("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == schema, "docs/schema/{name}.json is stale: UPDATE_SCHEMA=1 cargo test -p testkit schema");
}

#[test]
fn what_the_tools_write_has_no_other_keys() {
    let schema = serde_json::to_value(schemars::schema_for!(Record)).unwrap();
    let known = schema["properties"].as_object().unwrap();
    for (scenario, fault) in
        [("healthy", "latency=1ms"), ("stuck", "5xx_rate=100"), ("empty", "wrong_chain_id=8")]
    {
        let devnet = Devnet::start(&["--scenario", scenario, "--fault", fault]);
        let report = run(devnet.tool("dvrf-json", Way::Rpc).args(["--live", "--retries", "0"]));
        let judged = run(tool("dvrf-check").write_stdin(report.out));
        let judged = run(tool("dvrf-prom").args(["--format", "json"]).write_stdin(judged.out));
        let judged = run(tool("dvrf-notify").arg("--dry-run").write_stdin(judged.out));
        let judged = run(tool("dvrf-draw").arg("ready").write_stdin(judged.out));
        for key in judged.json().as_object().unwrap().keys() {
            assert!(known.contains_key(key), "{scenario}: {key} is not in the schema");
        }
        let read: Result<Record, _> = serde_json::from_value(judged.json());
        assert!(read.is_ok(), "{scenario}: {read:?}");
    }
}
