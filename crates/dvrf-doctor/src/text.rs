//! The probes as text for people: one line per group, what is wrong last, and whether a run can go on.

use dvrf_cli::card::abbreviated;
use dvrf_cli::text::plain;
use supra_core::lang::Lang;

use crate::probe::{Health, Probe, Probes};

/// What a probe belongs to, in the order of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Settings,
    Formula,
    Node,
    Chain,
    Cli,
    Channels,
    Memory,
}

const GROUPS: [(Group, &str, &str); 7] = [
    (Group::Settings, "settings", "настройки"),
    (Group::Formula, "formula", "формула"),
    (Group::Node, "node", "узел"),
    (Group::Chain, "chain", "сеть"),
    (Group::Cli, "cli", "cli"),
    (Group::Channels, "channels", "каналы"),
    (Group::Memory, "memory", "память"),
];

/// The group of a probe by its name, which is part of the JSON output.
fn group(probe: &Probe) -> Group {
    match probe.name.split(' ').next().unwrap_or_default() {
        "gas" => Group::Formula,
        "target" => Group::Settings,
        "chain" if probe.name == "chain id" => Group::Settings,
        "transport" | "node" | "chain" => Group::Node,
        "supra" => Group::Cli,
        "channel" | "channels" | "push" => Group::Channels,
        "state" => Group::Memory,
        _ => Group::Chain,
    }
}

/// One line per group, the worst last, and a last line that says whether a run can go on.
pub(crate) fn summary(probes: &Probes, lang: Lang) -> String {
    let mut lines: Vec<(Health, String)> = Vec::new();
    for (wanted, en, ru) in GROUPS {
        let of_group: Vec<&Probe> = probes.0.iter().filter(|probe| group(probe) == wanted).collect();
        let worst = of_group.iter().map(|probe| probe.health).max_by_key(|health| rank(*health));
        let Some(health) = worst else { continue };
        let health = if wanted == Group::Chain && health == Health::Warning { Health::Ok } else { health };
        let text = if wanted == Group::Chain && health != Health::Wrong {
            values(&of_group, lang)
        } else {
            found(&of_group, health, lang)
        };
        let glyph = match health {
            Health::Ok => "✔",
            Health::Warning => "○",
            Health::Wrong => "✖",
        };
        lines.push((health, format!("{glyph} {:<10} {}\n", lang.pick(en, ru), abbreviated(&plain(&text)))));
    }
    lines.sort_by_key(|(health, _)| rank(*health));
    let wrong = lines.iter().filter(|(health, _)| *health == Health::Wrong).count();
    lines.into_iter().map(|(_, line)| line).collect::<String>() + &verdict(wrong, probes, lang)
}

fn rank(health: Health) -> u8 {
    match health {
        Health::Ok => 0,
        Health::Warning => 1,
        Health::Wrong => 2,
    }
}

/// What the worst probes of a group found, with the first fix; the others are counted.
fn found(of_group: &[&Probe], health: Health, lang: Lang) -> String {
    let worst: Vec<&&Probe> = of_group.iter().filter(|probe| probe.health == health).collect();
    if health == Health::Ok {
        return worst.iter().map(|probe| probe.found.as_str()).collect::<Vec<_>>().join("; ");
    }
    let Some(first) = worst.first() else { return String::new() };
    let fix = first.fix.as_ref().map(|fix| format!(" → {fix}")).unwrap_or_default();
    let more = match worst.len() {
        0 | 1 => String::new(),
        many => lang.pick(format!(" (and {} more: -v)", many - 1), format!(" (и ещё {}: -v)", many - 1)),
    };
    let name = if health == Health::Wrong { format!("{}: ", first.name) } else { String::new() };
    format!("{name}{}{fix}{more}", first.found)
}

/// How many values were read. A value that this chain does not have is fine.
fn values(of_group: &[&Probe], lang: Lang) -> String {
    let read = of_group.iter().filter(|probe| probe.health == Health::Ok).count();
    let others = of_group.len() - read;
    let text = lang.pick(
        format!("{read} of {read} values of this chain read"),
        format!("прочитаны все значения этой сети: {read}"),
    );
    match others {
        0 => text,
        _ => lang.pick(
            format!("{text} ({others} of other dVRF versions are not here: fine)"),
            format!("{text} (значений других версий dVRF нет: {others}, это нормально)"),
        ),
    }
}

/// Whether a run can go on, by the number of groups that are wrong: one cause makes many values unreadable.
fn verdict(wrong: usize, probes: &Probes, lang: Lang) -> String {
    let count = |health| {
        probes.0.iter().filter(|probe| probe.health == health && group(probe) != Group::Chain).count()
    };
    let optional = count(Health::Warning);
    let text = match (wrong, optional) {
        (0, 0) => lang.pick("Ready to watch.", "Можно следить."),
        (0, 1) => lang.pick("Ready to watch. 1 optional thing.", "Можно следить. Необязательное: 1."),
        (0, _) => lang.pick(
            format!("Ready to watch. {optional} optional things."),
            format!("Можно следить. Необязательное: {optional}."),
        ),
        (1, _) => lang.pick("Not ready: 1 problem.", "Не готово, проблем: 1."),
        _ => lang.pick(format!("Not ready: {wrong} problems."), format!("Не готово, проблем: {wrong}.")),
    };
    lang.pick(format!("{text} Details: -v\n"), format!("{text} Подробности: -v\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_last_and_the_last_line_decides() {
        let mut probes = Probes::default();
        probes.wrong("chain", "the node does not answer", "use another");
        probes.ok("target", "lottery 0x1");
        probes.ok("value balance", "f");
        probes.warning("value old", "this chain does not have it", None);
        probes.warning("state directory", "none is set", Some("set DVRF_STATE_DIR"));
        assert_eq!(
            summary(&probes, Lang::En),
            "✔ settings   lottery 0x1\n\
             ✔ chain      1 of 1 values of this chain read (1 of other dVRF versions are not here: fine)\n\
             ○ memory     none is set → set DVRF_STATE_DIR\n\
             ✖ node       chain: the node does not answer → use another\n\
             Not ready: 1 problem. Details: -v\n"
        );
        probes.0.remove(0);
        let russian = summary(&probes, Lang::Ru);
        assert!(russian.ends_with("Можно следить. Необязательное: 1. Подробности: -v\n"), "{russian}");
    }
}
