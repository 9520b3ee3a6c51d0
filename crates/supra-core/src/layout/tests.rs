//! Contracts of other layouts on a chain that answers by name, and the mistakes in layout files.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::error::Error;
use crate::failure::FailureKind;
use crate::state::consumer::{Consumer, OwnDeposit};
use crate::target::Target;
use crate::transport::{Block, Deadline, EventPage, EventRow, Reply, Request, Transport};
use crate::view_report::Views;

const WHEEL: &str = include_str!("../../../../tests/fixtures/layouts/wheel.toml");
const DICE: &str = include_str!("../../../../tests/fixtures/layouts/dice.toml");
const ROTATION: &str = include_str!("../../../../tests/fixtures/layouts/rotation.toml");

/// A block a second; the tip is at this height.
const NOW_S: u64 = 200_000;

/// What the chain answers: views by `module::name(arguments)`, resources by `module::Struct`, tables by key, events by
/// `module::Event`. Everything else is missing.
#[derive(Clone, Default)]
struct Chain {
    answers: BTreeMap<String, Value>,
    events: Vec<(String, u64, Value)>,
    /// The views and resources that fail in passing.
    broken: Vec<&'static str>,
    /// Whether only views can be read, as with an older CLI.
    views_only: bool,
}

impl Chain {
    fn of(answers: &[(&str, Value)]) -> Self {
        let answers = answers.iter().map(|(name, answer)| ((*name).to_owned(), answer.clone()));
        Self { answers: answers.collect(), ..Self::default() }
    }

    fn with(mut self, name: &str, answer: Value) -> Self {
        self.answers.insert(name.to_owned(), answer);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.answers.remove(name);
        self
    }

    fn event(mut self, name: &str, ago_s: u64, data: Value) -> Self {
        self.events.push((name.to_owned(), NOW_S - ago_s, data));
        self
    }

    fn failing(mut self, name: &'static str) -> Self {
        self.broken.push(name);
        self
    }

    fn answer(&self, request: &Request) -> Result<Value, Error> {
        let short = |tag: &str| tag.split_once("::").map_or("", |(_, rest)| rest).to_owned();
        if self.views_only && !matches!(request, Request::View(_)) {
            return Err(Error::new(FailureKind::Unsupported, "only views are read"));
        }
        let key = match request {
            Request::View(call) => {
                let arguments: Vec<String> = call.arguments.iter().map(|a| a.to_json().to_string()).collect();
                let arguments = arguments.join(",").replace('"', "");
                format!("{}::{}({arguments})", call.function.module, call.function.name)
            }
            Request::Resource { type_tag, .. } => short(type_tag),
            Request::TableItem { value_type, key, .. } => format!("{}[{key}]", short(value_type)),
            Request::Block { height, .. } => {
                let height = height.unwrap_or(NOW_S);
                let block =
                    Block { height, time_us: height * 1_000_000, chain_id: None, transactions: vec![] };
                return Ok(serde_json::to_value(block).unwrap());
            }
            Request::Events { type_tag, from, to, .. } => {
                let name = short(type_tag);
                let wanted =
                    |(of, height, _): &&(String, u64, Value)| *of == name && (from..to).contains(&height);
                let row = |(_, height, data): &(String, u64, Value)| EventRow {
                    height: Some(*height),
                    hash: Some(format!("0x{height}")),
                    data: data.clone(),
                };
                let rows = self.events.iter().filter(wanted).map(row).collect();
                return Ok(serde_json::to_value(EventPage { rows, cursor: None }).unwrap());
            }
            other => panic!("{other:?}"),
        };
        if self.broken.iter().any(|name| key.starts_with(name)) {
            return Err(Error::new(FailureKind::Unreachable, "no answer"));
        }
        let missing = || Error::new(FailureKind::Unsupported, format!("there is no {key}"));
        self.answers.get(&key).cloned().ok_or_else(missing)
    }

