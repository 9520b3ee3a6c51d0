//! The Grafana dashboard, panel by panel: what it says, in which unit, in which colour, and that its metrics exist.

use std::collections::BTreeSet;

use dvrf_prom::metrics::catalogue::ALL;
use rstest::rstest;
use serde_json::Value;
use testkit::{needs, program, root};

fn dashboard() -> Value {
    let text = std::fs::read_to_string(root().join("scripts/prometheus/dashboard.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The panels without the titles of rows.
fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect()
}

fn text<'a>(panel: &'a Value, pointer: &str) -> &'a str {
    panel.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn panel<'a>(dashboard: &'a Value, title: &str) -> &'a Value {
    panels(dashboard)
        .into_iter()
        .find(|panel| panel["title"] == title)
        .unwrap_or_else(|| panic!("no {title}"))
}

/// The colour that Grafana gives a value: that of the highest step that it reaches.
fn colour(thresholds: &Value, value: f64) -> String {
    let steps = thresholds["steps"].as_array().unwrap();
    let reached = steps.iter().rfind(|step| step["value"].as_f64().is_none_or(|from| value >= from));
    reached.unwrap()["color"].as_str().unwrap().to_owned()
}

#[test]
fn every_panel_has_a_title_a_description_a_unit_and_thresholds_of_its_own() {
    let dashboard = dashboard();
    let panels = panels(&dashboard);
    assert!(panels.len() >= 15, "{}", panels.len());
    let titles: BTreeSet<&str> = panels.iter().map(|panel| text(panel, "/title")).collect();
    let ids: BTreeSet<u64> =
        dashboard["panels"].as_array().unwrap().iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!((titles.len(), ids.len()), (panels.len(), dashboard["panels"].as_array().unwrap().len()));
    for panel in panels {
        let title = text(panel, "/title");
        assert!(text(panel, "/description").ends_with('.'), "{title} has no description");
        assert!(!text(panel, "/fieldConfig/defaults/unit").is_empty(), "{title} has no unit");
        // Without steps Grafana takes green, and red from 80 on.
        let steps = panel.pointer("/fieldConfig/defaults/thresholds/steps").and_then(Value::as_array);
        assert!(steps.is_some_and(|steps| steps[0]["value"].is_null()), "{title} has no thresholds");
    }
}

#[test]
fn the_first_row_is_the_worst_state() {
    let dashboard = dashboard();
    let first: Vec<&Value> =
        panels(&dashboard).into_iter().filter(|panel| panel["gridPos"]["y"] == 0).collect();
    let titles: Vec<&str> = first.iter().map(|panel| text(panel, "/title")).collect();
    assert_eq!(titles, ["Worst state", "Subscriptions, worst first"]);
    let sorted =
        first[1]["transformations"].as_array().unwrap().iter().find(|step| step["id"] == "sortBy").unwrap();
    assert_eq!(sorted["options"]["sort"][0], serde_json::json!({"field": "State", "desc": true}));
}

#[test]
fn no_panel_covers_another() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} covers another panel", panel["title"]);
            }
        }
    }
}

