//! Incidents that move both ways: stories of problems that begin, get worse, get better and end, as every channel sees
//! them. `UPDATE_GOLDEN=1 cargo test -p dvrf-notify stories` rewrites `tests/golden/notify-levels.txt`.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::mock_receiver::{MockReceiver, ReceivedRequest, ScriptedResponse};
use testkit::receivers::{Receiver, eventually};
use testkit::{MINIMUM, healthy_report, needs, program, root, run, tool};

/// What a run sees.
#[derive(Clone, Copy)]
struct Scene {
    /// The deposit in percent of the minimum; `None` if it could not be read.
    percent: Option<u64>,
    /// The modules that are disabled.
    off: &'static [&'static str],
    /// The nonces of requests that wait, and for how many seconds.
    stuck: &'static [(u64, u64)],
    paused: bool,
}

const FINE: Scene = Scene { percent: Some(500), off: &[], stuck: &[], paused: false };

fn at(percent: u64) -> Scene {
    Scene { percent: Some(percent), ..FINE }
}

/// The name of a story, and what its runs see.
fn stories() -> Vec<(&'static str, Vec<Scene>)> {
    let unread = Scene { percent: None, ..FINE };
    let off = |off| Scene { off, ..FINE };
    let stuck = |stuck| Scene { stuck, ..FINE };
    vec![
        ("a top-up from the minimum to 150 %, then to 500 %", vec![at(100), at(150), at(500), at(500)]),
        ("a deposit that falls step by step", vec![at(190), at(100), at(500), at(500)]),
        ("a deposit that fluctuates around the minimum", vec![at(99), at(101), at(99), at(105), at(120)]),
        ("a top-up that is not enough for the margin", vec![at(150), at(210), at(230), at(230)]),
        ("a second module is disabled", vec![off(&["a"]), off(&["a", "b"]), off(&["b"]), off(&[])]),
        ("the next request is stuck", vec![stuck(&[(5, 2000)]), stuck(&[(6, 400)]), stuck(&[]), FINE]),
        (
            "a stuck request gets older and is answered",
            vec![stuck(&[(7, 400)]), stuck(&[(7, 2000)]), FINE, FINE],
        ),
        (
            "the deposit recovers while a module stays disabled",
            vec![Scene { off: &["a"], ..at(100) }, Scene { off: &["a"], ..at(500) }, off(&["a"]), FINE, FINE],
        ),
        (
            "a module is enabled while the deposit stays low",
            vec![Scene { off: &["a"], ..at(150) }, at(150), at(150), at(500), at(500)],
        ),
        (
            "the node is away during a top-up",
            vec![at(100), unread, unread, unread, at(150), at(500), at(500)],
        ),
        ("the node is away and nothing was wrong", vec![unread, unread, unread, unread, FINE]),
        (
            "Supra pauses the module, and the deposit runs low",
            vec![Scene { paused: true, ..FINE }, Scene { paused: true, ..at(150) }, at(150), at(150)],
        ),
    ]
}

fn record(name: &str, scene: Scene) -> String {
    let mut record = healthy_report();
    record["name"] = json!(name);
    record["client_addr"] = json!(name);
    let deposit = &mut record["state"]["deposit"];
    let balance = MINIMUM * scene.percent.unwrap_or_default() / 100;
    deposit["balance"] = json!(balance.to_string());
    deposit["effective_balance"] = json!(balance.saturating_sub(MINIMUM).to_string());
    deposit["at_or_below_minimum"] = json!(balance <= MINIMUM);
    deposit["paused"] = json!(scene.paused);
    for module in scene.off {
        let added = json!({"module_type": format!("0x1::{module}"), "max_callback_txn_fee": "1", "min_balance_limit": "1", "enabled": false});
        deposit["modules"].as_array_mut().unwrap().push(added);
    }
    if scene.percent.is_none() {
        record["state"]["deposit"] = json!({});
        record["error"] = json!({"kind": "unreachable", "message": "no answer", "view": "balance"});
    }
    let pending: Vec<Value> = scene
        .stuck
        .iter()
        .map(|(nonce, age)| json!({"nonce": nonce.to_string(), "height": 1, "age_seconds": age}))
        .collect();
    if !pending.is_empty() {
        record["state"]["lottery"]["pending_request"] = json!(true);
        record["requests"] = json!({"since_height": 1, "until_height": 2, "requested": 1, "handled": 0, "orphans": 0,
            "pending": pending, "seen": [], "whitelist_changes": [], "callback_failures": [], "notes": []});
    }
    record.to_string()
}