    fn read(&self, layout: &Layout) -> (Consumer, Views) {
        let address: Address = "0xc0".parse().unwrap();
        let target = Target {
            lottery: None,
            consumer: Some(address),
            ..Target::of_lottery(address, "0xd".parse().unwrap())
        };
        let now = Timestamp::from_second(i64::try_from(NOW_S).unwrap()).unwrap();
        read(layout, &target, self, Deadline::after(Duration::from_secs(60)), now)
    }

    /// The requests, the conditions and the failed reads, a line each.
    fn judged(&self, layout: &Layout) -> Vec<String> {
        let (consumer, views) = self.read(layout);
        let requests = consumer.requests.iter().map(|request| {
            let outcome = serde_json::to_value(request.outcome).unwrap();
            let age = request.age_seconds.map(|age| format!(" {age} s")).unwrap_or_default();
            let ok = request.ok.map(|ok| if ok { " ok" } else { " not ok" }).unwrap_or_default();
            format!("{}: {}{age}{ok}", request.label(), outcome.as_str().unwrap())
        });
        let watches = consumer.watches.iter().map(|watch| {
            let holds = if watch.holds.is_some() { "" } else { " unknown" };
            format!("{}{holds}", watch.label())
        });
        let ready = (consumer.ready == Some(false)).then(|| "not ready".to_owned());
        requests.chain(watches).chain(views.into_keys()).chain(ready).collect()
    }
}

impl Transport for Chain {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
        let reply = |request| Reply { result: self.answer(request), elapsed: Duration::ZERO, attempts: 1 };
        requests.iter().map(reply).collect()
    }

    fn identity(&self) -> String {
        "chain".to_owned()
    }

    fn offers_abi(&self) -> bool {
        !self.views_only
    }
}

fn parsed(text: &str) -> Layout {
    Layout::parse(text, &|_| None).unwrap()
}

fn built_in(name: &str) -> Layout {
    (**Layouts::built_in().get(name).unwrap()).clone()
}

fn some(value: impl Into<Value>) -> Value {
    json!([{"vec": [value.into()]}])
}

fn none() -> Value {
    json!([{"vec": []}])
}

#[test]
fn every_built_in_layout_is_one() {
    let layouts = Layouts::built_in();
    let names: Vec<&str> = layouts.names().collect();
    assert_eq!(names, ["main_v2", "deposit-only", "core", "generic", "multi"]);
}

fn wheel() -> Chain {
    Chain::of(&[
        ("supra_wheel::WheelState", json!({"fee": "5"})),
        ("supra_wheel::get_game_config()", json!(["5", false, "0x1", "0x2"])),
        ("supra_wheel::get_pending_spin_info(7)", none()),
        ("supra_wheel::get_spin_result(7)", none()),
    ])
}

fn spun(ago_s: u64) -> Chain {
    wheel().event("supra_wheel::SpinEvent", ago_s, json!({"player": "0x9", "nonce": "7", "fee": "5"}))
}

#[rstest]
#[case::nothing_happened(wheel(), &[])]
#[case::waits(spun(90).with("supra_wheel::get_pending_spin_info(7)", some(json!({"timestamp": "199900"}))), &["spin 7: pending 90 s"])]
#[case::won(spun(90).event("supra_wheel::WinEvent", 80, json!({"nonce": "7"})), &["spin 7: answered ok"])]
#[case::paid_back(spun(90).event("supra_wheel::RefundEvent", 80, json!({"nonce": "7"})), &["spin 7: answered not ok"])]
#[case::answered_without_an_event(spun(90).with("supra_wheel::get_spin_result(7)", some(json!({"is_win": false}))), &["spin 7: answered not ok"])]
#[case::vanished(spun(90), &["spin 7: not_confirmed"])]
#[case::answer_to_another(spun(90).event("supra_wheel::WinEvent", 80, json!({"nonce": "6"})), &["spin 7: not_confirmed"])]
#[case::answer_before_the_request(spun(90).event("supra_wheel::WinEvent", 95, json!({"nonce": "7"})), &["spin 7: not_confirmed"])]
#[case::probe_fails(spun(90).failing("supra_wheel::get_"), &["spin 7: not_confirmed", "CONSUMER_PAUSED unknown", "consumer.config"])]
#[case::paused(wheel().with("supra_wheel::get_game_config()", json!(["5", true])), &["CONSUMER_PAUSED"])]
#[case::not_initialised(wheel().without("supra_wheel::WheelState"), &["not ready"])]
#[case::only_views_are_read(Chain { views_only: true, ..wheel() }, &["consumer.events"])]
#[case::too_old_for_the_events(spun(100_000), &[])]
fn a_wheel(#[case] chain: Chain, #[case] expected: &[&str]) {
    assert_eq!(chain.judged(&parsed(WHEEL)), expected);
}

