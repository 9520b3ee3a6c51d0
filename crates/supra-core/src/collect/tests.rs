//! Whole runs over a chain that answers from a table.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::error::Error;
use crate::record::Record;
use crate::transport::Reply;

/// A chain: functions by name, everything else is unsupported.
struct Table {
    answers: BTreeMap<String, Result<Value, Error>>,
    abi: Option<Value>,
    /// Whether it is reached by REST, which reads blocks.
    blocks: bool,
    asked: Mutex<Vec<Vec<String>>>,
}

impl Table {
    fn new(answers: &[(&str, Value)]) -> Self {
        let answers = answers.iter().map(|(name, value)| ((*name).to_owned(), Ok(value.clone()))).collect();
        Self { answers, abi: None, blocks: false, asked: Mutex::default() }
    }

    fn failing(mut self, name: &str, kind: FailureKind) -> Self {
        self.answers.insert(name.to_owned(), Err(Error::new(kind, format!("{name} failed"))));
        self
    }

    fn rounds(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn times_asked(&self, name: &str) -> usize {
        self.asked.lock().unwrap().iter().flatten().filter(|asked| *asked == name).count()
    }
}

impl Transport for Table {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
        let name_of = |request: &Request| match request {
            Request::View(call) => call.function.name.clone(),
            Request::Resource { .. } => "LotteryData".to_owned(),
            Request::ModuleAbi { .. } => "abi".to_owned(),
            Request::ChainId => "chain_id".to_owned(),
            Request::Block { height: None, .. } => "block".to_owned(),
            other => panic!("{other:?}"),
        };
        let names: Vec<String> = requests.iter().map(name_of).collect();
        self.asked.lock().unwrap().push(names.clone());
        let unsupported = |name: &str| Error::new(FailureKind::Unsupported, format!("no function {name}"));
        let answer = |name: &String| match (&self.abi, name.as_str()) {
            (Some(abi), "abi") => Ok(abi.clone()),
            _ => self.answers.get(name).cloned().unwrap_or_else(|| Err(unsupported(name))),
        };
        names
            .iter()
            .map(|name| Reply { result: answer(name), elapsed: Duration::from_millis(2), attempts: 1 })
            .collect()
    }

    fn identity(&self) -> String {
        "table".to_owned()
    }

    fn offers_abi(&self) -> bool {
        self.abi.is_some()
    }

    fn reaches_node(&self) -> bool {
        self.blocks
    }
}

fn status() -> Value {
    json!([{"ticket_count":"3","draw_scheduled":false,"pending_request":false,"jackpot_amount":"0",
        "rng_request_count":"0","rng_response_count":"0"}])
}

fn snake() -> Table {
    Table::new(&[
        ("chain_id", json!(6)),
        ("check_client_fund", json!(["20000000000"])),
        ("check_min_balance_client_v2", json!(["30000000"])),
        ("has_minimum_balance_reached_v2", json!([false])),
        ("get_lottery_status", status()),
        ("get_client_modules_info", json!([[]])),
    ])
}

fn target() -> (Target, GivenAddresses) {
    let target = Target::of_lottery("0xA1".parse().unwrap(), "0xD".parse().unwrap());
    let given = |text: &str| Some(text.to_owned());
    let given = GivenAddresses { lottery: given("0xA1"), deposit: given("0xD"), client: given("0xA1") };
    (Target { chain_id: Some(6), ..target }, given)
}

use crate::target::GivenAddresses;

fn run(table: &Table, directory: Option<&std::path::Path>) -> Collected {
    run_with_row(table, directory, None)
}

fn run_with_row(table: &Table, directory: Option<&std::path::Path>, row: Option<&ClientRow>) -> Collected {
    run_in(table, directory, row, Detail::Lean)
}

fn run_in(
    table: &Table,
    directory: Option<&std::path::Path>,
    row: Option<&ClientRow>,
    detail: Detail,
) -> Collected {
    let (target, _) = target();
    let collector = Collector {
        row,
        detail,
        transport: table,
        deadline: Deadline::after(Duration::from_secs(5)),
        overrides: &Overrides::default(),
        cache: &Cache::new(directory, &table.identity(), &target),
        now: Timestamp::UNIX_EPOCH,
        repeats_header: true,
    };
    collector.run(&target)
}

