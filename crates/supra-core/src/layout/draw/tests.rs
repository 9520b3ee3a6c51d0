//! `[draw]`: its mistakes, its conditions, and the counters that nodes are compared by.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::layout::Layouts;

const LOTTERY: &str = include_str!("../../../../../tests/fixtures/layouts/lottery.toml");

fn layout(text: &str) -> Arc<Layout> {
    Arc::new(Layout::parse(text, &|_| None).unwrap())
}

fn target() -> Target {
    let contract = "0xc0".parse().unwrap();
    Target { lottery: None, consumer: Some(contract), ..Target::of_lottery(contract, "0xd".parse().unwrap()) }
}

fn draw(text: &str) -> LayoutDraw {
    LayoutDraw::of(&layout(text), &target()).unwrap()
}

#[test]
fn no_built_in_layout_can_be_drawn() {
    let layouts = Layouts::built_in();
    let drawn = layouts.names().filter_map(|name| LayoutDraw::of(layouts.get(name)?, &target()));
    assert_eq!(drawn.count(), 0);
}

#[test]
fn what_is_sent_and_what_is_counted() {
    let draw = draw(LOTTERY);
    assert_eq!(draw.function().unwrap().to_string(), format!("{}::main_v2::manual_draw", target().client));
    assert_eq!(draw.signer().unwrap(), Some("0xc0".parse().unwrap()));
    assert_eq!(draw.arguments().unwrap(), []);
    let Request::View(call) = draw.counters().unwrap() else { panic!("a view counts") };
    assert_eq!(call.function.name, "get_lottery_status");
    let counted = draw.counted(&json!([{"rng_request_count": "7", "rng_response_count": "6"}]));
    assert_eq!((counted.rng_request_count, counted.rng_response_count), (Some(Count(7)), Some(Count(6))));
    for garbage in [json!(null), json!([]), json!([{"rng_request_count": "x"}]), json!([{"vec": []}])] {
        assert_eq!(draw.counted(&garbage), Lottery::default(), "{garbage}");
    }
}

#[test]
fn a_counter_of_a_resource_and_arguments() {
    let text = LOTTERY
        .replace("[\"status.rng_request_count\"]", "[\"data.asked\"]")
        .replace("[\"status.rng_response_count\"]", "[\"data.answered\"]")
        .replace("signer = \"consumer\"\n", "args = [\"u64:5\", \"address:{client}\"]\n")
        .replace(", \"requesters has signer\"", "");
    let draw = draw(&text);
    assert!(matches!(draw.counters().unwrap(), Request::Resource { .. }));
    assert_eq!(draw.counted(&json!({"asked": "3"})).rng_request_count, Some(Count(3)));
    let arguments: Vec<String> = draw.arguments().unwrap().iter().map(Argument::to_cli).collect();
    assert_eq!(arguments, ["u64:5".to_owned(), format!("address:{}", target().client)]);
    assert_eq!(draw.signer().unwrap(), None, "anybody may sign");
}

/// What a condition says of a value as records hold it.
#[rstest]
#[case::is_true("draw_scheduled", json!(true), Some(true))]
#[case::is_false("draw_scheduled", json!(false), Some(false))]
#[case::not_read("draw_scheduled", json!(null), None)]
#[case::not_a_bool("draw_scheduled", json!(1), None)]
#[case::denied("!draw_scheduled", json!(false), Some(true))]
#[case::denied_and_not_read("!draw_scheduled", json!(null), None)]
#[case::above("ticket_count > 4", json!("5"), Some(true))]
#[case::not_above("ticket_count > 4", json!("4"), Some(false))]
#[case::not_a_number("ticket_count > 4", json!("many"), None)]
#[case::number_not_read("ticket_count > 4", json!(null), None)]
#[case::below("ticket_count < 4", json!("3"), Some(true))]
#[case::set("callback_sender", json!(["0xa6"]), Some(true))]
#[case::not_set("callback_sender", json!([]), Some(false))]
#[case::not_set_is_wanted("!callback_sender", json!([]), Some(true))]
#[case::two_of_one("callback_sender", json!(["0xa6", "0xa7"]), None)]
#[case::option_not_read("callback_sender", json!(null), None)]
#[case::has_the_signer("requesters has signer", json!(["0x1", "0x00c0"]), Some(true))]
#[case::has_it_not("requesters has signer", json!(["0x1"]), Some(false))]
#[case::has_an_address("requesters has deposit", json!(["0xd"]), Some(true))]
#[case::garbage_in_the_list("requesters has signer", json!(["0xc0", 7]), None)]
#[case::list_not_read("requesters has signer", json!(null), None)]
#[case::not_empty("requesters", json!(["0x1"]), Some(true))]
#[case::empty("requesters", json!([]), Some(false))]
fn conditions(#[case] condition: &str, #[case] value: Value, #[case] expected: Option<bool>) {
    let draw = draw(&LOTTERY.replace("ready = [\"draw_scheduled\"", &format!("ready = [{condition:?}")));
    let name = condition.trim_start_matches('!').split(' ').next().unwrap();
    let consumer = Consumer { values: [(name.to_owned(), value)].into(), ..Consumer::default() };
    let found = &draw.conditions(&consumer)[0];
    assert_eq!((found.text.as_str(), found.holds), (condition, expected));
}