/// A `[fund]` that cannot be resolved is not the same as none, by which dVRF's own function would be used.
#[test]
fn a_fund_that_names_no_call_is_reported() {
    let (consumer, views) = wheel().read(&parsed(WHEEL));
    assert!(consumer.fund.unwrap().call(7).is_some());
    assert_eq!(views, Views::new());
    let text = WHEEL.replace("[\"u64:{amount}\"]", "[\"u64:{amount}\", \"u64:{client}\"]");
    let (consumer, mut views) = wheel().read(&parsed(&text));
    assert_eq!(consumer.fund, Some(OwnDeposit::default()));
    let failure = views.remove("consumer.fund").unwrap().error.unwrap();
    let start = "the [fund] section of the layout does not name a call that can be sent: \"0x";
    assert!(failure.message.starts_with(start), "{failure:?}");
    assert_eq!(failure.kind, FailureKind::Undecodable);
    assert_eq!(views, Views::new());
}

fn rolled() -> Chain {
    Chain::of(&[("dice_roll::DiceMapper", json!({}))]).event(
        "dice_roll::DiceRollEvent",
        30,
        json!({"user_address": "0x9", "request_id": "3", "dice_range": 6}),
    )
}

#[rstest]
#[case::waits(rolled().with("dice_roll::get_dice_result(3)", json!([false, "0"])), &["roll 3: pending 30 s"])]
#[case::answered(rolled().event("dice_roll::DiceResultEvent", 20, json!({"request_id": "3"})), &["roll 3: answered"])]
#[case::answered_by_the_view(rolled().with("dice_roll::get_dice_result(3)", json!([true, "4"])), &["roll 3: answered"])]
#[case::view_aborts(rolled(), &["roll 3: not_confirmed"])]
fn dice(#[case] chain: Chain, #[case] expected: &[&str]) {
    assert_eq!(chain.judged(&parsed(DICE)), expected);
}

#[rstest]
#[case::idle(json!([0, "1", "2", "3", "4"]), &[])]
#[case::waits(json!([1, "1", "2", "3", "4"]), &["rotation 4: pending"])]
#[case::next_rotation(json!([1, "1", "2", "3", "5"]), &["rotation 5: pending"])]
#[case::open(json!([2, "1", "2", "3", "4"]), &[])]
fn a_state_without_keys(#[case] state: Value, #[case] expected: &[&str]) {
    let chain = Chain::of(&[("tokens::get_mint_state()", state)]);
    assert_eq!(chain.judged(&parsed(ROTATION)), expected);
}

fn asked(nonce: &str, callback: &str, ago_s: u64) -> Chain {
    Chain::default().event(
        "supra_vrf::RequestEvent",
        ago_s,
        json!({"nonce": nonce, "callback_address": callback, "caller_address": "0x9"}),
    )
}

#[rstest]
#[case::waits(asked("7", "0xc0", 400), &["request 7: pending 400 s"])]
#[case::answered(asked("7", "0xc0", 400).event("supra_vrf::VerifyCallbackEvent", 390, json!({"nonce": "7"})), &["request 7: answered"])]
#[case::of_another_consumer(asked("7", "0xc1", 400), &[])]
#[case::short_address(asked("7", "0x00c0", 400), &["request 7: pending 400 s"])]
#[case::not_a_nonce(asked("a b", "0xc0", 400), &[])]
fn any_consumer(#[case] chain: Chain, #[case] expected: &[&str]) {
    assert_eq!(chain.judged(&built_in("generic")), expected);
}

