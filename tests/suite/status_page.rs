//! The page as browsers and validators see it: valid HTML, readable for everybody, in both modes and at two widths.

use std::path::{Path, PathBuf};

use assert_cmd::assert::OutputAssertExt as _;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{healthy_report, needs, program, root, run, tool};

/// A record with this multiple of the minimum in percent, or one of an unreadable subscription.
fn record(name: &str, percent: Option<u64>) -> Value {
    let mut record = healthy_report();
    record["name"] = json!(name);
    record["requests"] = json!({
        "pending": [{"nonce": "5", "height": 1, "age_seconds": 60}],
        "latency": {"count": 4, "min_ms": 1, "p50_ms": 5500, "p90_ms": 7000, "p99_ms": 7000, "max_ms": 7000},
        "last_answers": [{"nonce": "4", "handled_at": "2026-11-25T05:53:00Z", "latency_ms": 5500}]
    });
    let deposit = &mut record["state"]["deposit"];
    let Some(percent) = percent else {
        for key in ["balance", "effective_balance", "at_or_below_minimum"] {
            deposit[key] = json!(null);
        }
        record["views"]["balance"]["error"] = json!({"kind": "unreachable", "message": "no <b>answer</b>"});
        return record;
    };
    let balance = testkit::MINIMUM * percent / 100;
    deposit["balance"] = json!(balance.to_string());
    deposit["effective_balance"] = json!(balance.saturating_sub(testkit::MINIMUM).to_string());
    deposit["at_or_below_minimum"] = json!(percent <= 100);
    record
}

/// The page of a fleet: healthy, low, blocked and unreadable subscriptions with hostile names, and histories of two weeks.
fn page(folder: &Path, count: usize, lang: &str) -> PathBuf {
    let states = [Some(500), Some(150), Some(90), None];
    let names = ["eu", "<script>alert(1)</script>", "\" onload=\"x", "имя & 名前 \u{202e}"];
    let (mut now, mut old) = (String::new(), String::new());
    for number in 0..count {
        let name = format!("{}-{number}", names[number % names.len()]);
        let mut record = record(&name, states[number / names.len() % states.len()]);
        record["client_addr"] = json!(format!("0x{number:x}"));
        now.push_str(&format!("{record}\n"));
        record["state"]["deposit"]["balance"] = json!("90000000000");
        let at: jiff::Timestamp = record["timestamp"].as_str().unwrap().parse().unwrap();
        for day in [12, 8, 3] {
            record["timestamp"] = json!((at - jiff::SignedDuration::from_hours(24 * day)).to_string());
            record["state"]["chain"]["time_us"] = json!(null);
            old.push_str(&format!("{record}\n"));
        }
    }
    let state = folder.join("state");
    let import =
        run(tool("dvrf-status").arg("--import-history").env("DVRF_STATE_DIR", &state).write_stdin(old));
    assert_eq!(import.code, 0, "{import}");
    let path = folder.join("page.html");
    let mut show = tool("dvrf-status");
    show.args(["--format", "html", "--lang", lang, "--output"]).arg(&path).env("DVRF_STATE_DIR", &state);
    let written = run(show.write_stdin(now));
    assert_eq!(written.code, 0, "{written}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!((text.matches("<article").count(), text.matches("<svg").count()), (count, count));
    path
}

fn tidy(path: &Path) -> std::process::Command {
    let mut tidy = program("tidy");
    tidy.args(["-quiet", "-errors", "-utf8", "--strict-tags-attributes", "yes"]).arg(path);
    tidy
}

#[rstest]
#[case::one(1, "en")]
#[case::russian(8, "ru")]
#[case::fleet(200, "en")]
#[needs("tidy")]
fn tidy_finds_nothing_in_the_page(#[case] count: usize, #[case] lang: &str) {
    let folder = tempfile::tempdir().unwrap();
    tidy(&page(folder.path(), count, lang)).assert().code(0).stderr("");
}

/// The validator must be able to fail.
#[test]
#[needs("tidy")]
fn tidy_finds_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let path = page(folder.path(), 1, "en");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("<article", "<article nonsense=\"1\"><p></div><article", 1)).unwrap();
    tidy(&path).assert().code(1).stderr(predicates::str::contains("discarding unexpected </div>"));
}