/// The name of a chat, its receiver, and what it shows of a message.
type Chat = (&'static str, MockReceiver, fn(&ReceivedRequest) -> String);

/// The mock receivers.
struct Inboxes {
    chats: Vec<Chat>,
    pager: MockReceiver,
    generic: MockReceiver,
}

fn first_lines(text: &str) -> String {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let headline = lines.next().unwrap_or_default();
    let findings: Vec<&str> = lines
        .filter(|line| ["Cause: ", "Do: ", "Was: ", "Also: "].iter().any(|part| line.starts_with(part)))
        .collect();
    format!("{headline} | {}", findings.join(" | "))
}

impl Inboxes {
    fn open() -> Self {
        let friendly = |status: u16, body: &str| {
            MockReceiver::open(Vec::new(), ScriptedResponse::Reply(status, String::new(), body.to_owned()))
        };
        Self {
            chats: vec![
                ("slack", friendly(200, "ok"), |letter| {
                    first_lines(letter.json()["text"].as_str().unwrap_or_default())
                }),
                ("teams", friendly(202, ""), |letter| {
                    let card = letter.json();
                    let blocks = card["attachments"][0]["content"]["body"].as_array().cloned();
                    let texts: Vec<String> = blocks
                        .unwrap_or_default()
                        .iter()
                        .filter_map(|block| block["text"].as_str().map(str::to_owned))
                        .collect();
                    first_lines(&texts.join("\n"))
                }),
                ("discord", friendly(204, ""), |letter| {
                    let embed = &letter.json()["embeds"][0];
                    let text = |key: &str| embed[key].as_str().unwrap_or_default().to_owned();
                    first_lines(&format!("{}\n{}", text("title"), text("description")))
                }),
                ("telegram", friendly(200, "{\"ok\":true}"), |letter| {
                    first_lines(letter.json()["text"].as_str().unwrap_or_default())
                }),
            ],
            pager: friendly(202, ""),
            generic: friendly(204, ""),
        }
    }

    fn channels(&self, alertmanager: &str) -> String {
        let mut channels: Vec<String> = self
            .chats
            .iter()
            .map(|(kind, inbox, _)| match *kind {
                "telegram" => format!("telegram,token=1:A,chat=1,min=info,url={}", inbox.url("")),
                kind => format!("{kind},min=info,url={}", inbox.url("x")),
            })
            .collect();
        channels.push(format!("pagerduty,key=k,min=critical,url={}", self.pager.url("")));
        channels.push(format!("generic,min=info,url={}", self.generic.url("x")));
        channels.push(format!("alertmanager,url={alertmanager}"));
        channels.join(";")
    }

    /// What every channel got since the last call, a line each; `keys` numbers the pager's keys.
    fn lines(&self, keys: &mut Vec<String>) -> String {
        let mut lines = String::new();
        let all: Vec<Vec<String>> =
            self.chats.iter().map(|(_, inbox, show)| inbox.requests().iter().map(show).collect()).collect();
        // The chats say the same, apart from their markup.
        for (number, (kind, ..)) in self.chats.iter().enumerate() {
            for line in &all[number] {
                writeln!(lines, "  {kind:<10}{line}").unwrap();
            }
        }
        for letter in self.generic.requests() {
            let sent = letter.json();
            let text = |key: &str| sent[key].as_str().unwrap_or("-").to_owned();
            writeln!(lines, "  {:<10}{} {} {}", "generic", text("event"), text("problem"), text("severity"))
                .unwrap();
        }
        for letter in self.pager.requests() {
            let sent = letter.json();
            let key = sent["dedup_key"].as_str().unwrap().to_owned();
            let number = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
            writeln!(lines, "  {:<10}{} #{number}", "pagerduty", sent["event_action"].as_str().unwrap())
                .unwrap();
        }
        self.reset();
        lines
    }

    fn reset(&self) {
        for (kind, inbox, _) in &self.chats {
            let answer = match *kind {
                "slack" => ScriptedResponse::body("ok"),
                "telegram" => ScriptedResponse::body("{\"ok\":true}"),
                _ => ScriptedResponse::status(202),
            };
            inbox.reset(Vec::new(), answer);
        }
        self.pager.reset(Vec::new(), ScriptedResponse::status(202));
        self.generic.reset(Vec::new(), ScriptedResponse::status(204));
    }
}

/// The active alerts of a subscription in a real Alertmanager, as problem, code and severity.
fn active(address: &str, subscription: &str) -> Vec<String> {
    let mut amtool = program("amtool");
    amtool.arg(format!("--alertmanager.url=http://{address}"));
    let found = run(amtool.args(["alert", "query", "-o", "json", &format!("subscription={subscription}")]));
    let alerts: Vec<Value> = serde_json::from_str(&found.out).unwrap();
    let label = |alert: &Value, name: &str| alert["labels"][name].as_str().unwrap_or("-").to_owned();
    let mut lines: Vec<String> = alerts
        .iter()
        .map(|alert| {
            let [problem, code, severity, status] =
                ["problem", "code", "severity", "status"].map(|name| label(alert, name));
            format!("{problem} {code} {severity} {status}")
        })
        .collect();
    lines.sort();
    lines
}

/// How long a problem lasted depends on the machine.
fn without_spans(text: &str) -> String {
    let mut parts = text.split(" after ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        write!(out, " after …{}", rest.strip_prefix(" s").unwrap_or(rest)).unwrap();
    }
    out
}

#[test]
#[needs("prometheus-alertmanager", "amtool")]
fn twelve_stories_as_every_channel_sees_them() {
    let inboxes = Inboxes::open();
    let passed_on = MockReceiver::open(Vec::new(), ScriptedResponse::status(200));
    let alertmanager = Receiver::alertmanager(&passed_on.url("am"), None);
    let channels = inboxes.channels(&format!("http://{}", alertmanager.address));
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for (number, (story, scenes)) in stories().into_iter().enumerate() {
        writeln!(text, "{story}").unwrap();
        let (name, mut keys) = (format!("0x{}", number + 10), Vec::new());
        for (run_number, scene) in scenes.into_iter().enumerate() {
            let mut notify = tool("dvrf-notify");
            notify.env("DVRF_NOTIFY_CHANNELS", &channels).arg("--state-dir").arg(folder.path());
            let outcome = run(notify.write_stdin(record(&name, scene)));
            let unknown = scene.percent.is_none();
            assert_eq!(
                outcome.code,
                if unknown { 2 } else { 0 },
                "{story}, run {run_number}: {}",
                outcome.err
            );
            writeln!(text, " run {}", run_number + 1).unwrap();
            text.push_str(&inboxes.lines(&mut keys));
            let sent = outcome.json()["notifications"]
                .as_array()
                .unwrap()
                .iter()
                .any(|told| told["channel"] == "alertmanager");
            // Alertmanager takes alerts in the background.
            let mut found = active(&alertmanager.address, &name);
            eventually(Duration::from_millis(if sent { 300 } else { 0 }), || {
                let again = active(&alertmanager.address, &name);
                let is_steady = again == found;
                found = again;
                is_steady.then_some(())
            });
            for alert in found {
                writeln!(text, "  {:<10}{alert}", "active").unwrap();
            }
        }
    }
    let text = without_spans(&text);
    let path = root().join("tests/golden/notify-levels.txt");
    if option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "tests/golden/notify-levels.txt differs; the output is\n{text}");
}