fn core() -> Chain {
    let round = |pending: Value| {
        some(
            json!({"ticket_count": "3", "draw_scheduled": true, "has_pending_request": pending["vec"] != json!([]),
            "next_ticket_id": "3", "pending_request_id": pending}),
        )
    };
    Chain::of(&[
        (
            "hub::HubState",
            json!({"callback_sender": {"vec": ["0xa6"]}, "next_request_id": "6", "lottery_ids": ["1", "2"],
                "pending_request_ids": ["5"]}),
        ),
        ("core_rounds::get_round_snapshot(1)", round(json!({"vec": ["5"]}))),
        ("core_rounds::get_round_snapshot(2)", round(json!({"vec": []}))),
        ("core_rounds::history_queue_length()", json!(["0"])),
        ("core_rounds::purchase_queue_length()", json!(["0"])),
        ("core_instances::is_instance_active(1)", json!([true])),
        ("core_instances::is_instance_active(2)", json!([true])),
        ("hub::is_lottery_active(1)", json!([true])),
        ("hub::is_lottery_active(2)", json!([true])),
        ("core_treasury_multi::get_pool(1)", some(json!({"prize_balance": "9"}))),
        ("core_treasury_multi::get_pool(2)", some(json!({"prize_balance": "0"}))),
    ])
}

fn hub(pending: impl Into<Value>, sender: impl Into<Value>) -> Value {
    let (pending, sender): (Value, Value) = (pending.into(), sender.into());
    json!({"callback_sender": sender, "next_request_id": "6", "lottery_ids": ["1", "2"], "pending_request_ids": pending})
}

#[rstest]
#[case::waits_without_its_event(core(), &["round 1 5: pending"])]
#[case::waits(core().event("core_rounds::DrawRequestIssuedEvent", 60, json!({"lottery_id": "1", "request_id": "5"})), &["round 1 5: pending 60 s"])]
#[case::an_earlier_one_was_answered(
    core().event("core_rounds::DrawRequestIssuedEvent", 90, json!({"lottery_id": "1", "request_id": "4"}))
        .event("core_rounds::DrawFulfilledEvent", 80, json!({"lottery_id": "1", "request_id": "4"})),
    &["round 1 5: pending", "round 1 4: answered"],
)]
#[case::a_round_was_reset(
    core().event("core_rounds::DrawRequestIssuedEvent", 90, json!({"lottery_id": "1", "request_id": "4"}))
        .event("core_rounds::RoundResetEvent", 80, json!({"lottery_id": "1"})),
    &["round 1 5: pending", "round 1 4: withdrawn"],
)]
#[case::another_round_was_reset(
    core().event("core_rounds::DrawRequestIssuedEvent", 90, json!({"lottery_id": "1", "request_id": "5"}))
        .event("core_rounds::RoundResetEvent", 80, json!({"lottery_id": "2"})),
    &["round 1 5: pending 90 s"],
)]
#[case::orphan(core().with("hub::HubState", hub(json!(["5", "4"]), json!({"vec": ["0xa6"]}))), &["round 1 5: pending", "HUB_ORPHAN"])]
#[case::lost(core().with("hub::HubState", hub(json!([]), json!({"vec": ["0xa6"]}))), &["round 1 5: pending", "HUB_LOST 1"])]
#[case::nobody_answers(core().with("hub::HubState", hub(json!(["5"]), json!({"vec": []}))), &["round 1 5: pending", "CALLBACK_SENDER_NOT_SET"])]
#[case::switches_differ(core().with("hub::is_lottery_active(2)", json!([false])), &["round 1 5: pending", "LOTTERY_SWITCHES_DIFFER 2"])]
#[case::no_pool(core().with("core_treasury_multi::get_pool(2)", none()), &["round 1 5: pending", "POOL_MISSING 2"])]
#[case::backlog(core().with("core_rounds::history_queue_length()", json!(["4"])), &["round 1 5: pending", "HISTORY_BACKLOG"])]
#[case::a_round_is_not_read(
    core().failing("core_rounds::get_round_snapshot(2)").with("hub::HubState", hub(json!(["5", "4"]), json!({"vec": ["0xa6"]}))),
    &["round 1 5: pending", "HUB_ORPHAN unknown", "HUB_LOST 2 unknown", "consumer.round"],
)]
#[case::the_jackpot_waits(
    core().with("hub::HubState", hub(json!(["5", "4"]), json!({"vec": ["0xa6"]})))
        .with("rewards_jackpot::pending_request()", some(json!("4"))),
    &["round 1 5: pending", "jackpot 4: pending"],
)]
#[case::the_single_lottery_waits(
    core().with("core_main_v2::LotteryData", json!({"pending_request": {"vec": ["8"]}}))
        .event("core_main_v2::DrawRequestedEvent", 10, json!({"nonce": "8", "requester": "0x9"})),
    &["single 8: pending 10 s", "round 1 5: pending"],
)]
#[case::not_initialised(core().without("hub::HubState"), &["not ready"])]
fn many_lotteries(#[case] chain: Chain, #[case] expected: &[&str]) {
    assert_eq!(chain.judged(&built_in("core")), expected);
}