/// What axe-core finds in a page.
fn axe(folder: &Path, path: &Path, (width, height): (u32, u32), is_dark: bool) -> Value {
    // The page allows no scripts: this copy does.
    let page = std::fs::read_to_string(path).unwrap();
    let policy = page.find("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let end = policy + page[policy..].find('\n').unwrap();
    let library = testkit::requirements::node_modules().join("axe-core/axe.min.js");
    let scripts =
        [library, root().join("tests/page/axe.js")].map(|path| std::fs::read_to_string(path).unwrap());
    let body = page[end..].trim_end().strip_suffix("</body>\n</html>").unwrap();
    let copy = folder.join("with-axe.html");
    let text = format!(
        "{}{body}<script>{}</script>\n<script>{}</script>\n</body>\n</html>\n",
        &page[..policy],
        scripts[0],
        scripts[1]
    );
    std::fs::write(&copy, text).unwrap();
    let mut chromium = program("timeout");
    chromium.args([
        "120",
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=60000",
        "--dump-dom",
    ]);
    chromium.arg(format!("--window-size={width},{height}"));
    chromium.arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark)));
    chromium.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    chromium.env("HOME", folder).arg(format!("file://{}", copy.display()));
    let dumped = run(&mut chromium);
    let found = dumped.out.split_once("<title>axe ").and_then(|(_, rest)| rest.split_once(" end</title>"));
    let found = found.unwrap_or_else(|| panic!("axe-core did not end: {dumped}")).0;
    serde_json::from_str(&decoded(found)).unwrap()
}

/// Undoes `encodeURIComponent`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().unwrap(), rest.next().unwrap()];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

const DESKTOP: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (500, 900);

#[rstest]
#[case::desktop(1, DESKTOP, false)]
#[case::dark(8, DESKTOP, true)]
#[case::phone(8, PHONE, false)]
#[case::dark_phone(8, PHONE, true)]
#[case::fleet(200, DESKTOP, false)]
#[needs("chromium", "axe-core")]
fn axe_finds_nothing_in_the_page(#[case] count: usize, #[case] size: (u32, u32), #[case] is_dark: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = page(folder.path(), count, "en");
    let found = axe(folder.path(), &path, size, is_dark);
    assert_eq!((&found["violations"], &found["labels"]), (&json!([]), &json!([])));
    assert_eq!(
        (&found["width"], &found["dark"], &found["overflow"]),
        (&json!(size.0), &json!(is_dark), &json!(0))
    );
    assert!(found["passed"].as_u64().unwrap() >= 10, "{found}");
}

/// The rules must be able to fail, that of colours too.
#[test]
#[needs("chromium", "axe-core")]
fn axe_finds_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let path = page(folder.path(), 1, "en");
    let text = std::fs::read_to_string(&path).unwrap();
    let faint = "<p style=\"color: #ccc\">faint</p><img src=\"data:,\">";
    let text = text.replacen("</article>", &format!("{faint}</article>"), 1);
    // The label of now leaves the chart, and the one of 100 % covers that of 14 days ago.
    let text = text.replacen("<text x=\"432\"", "<text x=\"635\"", 1).replacen(
        "<text x=\"58\" y=",
        "<text x=\"80\" y=\"146\" dy=",
        1,
    );
    std::fs::write(&path, text).unwrap();
    let found = axe(folder.path(), &path, DESKTOP, false);
    let violations = found["violations"].to_string();
    assert!(violations.contains("color-contrast: ") && violations.contains("image-alt: "), "{found}");
    assert_eq!(found["labels"], json!(["100%", "now"]));
}
