//! The page: its structure, its sentences, its colours, hostile names and large fleets.

use rstest::rstest;
use serde_json::{Value, json};
use supra_core::amount::Quants;
use supra_core::check::{Checker, Policy};

use super::*;
use crate::text::Style;

fn layout(lang: Lang) -> Layout {
    let now = "2026-11-25T08:54:31Z".parse().unwrap();
    Layout { style: Style::default(), width: 80, verbose: false, lang, now }
}

fn report(name: &str, balance: Option<u64>) -> Report {
    let views: Value = match balance {
        Some(_) => json!({}),
        None => {
            json!({"balance": {"function": null, "error": {"kind": "unreachable", "message": "<b>gone</b>"}}})
        }
    };
    let record = json!({
        "name": name, "client_addr": "0xc", "deposit_addr": "0xd", "timestamp": "2026-11-25T08:54:31Z", "views": views,
        "state": {"chain": {"id": 6}, "deposit": {"balance": balance.map(|balance| balance.to_string()),
            "min_balance": balance.map(|_| "100000000"), "supra_min_balance": "1",
            "at_or_below_minimum": balance.map(|balance| balance <= 100_000_000), "client_whitelisted": true, "paused": false}},
        "requests": {"pending": [{"nonce": "5", "height": 1, "transaction_hash": null, "requested_at": null,
            "age_seconds": 60, "requester": null}], "latency": {"count": 4, "min_ms": 1, "p50_ms": 5500, "p90_ms": 7000,
            "p99_ms": 7000, "max_ms": 7000},
            "last_answers": [{"nonce": "4", "handled_at": "2026-11-25T05:53:00Z", "latency_ms": 5500},
                {"nonce": "3", "handled_at": "2026-11-24T05:53:00Z", "latency_ms": null}]}
    });
    Report::of(&serde_json::from_value(record).unwrap()).unwrap()
}

/// A fall of a hundredth of the minimum each hour, and a day without a value.
fn history(now_s: i64, last: u64) -> Vec<Point> {
    let point = |hour: u32| Point {
        at_s: now_s - i64::from(hour) * 3600,
        balance: (!(100..124).contains(&hour))
            .then(|| Quants(u128::from(last) + u128::from(hour) * 1_000_000)),
        min_balance: Some(Quants(100_000_000)),
        ..Point::default()
    };
    (0..14 * 24).rev().map(point).collect()
}

fn page(names: &[(&str, Option<u64>)], lang: Lang) -> String {
    let layout = layout(lang);
    let mut page = Page::new(layout);
    let checker = Checker { policy: Policy { lang, ..Policy::default() }, calculation: None };
    for (name, balance) in names {
        let report = report(name, *balance);
        let history = history(layout.now.as_second(), balance.unwrap_or(400_000_000));
        let checks = checker.check_with_history(&report, None, &history, layout.now);
        page.add(&report, &checks, &history);
    }
    page.finish()
}

/// The tags of a page with their attributes. Fails where one is not closed, or an attribute is not quoted.
fn tags(page: &str) -> Vec<(String, String)> {
    let mut open: Vec<String> = Vec::new();
    let mut tags = Vec::new();
    let (head, body) = page.split_once("<style>").unwrap();
    let body = body.split_once("</style>").unwrap().1;
    for part in format!("{head}{body}").split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("an open tag: {part}"));
        assert!(!text.contains('>'), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{part}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(attributes.matches('"').count() % 2 == 0 && !attributes.contains("=\"\""), "{tag}");
        if !tag.starts_with('!') && name != "meta" && !tag.ends_with('/') {
            open.push(name.to_owned());
        }
        tags.push((name.to_owned(), attributes.to_owned()));
    }
    assert_eq!(open, [] as [String; 0]);
    tags
}

#[rstest]
fn a_page_is_well_formed_and_named(#[values(Lang::En, Lang::Ru)] lang: Lang) {
    let page = page(&[("fine", Some(900_000_000)), ("low", Some(90_000_000)), ("gone", None)], lang);
    let tags = tags(&page);
    let count = |name: &str| tags.iter().filter(|(tag, _)| tag == name).count();
    assert_eq!((count("main"), count("header"), count("h1"), count("title")), (1, 1, 1, 1));
    assert_eq!((count("article"), count("h2"), count("svg")), (3, 3, 3));
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), 3);
    assert_eq!((count("script"), count("img"), count("link"), count("a")), (0, 0, 0, 0));
    // Each label that is referred to is there once.
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for labels in page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(labels.split(' ').all(|label| ids.contains(&label)), "{labels}");
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    // The worst first.
    let place = |name: &str| page.find(&format!(">{name} <span")).unwrap();
    assert!(place("low") < place("gone") && place("gone") < place("fine"));
}

