//! Evaluates the conditions of a layout.

use serde_json::Value;

use super::file::{LayoutFile, WatchRule, When};
use super::readings::{Reading, Readings};
use crate::state::consumer::Watch;

/// Evaluates every watch. Those that do not hold are left out.
pub(super) fn evaluate(file: &LayoutFile, readings: &Readings, now_us: u64) -> Vec<Watch> {
    let mut found = Vec::new();
    for rule in &file.watch {
        let list = file.value.get(&rule.value).and_then(|value| file.list_of(value));
        let elements: Vec<Option<&str>> = match list {
            Some(list) => readings.elements(list).map(Some).collect(),
            None => vec![None],
        };
        for element in elements {
            let value = readings.value(&rule.value, element);
            if *value == Reading::Off {
                continue;
            }
            let holds = holds(rule, value, element, readings, now_us);
            if holds == Some(false) {
                continue;
            }
            found.push(Watch {
                code: rule.code.clone(),
                severity: rule.severity,
                holds,
                element: element.map(str::to_owned),
                name: rule.value.clone(),
                value: readings.json(&rule.value, element),
                title: rule.title.clone(),
                for_seconds: rule.for_.map(|span| span.0.as_secs()),
                first_seen: None,
            });
        }
    }
    found
}

/// Whether a condition holds; `None` where a value that decides is not known.
fn holds(
    rule: &WatchRule,
    value: &Reading,
    element: Option<&str>,
    readings: &Readings,
    now_us: u64,
) -> Option<bool> {
    let condition = condition(rule, value, element, readings, now_us);
    let Some(name) = rule.while_.as_ref().filter(|_| condition != Some(false)) else { return condition };
    let switch = |element| match readings.value(name, element) {
        Reading::Known(Value::Bool(on)) => Some(*on),
        Reading::Unset | Reading::Off => Some(false),
        _ => None,
    };
    // For a single value, a switch of any element counts.
    let switches: Vec<Option<bool>> = match (element, readings.list_of(name)) {
        (None, Some(list)) => readings.elements(list).map(|element| switch(Some(element))).collect(),
        (element, _) => vec![switch(element)],
    };
    let is_on = if switches.contains(&Some(true)) {
        Some(true)
    } else if switches.contains(&None) {
        None
    } else {
        Some(false)
    };
    match (condition, is_on) {
        (_, Some(false)) => Some(false),
        (condition, Some(true)) => condition,
        (_, None) => None,
    }
}

fn condition(
    rule: &WatchRule,
    value: &Reading,
    element: Option<&str>,
    readings: &Readings,
    now_us: u64,
) -> Option<bool> {
    let known = match value {
        Reading::Unknown => return None,
        // What is not set is neither large nor small, nor among others.
        Reading::Unset | Reading::Off => return Some(rule.when == When::Unset),
        Reading::Known(value) => value,
    };
    let number = || number(known);
    match &rule.when {
        When::Unset => Some(false),
        When::Empty => known.as_array().map(Vec::is_empty),
        When::Zero => number().map(|number| number == 0),
        When::True => known.as_bool(),
        When::False => known.as_bool().map(|is| !is),
        When::Above(limit) => number().map(|number| number > *limit),
        When::Below(limit) => number().map(|number| number < *limit),
        When::OlderThan(span) => {
            let limit = u128::from(now_us).saturating_sub(span.as_micros());
            number().map(|time| time * readings.micros_per_unit(&rule.value) < limit)
        }
        When::Differs => {
            let others = rule.other.iter().map(|name| match readings.value(name, element) {
                Reading::Known(other) => Some(other != known),
                Reading::Unset | Reading::Off => Some(true),
                Reading::Unknown => None,
            });
            any(others)
        }
        When::NotIn => {
            let others = rule.other.iter().flat_map(|name| readings.all(name));
            let mut among = Vec::new();
            let mut is_whole = true;
            for other in others {
                match other {
                    Reading::Known(Value::Array(items)) => among.extend(items),
                    Reading::Known(item) => among.push(item),
                    Reading::Unset | Reading::Off => {}
                    Reading::Unknown => is_whole = false,
                }
            }
            let items = known.as_array().map_or_else(|| vec![known], |items| items.iter().collect());
            let is_missing = items.iter().any(|item| !among.contains(item));
            match (is_missing, is_whole) {
                (false, _) => Some(false),
                (true, true) => Some(true),
                (true, false) => None,
            }
        }
    }
}

/// Whether any holds; `None` where one that is not known could.
fn any(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut is_whole = true;
    for one in all {
        match one {
            Some(true) => return Some(true),
            Some(false) => {}
            None => is_whole = false,
        }
    }
    is_whole.then_some(false)
}

/// A number as the layout's values hold it: decimal text.
fn number(value: &Value) -> Option<u128> {
    value.as_str()?.parse().ok()
}