/// Modules have two names; the one that the node has is found, and asked for no more than once more.
#[test]
fn older_names_of_modules() {
    let mut chain = core();
    chain.answers = (chain.answers.into_iter())
        .map(|(name, answer)| (name.trim_start_matches("core_").to_owned(), answer))
        .collect();
    let chain =
        chain.event("rounds::DrawRequestIssuedEvent", 60, json!({"lottery_id": "1", "request_id": "5"}));
    assert_eq!(chain.judged(&built_in("core")), ["round 1 5: pending 60 s"]);
}

#[test]
fn values_of_lists_and_options() {
    let (consumer, _) = core().read(&built_in("core"));
    assert_eq!(consumer.values["requests_made"], json!("5"));
    let sender = "0xa6".parse::<Address>().unwrap().to_string();
    assert_eq!(consumer.values["callback_sender"], json!([sender]));
    assert_eq!(consumer.values["jackpot_pending_id"], json!(null));
    let ids: Vec<&str> = consumer.lists["lottery"].elements.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["1", "2"]);
    let second = &consumer.lists["lottery"].elements[1].values;
    assert_eq!((&second["pending_id"], &second["ticket_count"]), (&json!([]), &json!(["3"])));
    assert_eq!(consumer.requests[0].answerer, Some(sender));
}

fn multi(status: u64, attempt: u64) -> Chain {
    Chain::of(&[
        ("draw::DrawLedger", json!({"states": {"handle": "0x71"}, "nonce_to_lottery": {"handle": "0x72"}})),
        ("lottery_registry::Registry", json!({"ordered_ids": ["1"], "lotteries": {"handle": "0x73"}})),
        (
            "vrf_deposit::VrfDepositLedger",
            json!({"config": {}, "status": {"requests_paused": false, "total_balance": "9", "required_minimum": "3",
                "last_update_ts": (NOW_S - 60).to_string()}}),
        ),
        (
            "draw::DrawState[1]",
            json!({"vrf_state": {"status": status, "attempt": attempt, "request_id": "12"}}),
        ),
        ("lottery_registry::Lottery[1]", json!({"status": 3})),
    ])
}