fn kind(collected: &Collected, key: &str) -> Option<&'static str> {
    collected.views[key].error.as_ref().map(|failure| failure.kind.name())
}

#[test]
fn a_value_that_fails_hides_no_other() {
    let collected = run(&snake().failing("check_min_balance_client_v2", FailureKind::Timeout), None);
    assert_eq!(collected.state.deposit.balance.unwrap().get(), 20_000_000_000);
    assert_eq!(collected.state.deposit.min_balance, None);
    assert_eq!(kind(&collected, "min_balance"), Some("timeout"));
    assert_eq!(kind(&collected, "balance"), None);
    // The chain's own verdict is known, so the report is still an answer.
    assert!(collected.failure().is_none());
}

#[test]
fn a_row_that_was_read_before_is_not_asked_for_again() {
    let rows = json!([[{"client_address": "0xA1", "balance": "7"}]]);
    let mut table = snake();
    table.answers.insert("get_balance_of_client_v2".to_owned(), Ok(json!([[]])));
    let function = json!({"name": "get_balance_of_client_v2", "params": ["vector<address>"]});
    table.abi = Some(json!({"exposed_functions": [function]}));
    let reply = Reply { result: Ok(rows), elapsed: Duration::ZERO, attempts: 1 };
    let row = rows::split(&reply).remove(&"0xA1".parse().unwrap()).unwrap();
    let collected = run_with_row(&table, None, Some(&row));
    assert_eq!(collected.state.deposit.balance.unwrap().get(), 7);
    assert_eq!(table.times_asked("get_balance_of_client_v2"), 0);
    assert_eq!(table.times_asked("chain_id"), 1);
}

#[test]
fn a_needed_value_that_is_missing_is_the_reports_failure() {
    for (name, key) in [("check_client_fund", "balance"), ("get_lottery_status", "lottery_status")] {
        let collected = run(&snake().failing(name, FailureKind::Unreachable), None);
        let (view, failure) = collected.failure().unwrap();
        assert_eq!((view, failure.kind), (key, FailureKind::Unreachable));
    }
    let collected = run(&Table::new(&[]), None);
    assert_eq!(collected.failure().unwrap().1.kind, FailureKind::Unsupported);
    assert_eq!(collected.state.deposit, crate::state::Deposit::default());
}

#[test]
fn the_wrong_chain_is_a_failure_whatever_it_answers() {
    let mut table = snake();
    table.answers.insert("chain_id".to_owned(), Ok(json!(8)));
    let (view, failure) = run(&table, None).failure().unwrap();
    assert_eq!((view, failure.message.as_str()), ("chain_id", "the node serves chain 8, expected is 6"));
}

#[test]
fn names_are_probed_once_and_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let camel = || {
        Table::new(&[
            ("chain_id", json!(6)),
            ("checkClientFund", json!(["5"])),
            ("checkMinBalanceClient", json!(["9"])),
            ("get_lottery_status", status()),
        ])
    };
    let first = camel();
    let collected = run(&first, Some(directory.path()));
    assert_eq!(collected.state.deposit.balance.unwrap().get(), 5);
    assert_eq!(collected.views["balance"].attempts, 3);
    assert!(first.rounds() > 2);
    let second = camel();
    let again = run(&second, Some(directory.path()));
    assert_eq!(again.state, collected.state);
    assert_eq!(second.times_asked("check_client_fund"), 0);
    assert_eq!(second.times_asked("min_request_count"), 0);
    // What a verdict needs is asked for again even if nothing answered it, and in the same round.
    assert_eq!(second.times_asked("is_contract_paused"), 1);
    assert_eq!(second.times_asked("isMinimumBalanceReached"), 1);
    assert_eq!(second.rounds(), 1, "{:?}", second.asked.lock().unwrap());
}