#[test]
fn what_a_card_says() {
    let page = page(&[("low", Some(150_000_000)), ("gone", None)], Lang::En);
    for said in [
        "<html lang=\"en\">",
        "<h1>Supra dVRF · testnet</h1>",
        "<p>1 ▲ soon · 1 ? unknown | 2026-11-25 08:54 UTC</p>",
        "<p class=\"what\">deposit is getting low</p>",
        "<p class=\"numbers\">1.5 SUPRA · 1.5 × minimum (1)</p>",
        "<p class=\"quiet\">open request: nonce 5, for 1 min</p>",
        "<p class=\"quiet\">answers: 4, usually after 6 s, 90 % within 7 s</p>",
        "<summary>Last draws</summary>\n<ul class=\"quiet\">\n<li>nonce 4 · 05:53 UTC · after 6 s</li>\n\
         <li>nonce 3 · 2026-11-24 05:53 UTC</li>\n</ul>",
        "cannot tell: the node does not answer: &lt;b&gt;gone&lt;/b&gt;",
        "last seen 08:54 UTC (0 s ago): 4 SUPRA, 4.0 × minimum",
        "<polyline class=\"balance forecast\"",
        ">300%</text>",
    ] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
    // A day without a value interrupts the line.
    assert_eq!(page.matches("<polyline class=\"balance\"").count(), 4);
    assert!(super::Page::new(layout(Lang::Ru)).finish().contains("<p>нет подписок | "));
}

#[test]
fn hostile_names_stay_text() {
    let name = "</h2><script>alert(1)</script>\" onload='x'&\u{202e}\u{1b}[2J";
    let page = page(&[(name, Some(900_000_000))], Lang::En);
    assert!(
        !page.contains("<script") && !page.contains("\" onload='") && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(
        page.contains("&lt;/h2&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload='x'&amp;"),
        "{page}"
    );
    tags(&page);
}

#[test]
fn a_large_fleet_shows_its_worst() {
    let names: Vec<String> = (0..500).map(|number| format!("s{number}")).collect();
    let all: Vec<(&str, Option<u64>)> = (0_u64..)
        .zip(&names)
        .map(|(number, name)| {
            (name.as_str(), Some(if number % 250 == 249 { 90_000_000 } else { 900_000_000 }))
        })
        .collect();
    let page = page(&all, Lang::En);
    assert_eq!(page.matches("<article").count(), CARDS_MAX);
    assert_eq!(page.matches("card bad").count(), 2);
    assert!(
        page.contains("2 ✖ problem · 498 ✔ ok | ")
            && page.contains("300 further subscriptions are not shown.")
    );
}

/// The relative luminance of a colour such as `#1b1d21`.
fn luminance(colour: &str) -> f64 {
    let channel = |index: usize| {
        let value = f64::from(u8::from_str_radix(&colour[index..index + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

/// WCAG AA: 4.5 for text, 3 for lines, in both modes.
#[rstest]
#[case::light(0)]
#[case::dark(1)]
fn colours_have_contrast(#[case] mode: usize) {
    let theme = STYLE.split(":root").nth(mode + 1).unwrap();
    let colour = |name: &str| {
        let rest = theme.split(&format!("--{name}: ")).nth(1).unwrap_or_else(|| panic!("no --{name}"));
        luminance(&rest[..7])
    };
    let contrast = |one: &str, other: &str| {
        let (one, other) = (colour(one), colour(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    };
    for background in ["card", "page"] {
        for text in ["text", "quiet", "bad", "warning", "fine", "unknown"] {
            assert!(
                contrast(text, background) >= 4.5,
                "{text} on {background}: {}",
                contrast(text, background)
            );
        }
    }
    for line in ["line", "bad", "warning", "fine"] {
        for background in ["card", "bad-band", "warning-band"] {
            assert!(
                contrast(line, background) >= 3.0,
                "{line} on {background}: {}",
                contrast(line, background)
            );
        }
    }
}