#[rstest]
#[case::fine("Worst state", 0.0, "green")]
#[case::unknown("Worst state", 1.0, "purple")]
#[case::warning("Worst state", 2.0, "orange")]
#[case::critical("Worst state", 3.0, "red")]
#[case::at_the_minimum("Deposit ÷ minimum", 1.0, "red")]
#[case::low("Deposit ÷ minimum", 1.5, "orange")]
#[case::plan("Deposit ÷ minimum", 2.5, "yellow")]
#[case::high("Deposit ÷ minimum", 5.0, "green")]
#[case::a_day("Days left", 1.0, "red")]
#[case::a_month("Days left", 30.0, "green")]
#[case::nothing_needed("Deposit needed", 0.0, "green")]
#[case::needed("Deposit needed", 236.25, "orange")]
#[case::none_left("Draws left", 0.0, "red")]
#[case::many_left("Draws left", 120.0, "green")]
#[case::new("Age", 60.0, "green")]
#[case::stale("Age", 3600.0, "red")]
#[case::callbacks_work("Failed callbacks", 0.0, "green")]
#[case::a_callback_fails("Failed callbacks", 1.0, "red")]
#[case::not_ready("May a draw be requested?", 0.0, "red")]
#[case::ready("May a draw be requested?", 1.0, "green")]
#[case::none_waits("Waiting request", 0.0, "green")]
#[case::one_waits("Waiting request", 1.0, "orange")]
#[case::drawn("Outcome of draws", 0.0, "green")]
#[case::failed("Outcome of draws", 2.0, "red")]
fn what_is_bad_is_red(#[case] title: &str, #[case] value: f64, #[case] expected: &str) {
    let dashboard = dashboard();
    let defaults = &panel(&dashboard, title)["fieldConfig"]["defaults"];
    assert_eq!(colour(&defaults["thresholds"], value), expected);
    // A value that is mapped to a word has the colour of its step.
    let options = defaults.pointer("/mappings/0/options").and_then(|options| options.get(format!("{value}")));
    assert!(options.is_none_or(|mapped| mapped["color"] == expected), "{options:?}");
    // The table of subscriptions colours its columns in the same way.
    let table = &panel(&dashboard, "Subscriptions, worst first")["fieldConfig"]["overrides"];
    let column = table.as_array().unwrap().iter().find(|column| column["matcher"]["options"] == title);
    if let Some(column) = column {
        let properties = column["properties"].as_array().unwrap();
        let thresholds = properties.iter().find(|property| property["id"] == "thresholds").unwrap();
        assert_eq!(colour(&thresholds["value"], value), expected, "{title} in the table");
    }
}

#[test]
fn every_metric_exists() {
    let rules = std::fs::read_to_string(root().join("scripts/prometheus/rules.yml")).unwrap();
    let names: BTreeSet<String> = ALL.iter().map(|family| format!("supra_dvrf_{}", family.name)).collect();
    let dashboard = dashboard();
    let mut seen = BTreeSet::new();
    let expressions = panels(&dashboard).into_iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    for target in expressions {
        let expression = target["expr"].as_str().unwrap();
        let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        for word in words.filter(|word| word.contains("supra_dvrf_") && !word.ends_with('_')) {
            let is_recorded = rules.contains(&format!("record: {word}\n"));
            assert!(names.contains(word) || is_recorded, "{word} does not exist: {expression}");
            seen.insert(word.to_owned());
        }
    }
    for wanted in
        ["supra_dvrf_deposit_needed_quants", "supra_dvrf_draw_ready", "supra_dvrf_window_failed_callbacks"]
    {
        assert!(seen.contains(wanted), "{wanted} is on no panel");
    }
}

#[test]
fn every_alert_has_a_section_in_the_runbook_and_a_name_of_its_own() {
    let rules = std::fs::read_to_string(root().join("scripts/prometheus/rules.yml")).unwrap();
    let runbook = std::fs::read_to_string(root().join("docs/fix.md")).unwrap();
    let inhibit = std::fs::read_to_string(root().join("scripts/prometheus/alertmanager.yml")).unwrap();
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.iter().collect::<BTreeSet<_>>().len(), alerts.len(), "{alerts:?}");
    for alert in &alerts {
        assert!(runbook.contains(&format!("\n### {alert}\n")), "{alert}");
        assert!(rules.contains(&format!("runbook_url: docs/fix.md#{}\n", alert.to_lowercase())), "{alert}");
    }
    let quoted =
        inhibit.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.starts_with("SupraDvrf"));
    for name in quoted.filter(|name| !["SupraDvrfDraw", "SupraDvrfRequestStuck"].contains(name)) {
        assert!(alerts.contains(&name), "the inhibit rules name {name}, which no rule raises");
    }
}

#[test]
#[needs("amtool")]
fn alertmanager_takes_the_inhibit_rules() {
    let file = root().join("scripts/prometheus/alertmanager.yml");
    let said = program("amtool").arg("check-config").arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success() && text.contains("6 inhibit rules"), "{text}");
}