#[rstest]
#[case::idle(multi(0, 0), &[])]
#[case::waits(multi(1, 1).event("history::VrfRequestedEvent", 50, json!({"lottery_id": "1", "request_id": "12"})), &["draw 1 12: pending 50 s"])]
#[case::fulfilled(multi(2, 1), &[])]
#[case::no_draw_yet(multi(0, 0).without("draw::DrawState[1]"), &[])]
#[case::last_attempt(multi(1, 4), &["draw 1 12: pending", "VRF_ATTEMPTS 1"])]
#[case::paused(
    multi(0, 0).with("vrf_deposit::VrfDepositLedger", json!({"status": {"requests_paused": true, "total_balance": "1",
        "required_minimum": "3", "last_update_ts": (NOW_S - 1000).to_string()}})),
    &["REQUESTS_PAUSED", "DEPOSIT_GATE_STALE"],
)]
fn resources_and_tables(#[case] chain: Chain, #[case] expected: &[&str]) {
    assert_eq!(chain.judged(&built_in("multi")), expected);
}

/// A contract whose list is not where it should be is not one without elements.
#[rstest]
#[case::an_empty_answer(json!({}))]
#[case::no_list(json!({"ordered_ids": "1"}))]
#[case::a_list_of_none(json!({"ordered_ids": [null]}))]
fn a_list_that_is_not_there_is_reported(#[case] registry: Value) {
    let chain = multi(1, 1).with("lottery_registry::Registry", registry);
    let (consumer, views) = chain.read(&built_in("multi"));
    assert!(!consumer.lists.contains_key("lottery"), "{:?}", consumer.lists);
    let failure = views["consumer.lottery"].error.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Undecodable);
    assert_eq!(failure.message, "lottery: the answer of lotteries has no such list");
}

/// A list is read up to its limit, and what is left out makes an answer about all of it unknown.
#[test]
fn a_long_list_is_cut() {
    let layout = parsed(
        &text_of("core")
            .unwrap()
            .replace("from = [\"hub_state.lottery_ids\"]", "from = [\"hub_state.lottery_ids\"]\nmax = 1"),
    );
    let chain = core().with("hub::HubState", hub(json!(["5", "4"]), json!({"vec": ["0xa6"]})));
    let (consumer, _) = chain.read(&layout);
    assert_eq!((consumer.lists["lottery"].elements.len(), consumer.lists["lottery"].left_out), (1, 1));
    assert_eq!(chain.judged(&layout), ["round 1 5: pending", "HUB_ORPHAN unknown"]);
}

/// A layout with one line replaced.
fn broken(from: &str, to: &str) -> String {
    assert!(WHEEL.contains(from), "{from}");
    WHEEL.replacen(from, to, 1)
}