#[rstest]
#[case::no_counter(
    "counter = \"asked_ever\"\n",
    "",
    45,
    "[draw] needs counter: the value that counts the requests ever made; without it one draw cannot be told from the next"
)]
#[case::no_request(
    "request = \"draw\"\n",
    "",
    45,
    "[draw] needs request: the kind of request that the draw starts"
)]
#[case::no_condition(
    "ready = [\"draw_scheduled\", ",
    "ready = [] #",
    45,
    "[draw] needs ready: at least one condition under which a draw may be started"
)]
#[case::unknown_request(
    "request = \"draw\"\n",
    "request = \"spin\"\n",
    48,
    "[draw] starts a request spin, and no [[request]] is called so"
)]
#[case::unknown_counter(
    "counter = \"asked_ever\"",
    "counter = \"asked\"",
    49,
    "[draw] counts by asked, which [value] does not have"
)]
#[case::counter_of_another_type(
    "counter = \"asked_ever\"",
    "counter = \"max_gas_price\"",
    31,
    "value max_gas_price: a counter of [draw] is a count in a plain view or resource"
)]
#[case::counter_in_two_places(
    "[\"status.rng_request_count\"]",
    "[\"status.rng_request_count\", \"data.rng_request_count\"]",
    27,
    "value asked_ever: a counter of [draw] has one place"
)]
#[case::counters_of_two_reads(
    "[\"status.rng_response_count\"]",
    "[\"data.rng_response_count\"]",
    28,
    "value answered_ever: both counters of [draw] come from one read, data.rng_response_count does not"
)]
#[case::counter_that_may_be_absent(
    "view = \"main::get_lottery_status\"",
    "optional = true\nview = \"main::get_lottery_status\"",
    28,
    "value asked_ever: a counter of [draw] is a count in a plain view or resource"
)]
#[case::module_with_two_names(
    "main = \"main_v2\"",
    "main = [\"main_v2\", \"core_main_v2\"]",
    46,
    "[draw]: run is main::manual_draw, and the module main has several names; one is needed"
)]
#[case::function_of_dvrf(
    "run = \"main::manual_draw\"",
    "run = \"deposit::withdraw_fund\"",
    46,
    "[draw]: run is deposit::withdraw_fund, which is of no module of [module]"
)]
#[case::unknown_signer(
    "signer = \"consumer\"",
    "signer = \"owner\"",
    47,
    "[draw] is signed by owner, which [address] does not have"
)]
#[case::argument(
    "signer = \"consumer\"",
    "args = [\"u64:{lottery}\"]",
    47,
    "[draw]: {lottery} is not an address of [address]"
)]
#[case::not_a_condition(
    "\"ticket_count > 4\"",
    "\"ticket_count >= 5\"",
    51,
    "\"ticket_count >= 5\" is not a condition of [draw]"
)]
#[case::condition_on_nothing(
    "\"ticket_count > 4\"",
    "\"tickets > 4\"",
    51,
    "[draw]: \"tickets > 4\" looks at tickets, which [value] does not have"
)]
#[case::condition_of_another_type(
    "\"ticket_count > 4\"",
    "\"ticket_count\"",
    51,
    "[draw]: \"ticket_count\" can never hold; look at the type and the path of ticket_count"
)]
#[case::no_signer_to_have(
    "signer = \"consumer\"\n",
    "",
    50,
    "[draw]: \"requesters has signer\": signer is neither an address of [address] nor the signer"
)]
#[case::request_that_may_be_absent(
    "key = \"nonce\"\n",
    "key = \"nonce\"\noptional = true\n",
    35,
    "[draw]: request draw is optional or of a list; one that every such contract has is needed"
)]
fn mistakes(#[case] from: &str, #[case] to: &str, #[case] line: usize, #[case] message: &str) {
    assert!(LOTTERY.contains(from), "{from}");
    let error = Layout::parse(&LOTTERY.replacen(from, to, 1), &|_| None).unwrap_err();
    assert!(error.message.starts_with(message), "{error}");
    assert_eq!(error.line, Some(line), "{error}");
}

const WHEEL: &str = include_str!("../../../../../tests/fixtures/layouts/wheel.toml");

#[rstest]
#[case::of_dvrf(
    "run = \"deposit::withdraw_fund\"\nargs = [\"u64:{amount}\"]",
    "[fund]: run is deposit::withdraw_fund, which is of no module of [module]"
)]
#[case::no_amount(
    "run = \"main::pay\"\nargs = [\"u64:5\"]",
    "[fund] needs u64:{amount} once among args: the deposit in quants"
)]
#[case::two_amounts(
    "run = \"main::pay\"\nargs = [\"u64:{amount}\", \"u64:{amount}\"]",
    "[fund] needs u64:{amount} once"
)]
#[case::amount_of_another_type(
    "run = \"main::pay\"\nargs = [\"u8:{amount}\"]",
    "[fund] needs u64:{amount} once"
)]
#[case::unknown_address(
    "run = \"main::pay\"\nargs = [\"u64:{amount}\", \"address:{bank}\"]",
    "[fund]: {bank} is not an address of [address]"
)]
#[case::unknown_signer(
    "run = \"main::pay\"\nargs = [\"u64:{amount}\"]\nsigner = \"bank\"",
    "[fund] is signed by bank, which [address] does not have"
)]
#[case::no_args("run = \"main::pay\"", "missing field `args`")]
fn mistakes_of_fund(#[case] table: &str, #[case] message: &str) {
    let (before, _) = WHEEL.split_once("[fund]").unwrap();
    let error = Layout::parse(&format!("{before}[fund]\n{table}\n"), &|_| None).unwrap_err();
    assert!(error.message.starts_with(message), "{error}");
    assert!(error.line.is_some_and(|line| line > 50), "{error:?}");
}