/// A node that is behind, or a proxy, answers 404 for what the module has.
#[test]
fn what_the_abi_lists_is_not_missing_because_a_node_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let chain = || {
        let mut table = snake();
        table.abi = Some(json!({"exposed_functions": [
            {"name": "check_client_fund", "params": ["address"]},
            {"name": "is_contract_paused", "params": []},
            {"name": "get_lottery_status", "params": []}]}));
        table
    };
    let healthy = || {
        let mut table = chain();
        table.answers.insert("is_contract_paused".to_owned(), Ok(json!([true])));
        table
    };
    let denied = run(&chain(), Some(directory.path()));
    assert_eq!(kind(&denied, "paused"), Some("unreachable"));
    assert_eq!(kind(&denied, "min_request_count"), Some("unsupported"), "the ABI has none");
    assert_eq!(
        run(&healthy(), Some(directory.path())).state.deposit.paused,
        Some(true),
        "nothing wrong was kept"
    );
    // Denied after it has answered: not believed either, and the next run looks at the ABI again.
    let again = chain();
    assert_eq!(kind(&run(&again, Some(directory.path())), "paused"), Some("unreachable"));
    let last = healthy();
    run(&last, Some(directory.path()));
    assert_eq!((last.times_asked("is_contract_paused"), last.times_asked("min_request_count")), (1, 0));
}

/// One bad answer must not cost a fleet its cheap way for a day.
#[test]
fn a_row_that_was_denied_once_is_asked_for_again() {
    let directory = tempfile::tempdir().unwrap();
    let chain = || {
        let mut table = snake();
        table.abi = Some(json!({"exposed_functions": [
            {"name": "get_balance_of_client_v2", "params": ["vector<address>"]},
            {"name": "check_client_fund", "params": ["address"]}]}));
        table
    };
    let first = run(&chain(), Some(directory.path()));
    assert_eq!(first.state.deposit.balance.unwrap().get(), 20_000_000_000);
    let mut second = chain();
    let rows = json!([[{"client_address":"0xa1","min_balance_limit":"1","balance":"77","current_grant":"2","max_txn_fee":"3"}]]);
    second.answers.insert("get_balance_of_client_v2".to_owned(), Ok(rows));
    assert_eq!(run(&second, Some(directory.path())).state.deposit.balance.unwrap().get(), 77);
    assert_eq!(second.times_asked("check_client_fund"), 0);
}

#[test]
fn one_question_serves_several_values() {
    let table = snake();
    run(&table, None);
    assert_eq!(table.times_asked("get_client_modules_info"), 1);
}

#[test]
fn rows_are_preferred_where_listed_and_replaced_where_they_fail() {
    let abi = json!({"exposed_functions": [
        {"name": "get_balance_of_client_v2", "params": ["vector<address>"]},
        {"name": "check_client_fund", "params": ["address"]},
        {"name": "get_lottery_status", "params": []}]});
    let rows = json!([[{"client_address":"0xa1","min_balance_limit":"1","balance":"77","current_grant":"2","max_txn_fee":"3"}]]);
    let mut table = snake();
    table.abi = Some(abi);
    table.answers.insert("get_balance_of_client_v2".to_owned(), Ok(rows));
    let collected = run(&table, None);
    assert_eq!(collected.state.deposit.balance.unwrap().get(), 77);
    assert_eq!(collected.state.deposit.max_txn_fee.unwrap().get(), 3);
    assert_eq!(table.times_asked("check_client_fund"), 0);
    for broken in [json!([[]]), json!([[{"client_address":"0xa2","balance":"1"}]]), json!(["x"])] {
        table.answers.insert("get_balance_of_client_v2".to_owned(), Ok(broken));
        assert_eq!(run(&table, None).state.deposit.balance.unwrap().get(), 20_000_000_000);
    }
}

#[test]
fn missing_views_are_derived_and_failed_ones_are_not() {
    let table = Table::new(&[
        ("check_client_fund", json!(["100"])),
        ("check_max_txn_fee_client_v2", json!(["4"])),
        ("min_request_count", json!(["30"])),
    ]);
    let deposit = run(&table, None).state.deposit;
    assert_eq!(deposit.min_balance.unwrap().get(), 120);
    assert_eq!(deposit.at_or_below_minimum, Some(true));
    assert_eq!(deposit.effective_balance.unwrap().get(), 0);
    let table = table.failing("has_minimum_balance_reached_v2", FailureKind::Aborted);
    assert_eq!(run(&table, None).state.deposit.at_or_below_minimum, None);
}

#[test]
fn the_not_whitelisted_abort_is_an_answer() {
    let table = snake().failing("check_min_balance_client_v2", FailureKind::NotWhitelisted);
    assert_eq!(run(&table, None).state.deposit.client_whitelisted, Some(false));
}