#[rstest]
#[case::schema(
    "dvrf.layout/1",
    "dvrf.layout/2",
    1,
    "layout is \"dvrf.layout/2\", this version reads dvrf.layout/1"
)]
#[case::unknown_key("title =", "titel =", 3, "unknown field `titel`, expected one of `layout`, `name`")]
#[case::unknown_table("[marker]", "[markers]", 8, "unknown field `markers`, expected one of")]
#[case::unknown_key_in_a_rule(
    "who = \"player\"",
    "whom = \"player\"",
    36,
    "unknown field `whom`, expected one of"
)]
#[case::not_toml("main = \"supra_wheel\"", "main = supra_wheel", 6, "")]
#[case::wrong_type("key = \"nonce\"", "key = 7", 34, "wanted string or table")]
#[case::key_kind("key = \"nonce\"\n", "key = \"number\"\n", 34, "unknown variant `number`, expected one of")]
#[case::unknown_module(
    "view = \"main::get_game_config\"",
    "view = \"mian::get_game_config\"",
    16,
    "mian::get_game_config is of the module mian, which [module] does not have"
)]
#[case::not_a_reference(
    "view = \"main::get_game_config\"",
    "view = \"get_game_config\"",
    16,
    "\"get_game_config\" is not MODULE::NAME, where MODULE is a key of [module]"
)]
#[case::unknown_read(
    "from = [\"config.1\"]",
    "from = [\"confg.1\"]",
    30,
    "value paused: confg.1 begins with confg, and there is no [read.confg]"
)]
#[case::not_a_path(
    "from = [\"config.1\"]",
    "from = [\"config..1\"]",
    30,
    "\"config..1\" is not a path: NAME, then .field, .0, ? (unwraps an Option) or # (length, at the end)"
)]
#[case::no_place("from = [\"config.1\"]", "from = []", 30, "value paused needs at least one path in from")]
#[case::value_of_a_probe(
    "from = [\"config.1\"]",
    "from = [\"spin.fee_paid\"]",
    30,
    "value paused: spin is read per request; a value cannot be"
)]
#[case::value_type("type = \"bool\"", "type = \"flag\"", 30, "unknown variant `flag`, expected one of")]
#[case::argument(
    "args = [\"u64:{key}\"]",
    "args = [\"u32:{key}\"]",
    20,
    "\"u32:{key}\" is not TYPE:VALUE, where TYPE is address, u64 or u8"
)]
#[case::placeholder(
    "args = [\"u64:{key}\"]",
    "args = [\"u64:{lottery}\"]",
    20,
    "[read.spin]: {lottery} is neither key, an address nor the list of each"
)]
#[case::unknown_probe(
    "probe = \"spin\"",
    "probe = \"config\"",
    41,
    "request spin: config is not a read with {key}"
)]
#[case::two_kinds_of_read(
    "view = \"main::get_game_config\"",
    "view = \"main::a\"\nresource = \"main::B\"",
    15,
    "[read.config] needs one of view, resource, exists and table"
)]
#[case::no_key_of_the_event(
    "key = \"nonce\", who = \"player\"",
    "who = \"player\"",
    36,
    "request spin: asked needs the field with the key"
)]
#[case::nothing_asks(
    "pending = { probe = \"spin\", since = { field = \"timestamp\", unit = \"s\" } }",
    "pending = { }",
    33,
    "request spin: pending needs one, list, flag or probe"
)]
#[case::unit("unit = \"s\"", "unit = \"min\"", 41, "unknown variant `min`, expected one of")]
#[case::unknown_value(
    "value = \"paused\"",
    "value = \"pause\"",
    47,
    "watch CONSUMER_PAUSED: pause is not a value"
)]
#[case::condition(
    "when = \"true\"",
    "when = \"truth\"",
    48,
    "\"truth\" is not a condition: none, empty, zero, true, false, \"> 5\", \"< 5\", \"!=\", \"not in\" and \"older than 15m\" are"
)]
#[case::condition_of_another_type(
    "when = \"true\"",
    "when = \"zero\"",
    46,
    "watch CONSUMER_PAUSED: paused can never be so; look at its type and paths"
)]
#[case::other_without_a_comparison(
    "when = \"true\"",
    "when = \"true\"\nother = [\"fee\"]",
    46,
    "watch CONSUMER_PAUSED: other goes with \"!=\" and \"not in\", and only there"
)]
#[case::severity("severity = \"info\"", "severity = \"high\"", 49, "unknown variant `high`, expected one of")]
#[case::code(
    "code = \"CONSUMER_PAUSED\"",
    "code = \"paused!\"",
    46,
    "\"paused!\" is not a code: capital letters, digits and _ are"
)]
#[case::answered_by_nobody(
    "key = \"nonce\"\n",
    "key = \"nonce\"\nby = \"account\"\n",
    33,
    "request spin is answered by an account: answerer must name its value"
)]
#[case::span(
    "gone = \"unknown\"",
    "warn = \"5 minutes\"",
    43,
    "\"5 minutes\" is not a span such as 90s, 5m or 2h"
)]
#[case::order_of_spans(
    "gone = \"unknown\"",
    "warn = \"2h\"\ncritical = \"1h\"",
    33,
    "request spin: warn is longer than critical"
)]
#[case::address(
    "[module]",
    "[address]\ntreasury = \"vault\"\n[module]",
    6,
    "address treasury is vault, which [address] does not have"
)]
#[case::circle("[module]", "[address]\na = \"b\"\nb = \"a\"\n[module]", 6, "address a leads back to itself")]
#[case::secret(
    "[module]",
    "[address]\na = { env = \"NODE_API_KEY\" }\n[module]",
    6,
    "env is \"NODE_API_KEY\": the variables of a layout end in _ADDR or _IDS"
)]
#[case::variable_is_not_set(
    "[module]",
    "[address]\na = { env = \"VAULT_ADDR\" }\n[module]",
    6,
    "address a is taken from VAULT_ADDR, which is not set"
)]
#[case::required_module(
    "modules = [\"main\"]",
    "modules = [\"other\"]",
    12,
    "[require] has other, which [module] does not"
)]
fn mistakes(#[case] from: &str, #[case] to: &str, #[case] line: usize, #[case] message: &str) {
    let error = Layout::parse(&broken(from, to), &|_| None).unwrap_err();
    assert_eq!(error.line, Some(line), "{error}");
    assert!(error.message.starts_with(message), "{error}");
}

