//! The cards of every situation, compared to the letter with `tests/golden/cards.txt`, at 80 and 120 columns, in both
//! languages. `UPDATE_GOLDEN=1 cargo test -p dvrf-cli cards` rewrites the file.

use std::fmt::Write;
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};
use supra_core::check::{Checker, Policy};

use super::*;

const LOTTERY: &str = "0x9a969d3b77941cec267f03b9bbb323c0333fa63d0e9e15204edabc415f134490";
const DEPOSIT: &str = "0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e";
const HASH: &str = "0xe9e7bcbe0f3a4f4bd1b5d4b2b8c8f5a6e7d8c9b0a1f2e3d4c5b6a7988f9e5f2f";

fn now() -> Timestamp {
    "2026-11-25T08:54:31Z".parse().unwrap()
}

fn merge(record: &mut Value, more: &Value) {
    match (record, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (key, value) in more {
                merge(fields.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (place, value) => *place = value.clone(),
    }
}

/// A healthy lottery on testnet with these changes.
fn record(changes: &Value) -> Value {
    let mut record = json!({
        "name": "main-lottery", "profile": "lottery", "lottery_addr": LOTTERY, "client_addr": LOTTERY,
        "deposit_addr": DEPOSIT, "timestamp": "2026-11-25T08:54:31Z",
        "state": {
            "chain": {"id": 6, "time_us": "1795596871000000"},
            "deposit": {"balance": "78750000000", "min_balance": "15750000000", "supra_min_balance": "1",
                "at_or_below_minimum": false, "effective_balance": "63000000000", "grant_remaining": "500000000",
                "max_txn_fee": "525000000", "client_whitelisted": true, "paused": false,
                "modules": [{"module_type": format!("{LOTTERY}::main_v2::LotteryMarker"), "enabled": true,
                    "max_callback_txn_fee": "1000000", "min_balance_limit": "1"}]},
            "lottery": {"ticket_count": "3", "draw_scheduled": false, "pending_request": false, "pending_nonce": [],
                "rng_request_count": "4", "rng_response_count": "4", "aggregator": ["0xa6"], "consumers": [LOTTERY],
                "vrf_request_config": [{"rng_count": 1, "client_seed": "1"}],
                "gas": {"max_gas_price": "1000", "max_gas_limit": "500000", "callback_gas_price": "100",
                    "callback_gas_limit": "150000", "verification_gas_value": "25000"}}
        },
        "views": {"balance": {"function": format!("{DEPOSIT}::deposit::get_balance_of_client_v2")},
            "lottery_status": {"function": format!("{LOTTERY}::main_v2::get_lottery_status")}}
    });
    merge(&mut record, changes);
    record
}

fn balance(quants: &str, is_low: bool) -> Value {
    let quants_left: u64 = quants.parse::<u64>().unwrap().saturating_sub(15_750_000_000);
    json!({"state": {"deposit": {"balance": quants, "at_or_below_minimum": is_low, "grant_remaining": "0",
        "effective_balance": quants_left.to_string()}}})
}

/// Every value failed for one reason.
fn unread() -> Value {
    let error = json!({"kind": "unreachable", "message": "https://rpc-testnet.supra.com: connection refused (4 tries, 2 s)"});
    let keys = ["balance", "min_balance", "lottery_status", "chain_time", "paused", "client_whitelisted"];
    let views: serde_json::Map<String, Value> =
        keys.iter().map(|key| ((*key).to_owned(), json!({"function": null, "error": error}))).collect();
    json!({"views": views, "state": {"chain": null, "deposit": null, "lottery": null}})
}

/// The situations with their names.
fn situations() -> Vec<(&'static str, Value)> {
    let stuck = json!({
        "state": {"lottery": {"pending_request": true, "pending_nonce": ["5"], "rng_request_count": "5"}},
        "requests": {"pending": [{"nonce": "5", "height": 1, "transaction_hash": HASH, "requester": null,
            "requested_at": "2026-11-25T05:53:31Z", "age_seconds": 10_860}],
            "latency": {"count": 4, "min_ms": 5000, "p50_ms": 6000, "p90_ms": 7000, "p99_ms": 7000, "max_ms": 7000}}
    });
    let bare = json!({"state": {"lottery": {"aggregator": [], "consumers": [],
        "gas": {"max_gas_price": "0", "max_gas_limit": "0", "verification_gas_value": "0"}}}});
    vec![
        ("healthy", json!({})),
        ("low", balance("23625000000", false)),
        ("at the minimum", balance("15750000000", true)),
        ("unreachable", unread()),
        ("stuck", stuck),
        ("not set up", bare),
        ("planned", balance("39375000000", false)),
        ("paused and low", {
            let mut both = balance("23625000000", false);
            merge(&mut both, &json!({"state": {"deposit": {"paused": true}}}));
            both
        }),
    ]
}

fn judged(changes: &Value, lang: Lang) -> (Report, Checks) {
    let mut record = record(changes);
    // A state that could not be read has no values at all.
    if record["state"]["deposit"].is_null() {
        record["state"] = json!({});
    }
    let report = Report::of(&serde_json::from_value(record).unwrap()).unwrap();
    let policy = Policy { lang, ..Policy::default() };
    let checks = Checker { policy, calculation: None }.check(&report, None, now());
    (report, checks)
}

fn layout(width: usize, lang: Lang) -> Layout {
    Layout { style: Style::default(), width, verbose: false, lang, now: now() }
}

/// A card after 14 days of one request an hour; the last run was ten minutes ago.
fn with_history(changes: &Value, layout: &Layout) -> String {
    let report = judged(changes, layout.lang).0;
    let deposit = |report: &Report| report.state.as_ref().and_then(|state| state.deposit.balance);
    let balance = deposit(&report).map_or(78_750_000_000, supra_core::amount::Quants::get);
    let history: Vec<Point> = (0..=14 * 24_u32)
        .rev()
        .map(|hour| Point {
            at_s: now().as_second() - 600 - i64::from(hour) * 3600,
            balance: Some(supra_core::amount::Quants(balance + u128::from(hour) * 100_000_000)),
            min_balance: Some(supra_core::amount::Quants(15_750_000_000)),
            verdict: Some(Status::Ok),
            ..Point::default()
        })
        .collect();
    let policy = Policy { lang: layout.lang, ..Policy::default() };
    let checks = Checker { policy, calculation: None }.check_with_history(&report, None, &history, now());
    card(&report, &checks, &history, layout)
}

fn shown(changes: &Value, layout: &Layout) -> String {
    let (report, checks) = judged(changes, layout.lang);
    card(&report, &checks, &[], layout)
}

#[test]
fn cards_and_tables_to_the_letter() {
    let mut all = String::new();
    for (lang, language) in [(Lang::En, "English"), (Lang::Ru, "Russian")] {
        for width in [80, 120] {
            for (name, changes) in situations() {
                let card = shown(&changes, &layout(width, lang));
                write!(all, "== {name}, {language}, {width} columns\n{card}\n").unwrap();
            }
        }
        for (name, changes) in situations().into_iter().take(4) {
            let card = with_history(&changes, &layout(80, lang));
            write!(all, "== {name} with a history, {language}, 80 columns\n{card}\n").unwrap();
        }
        let mut printer = CardPrinter::new(layout(80, lang));
        for (name, mut changes) in situations() {
            merge(&mut changes, &json!({"name": name}));
            let (report, checks) = judged(&changes, lang);
            printer.add(&report, &checks, &[], "");
        }
        write!(all, "== several, {language}, 80 columns\n{}\n", printer.finish()).unwrap();
    }
    let verbose = Layout { verbose: true, ..layout(80, Lang::En) };
    for (name, changes) in situations().into_iter().filter(|(name, _)| ["low", "unreachable"].contains(name))
    {
        write!(all, "== {name}, verbose\n{}\n", shown(&changes, &verbose)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cards.txt");
    if option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &all).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == all, "tests/golden/cards.txt differs; the cards are\n{all}");
}

/// No line breaks within a word, and none but a command or a single long word is too wide.
#[rstest]
fn lines_fit(#[values(80, 120)] width: usize, #[values(Lang::En, Lang::Ru)] lang: Lang) {
    for (name, changes) in situations() {
        for line in shown(&changes, &layout(width, lang)).lines() {
            let is_word = line.trim().split(' ').count() <= 3;
            let is_headline = !line.starts_with(' ');
            assert!(
                line.chars().count() <= width || is_word || is_headline || line.contains("--function-id"),
                "{name}: {line}"
            );
        }
    }
}

/// What Supra's support needs can be copied from the card.
#[test]
fn a_stuck_request_is_shown_whole() {
    let (_, stuck) = situations().swap_remove(4);
    let text = shown(&stuck, &layout(80, Lang::En));
    assert!(text.contains(LOTTERY) && text.contains(HASH), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn only_the_first_glyph_is_coloured() {
    for (name, changes) in situations() {
        let plain = shown(&changes, &layout(80, Lang::En));
        let colour = Layout { style: Style { colour: true }, ..layout(80, Lang::En) };
        let painted = shown(&changes, &colour);
        let (glyph, rest) = painted.split_once("\u{1b}[0m").unwrap_or_default();
        assert!(glyph.starts_with("\u{1b}["), "{name}: {painted:?}");
        assert_eq!(rest, &plain[plain.find(' ').unwrap()..], "{name}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile = json!({"name": "a\u{1b}[2J\u{202e}b\nc", "views": {"balance": {"error": {"kind": "timeout", "message": "x\u{7}\ny"}}}});
    for verbose in [false, true] {
        let shown = shown(&hostile, &Layout { verbose, ..layout(80, Lang::En) });
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }
}

#[rstest]
#[case::address(LOTTERY, "0x9a96…4490")]
#[case::inside("a (0x9a969d3b77941cec267f03b9bbb323c0), 0x1", "a (0x9a96…23c0), 0x1")]
#[case::function("0x186ba2ba88f4a14ca51f6ce42702c7ebdf::deposit::f", "0x186b…ebdf::deposit::f")]
#[case::nothing("0x", "0x")]
fn addresses_are_abbreviated(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(abbreviated(text), expected);
}