#[test]
fn the_old_keys_stand_first_and_in_order() {
    let collected = run(&snake(), None);
    let (target, given) = target();
    let mut record = Record::new();
    collected.write(&mut record, &target, &given, &Value::Null, Timestamp::UNIX_EPOCH).unwrap();
    let mut line = Vec::new();
    record.write(&mut line, false).unwrap();
    let tree: Value = serde_json::from_slice(&line).unwrap();
    let keys: Vec<&String> = tree.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "timestamp",
            "profile",
            "lottery_addr",
            "deposit_addr",
            "client_addr",
            "calculation",
            "lottery",
            "deposit",
            "schema",
            "target",
            "state",
            "views"
        ]
    );
    assert_eq!(tree["lottery_addr"], "0xA1");
    assert_eq!(tree["lottery"]["status"], status());
    let deposit: Vec<(&String, &Value)> = tree["deposit"].as_object().unwrap().iter().collect();
    assert_eq!(deposit[0], (&"balance".to_owned(), &json!("20000000000")));
    let names: Vec<&str> = deposit.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "balance",
            "min_balance",
            "min_balance_reached",
            "contract_details",
            "subscription_info",
            "whitelisted_contracts",
            "max_gas_price",
            "max_gas_limit"
        ]
    );
    assert_eq!(tree["deposit"]["max_gas_price"], Value::Null);
}

/// The dVRF 3 package and the lottery, over REST.
fn dvrf_3() -> Table {
    let snapshot =
        json!({"vec": [{"max_gas_price": "10", "max_gas_limit": "20", "min_balance_limit": "30"}]});
    let mut table = Table::new(&[
        ("block", json!({"height": 5, "time_us": 77, "chain_id": 6})),
        (
            "LotteryData",
            json!({"tickets": ["0x1", "0x2"], "draw_scheduled": true, "pending_request": {"vec": ["4"]},
            "jackpot_amount": "9", "rng_request_count": "4", "rng_response_count": "3", "next_client_seed": "5",
            "max_gas_price": "10", "max_gas_limit": "20", "callback_gas_price": "1", "callback_gas_limit": "2",
            "verification_gas_value": "3", "whitelisted_consumers": ["0xa1"], "vrf_request_config": {"vec": []},
            "whitelisted_callback_sender": {"vec": ["0xa1"]}, "client_whitelist_snapshot": snapshot,
            "consumer_whitelist_snapshot": {"vec": []}}),
        ),
        (
            "get_balance_of_client_v2",
            json!([[{"client_address": "0xa1", "min_balance_limit": "30000000", "balance": "20000000000",
                "current_grant": "2", "max_txn_fee": "1000000"}]]),
        ),
        ("has_minimum_balance_reached_v2", json!([false])),
        ("get_client_modules_info", json!([[]])),
        ("check_min_balance_supra_v2", json!(["100"])),
        ("is_contract_paused", json!([false])),
        (
            "get_lottery_status",
            json!([{"ticket_count": "2", "draw_scheduled": true, "pending_request": true,
            "jackpot_amount": "9", "rng_request_count": "4", "rng_response_count": "3"}]),
        ),
        ("get_whitelist_status", json!([{"aggregator": {"vec": ["0xa1"]}, "consumers": ["0xa1"]}])),
        ("get_vrf_request_config", json!([{"vec": []}])),
        ("check_client_fund", json!(["20000000000"])),
        ("check_min_balance_client_v2", json!(["30000000"])),
        ("chain_id", json!(6)),
    ]);
    let functions: Vec<Value> =
        table.answers.keys().map(|name| json!({"name": name, "params": ["address"]})).collect();
    table.abi = Some(json!({"exposed_functions": functions}));
    table.blocks = true;
    table
}