#[rstest]
#[case::nothing("", 1)]
#[case::open_string("layout = \"dvrf.layout/1\"\nname = \"\"\"a\n", 2)]
#[case::open_list("layout = [\n1,\n", 2)]
fn what_the_end_of_the_file_lacks(#[case] text: &str, #[case] line: usize) {
    assert_eq!(Layout::parse(text, &|_| None).unwrap_err().line, Some(line));
}

#[test]
fn a_huge_file_is_refused() {
    let error = Layout::parse(&"#".repeat(FILE_BYTES_MAX + 1), &|_| None).unwrap_err();
    assert_eq!(error.message, "a layout has at most 262144 bytes, this has 262145");
}

#[test]
fn addresses_of_variables() {
    let text = WHEEL.replacen(
        "[module]",
        "[address]\nvault = { env = \"VAULT_ADDR\", else = \"consumer\" }\n[module]",
        1,
    );
    let given = |value: &'static str| Layout::parse(&text, &move |_| Some(value.to_owned()));
    assert_eq!(given("0x5").unwrap().address("vault"), Some(&AddressText::Literal("0x5".parse().unwrap())));
    assert_eq!(
        given("not hex").unwrap_err().message,
        "address vault is taken from VAULT_ADDR, which is not an address: an address is hex digits, this contains 'n'"
    );
    let unset = Layout::parse(&text, &|_| None).unwrap();
    assert_eq!(unset.address("vault"), Some(&AddressText::Name("consumer".to_owned())));
}

#[rstest]
#[case::core(&["core_rounds", "hub"], Some("core"))]
#[case::before_the_rename(&["rounds", "hub", "main_v2"], Some("core"))]
#[case::both(&["core_rounds", "hub", "draw", "lottery_registry", "vrf_deposit"], Some("multi"))]
#[case::a_part(&["hub"], None)]
#[case::nothing(&[], None)]
fn recognised_by_modules(#[case] modules: &[&str], #[case] expected: Option<&str>) {
    let chain = FakeModules(modules.iter().map(|module| (*module).to_owned()).collect());
    let deadline = Deadline::after(Duration::from_secs(60));
    let found = recognise(&Layouts::built_in(), "0xc0".parse().unwrap(), &chain, deadline);
    assert_eq!(found.as_ref().map(|layout| layout.name()), expected);
}

/// An account with these modules.
struct FakeModules(Vec<String>);

impl Transport for FakeModules {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
        let answer = |request: &Request| match request {
            Request::ModuleAbi { module, .. } if self.0.contains(module) => Ok(json!({"name": module})),
            _ => Err(Error::new(FailureKind::Unsupported, "no such module")),
        };
        let reply = |request| Reply { result: answer(request), elapsed: Duration::ZERO, attempts: 1 };
        requests.iter().map(reply).collect()
    }

    fn identity(&self) -> String {
        "modules".to_owned()
    }

    fn offers_abi(&self) -> bool {
        true
    }
}