#[test]
fn eight_requests_in_one_round_answer_a_cold_run() {
    let table = dvrf_3();
    let collected = run(&table, None);
    let asked = table.asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(
        asked[0],
        [
            "block",
            "LotteryData",
            "get_balance_of_client_v2",
            "has_minimum_balance_reached_v2",
            "get_client_modules_info",
            "check_min_balance_supra_v2",
            "is_contract_paused",
            "block"
        ]
    );
    assert_eq!(collected.last_clock_us, Some(Count(77)));
    let (state, kind) = (&collected.state, |key| kind(&collected, key));
    assert_eq!((state.chain.id, state.chain.time_us.map(|time| time.0)), (Some(6), Some(77)));
    assert_eq!(state.deposit.min_request_count.map(|count| count.0), Some(30));
    assert_eq!(state.deposit.client_whitelisted, Some(true));
    assert_eq!(state.deposit.effective_balance.unwrap().get(), 19_970_000_000);
    assert_eq!((kind("max_gas_price"), kind("contracts")), (Some("unsupported"), Some("unsupported")));
    let message = &collected.views["max_gas_price"].error.as_ref().unwrap().message;
    assert_eq!(message, "this chain has max_txn_fee instead");
}

#[test]
fn the_old_keys_do_not_depend_on_how_they_were_read() {
    let keys = |detail| {
        let collected = run_in(&dvrf_3(), None, None, detail);
        let (target, given) = target();
        let mut record = Record::new();
        collected.write(&mut record, &target, &given, &Value::Null, Timestamp::UNIX_EPOCH).unwrap();
        let key = |name: &str| record.get::<Value>(name).unwrap().unwrap();
        (key("lottery").to_string(), key("deposit").to_string())
    };
    assert_eq!(keys(Detail::Lean), keys(Detail::Full));
}

/// A run at an hour of the chain's life, with a cache.
fn run_at(table: &Table, directory: &std::path::Path, hours: i64) -> Collected {
    let (target, _) = target();
    let collector = Collector {
        row: None,
        detail: Detail::Lean,
        transport: table,
        deadline: Deadline::after(Duration::from_secs(5)),
        overrides: &Overrides::default(),
        cache: &Cache::new(Some(directory), "chain", &target),
        now: Timestamp::from_second(hours * 3600).unwrap(),
        repeats_header: true,
    };
    collector.run(&target)
}

/// A node that answers as if the module lacked a function, at one time of a day, must not hide it at another.
#[rstest::rstest]
#[case::paused("is_contract_paused", "paused")]
#[case::modules("get_client_modules_info", "modules")]
#[case::minimum("check_min_balance_supra_v2", "supra_min_balance")]
#[case::flag("has_minimum_balance_reached_v2", "min_balance_reached")]
#[case::clock("block", "chain_time")]
#[case::resource("LotteryData", "pending_nonce")]
fn a_denial_is_forgotten(
    #[case] function: &str,
    #[case] key: &str,
    #[values(1, 12, 23, 25)] hours_later: i64,
    #[values("no ABI", "an ABI without it", "an ABI without the core")] abi: &str,
) {
    let directory = tempfile::tempdir().unwrap();
    let mut denying = dvrf_3();
    denying.answers.remove(function);
    denying.abi = match abi {
        "no ABI" => None,
        "an ABI without it" => Some(json!({"exposed_functions": [
            {"name": "check_client_fund", "params": ["address"]},
            {"name": "get_lottery_status", "params": []}]})),
        _ => Some(json!({"exposed_functions": []})),
    };
    run_at(&denying, directory.path(), 100);
    let healthy = run_at(&dvrf_3(), directory.path(), 100 + hours_later);
    assert_eq!(kind(&healthy, key), None, "{:?}", healthy.views[key]);
}

/// The modules are looked at once a day, beside the values; what changed is said until the next look.
#[test]
fn an_upgrade_is_noticed_within_a_day() {
    let directory = tempfile::tempdir().unwrap();
    let look = |digest: &str, hours: i64| {
        let mut table = dvrf_3();
        table.abi.as_mut().unwrap()["bytecode_id"] = json!(digest);
        let upgraded = run_at(&table, directory.path(), hours).state.chain.upgraded_modules;
        (upgraded.len(), table.times_asked("abi"), table.rounds())
    };
    assert_eq!(look("a", 100), (0, 2, 1), "the first look");
    assert_eq!(look("b", 101), (0, 0, 1), "looked at an hour ago");
    assert_eq!(look("b", 125), (2, 2, 1));
    assert_eq!(look("b", 126), (2, 0, 1));
    assert_eq!(look("b", 150), (0, 2, 1));
}
