//! A case: a chain, a transport, a command, and the faults during it. A seed and a number determine it.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// The tools that are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pipeline {
    /// `dvrf-json --live`, piped into `dvrf-check`.
    Piped,
    /// `dvrf-check --live`.
    Check,
    /// All clients as a stream through `dvrf-json` into `dvrf-check`.
    Fleet,
    /// `dvrf-draw ready --live`.
    Ready,
    /// `dvrf-prom --live`.
    Prom,
    /// `dvrf-check --live --format text`.
    Text,
    /// The stream into `dvrf-check`.
    FleetCheck,
    /// The stream into `dvrf-draw ready`.
    FleetReady,
    /// The stream into `dvrf-prom`.
    FleetProm,
}

impl Pipeline {
    /// Whether stdin is a stream of targets.
    pub(crate) fn is_fleet(self) -> bool {
        matches!(self, Self::Fleet | Self::FleetCheck | Self::FleetReady | Self::FleetProm)
    }
}

/// The words of cases from before there were two dialects.
fn recorded() -> String {
    WORDS[0].to_owned()
}

/// A case. The values are those of the devnet's and the tools' options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The devnet's seed.
    pub(crate) seed: u64,
    /// `rpc`, or the version of the Supra CLI.
    pub(crate) transport: String,
    /// What the CLI prints around its answers.
    pub(crate) noise: String,
    /// The generation of the deposit module's functions.
    pub(crate) interface: String,
    /// The node's version.
    pub(crate) node: String,
    /// The words of its failures.
    #[serde(default = "recorded")]
    pub(crate) words: String,
    /// The REST versions it serves.
    pub(crate) api: String,
    /// Whether the node returns the modules' ABI.
    pub(crate) abi: bool,
    /// The devnet's scenario.
    pub(crate) scenario: String,
    /// The tools.
    pub(crate) pipeline: Pipeline,
    /// Further subscriptions of a fleet.
    pub(crate) clients: u32,
    /// `--unordered`, where records are printed.
    #[serde(default)]
    pub(crate) unordered: bool,
    /// `--jobs`.
    pub(crate) jobs: u32,
    /// `--retries`.
    pub(crate) retries: u32,
    /// `--timeout` in milliseconds.
    pub(crate) timeout_ms: u64,
    /// `--call-timeout` in milliseconds.
    pub(crate) call_timeout_ms: u64,
    /// `--detail`; empty for the default.
    pub(crate) detail: String,
    /// Faults from the start.
    pub(crate) faults: Vec<String>,
    /// Other faults that replace them after that number of milliseconds.
    pub(crate) later: Option<(u64, Vec<String>)>,
}

/// The values of each dimension, the simplest first: the one that a shrunk case has unless another is needed.
pub(crate) const TRANSPORTS: &[&str] = &["rpc", "v11", "v10", "v9", "v6"];
const PIPELINES: [Pipeline; 9] = [
    Pipeline::Piped,
    Pipeline::Check,
    Pipeline::Fleet,
    Pipeline::Ready,
    Pipeline::Prom,
    Pipeline::Text,
    Pipeline::FleetCheck,
    Pipeline::FleetReady,
    Pipeline::FleetProm,
];
const NOISES: &[&str] = &["none", "log", "ansi", "crlf", "all"];
pub(crate) const INTERFACES: &[&str] = &["v3", "v3+v2", "v2", "camel"];
pub(crate) const NODES: &[&str] = &["v11.7", "v11.5", "v6"];
const WORDS: &[&str] = &["recorded", "invented"];
const APIS: &[&str] = &["v1,v2,v3", "v2,v1", "v1", "v3"];
pub(crate) const SCENARIOS: &[&str] = &[
    "healthy",
    "at-minimum",
    "low",
    "below-minimum",
    "warn",
    "ready",
    "pending",
    "stuck",
    "not-whitelisted",
    "module-disabled",
    "paused",
    "empty",
    "no-aggregator",
    "consumer-missing",
    "gas-drift",
    "u128-max",
];
const VIEWS: &[&str] = &[
    "check_client_fund",
    "get_balance_of_client_v2",
    "check_min_balance_client_v2",
    "has_minimum_balance_reached_v2",
    "has_minimum_balance_reached",
    "get_client_modules_info",
    "is_client_whitelisted_v2",
    "is_contract_paused",
    "min_request_count",
    "check_max_txn_fee_client_v2",
    "get_client_remaining_grant",
    "check_min_balance",
    "get_clients_contract",
    "checkClientFund",
    "checkMinBalanceClient",
    "isMinimumBalanceReached",
    "get_lottery_status",
    "get_whitelist_status",
    "get_vrf_request_config",
    "get_vrf_gas_config",
    "now_microseconds",
    "check_effective_balance_v2",
];
/// Abort 0x60001 is left out: it is the chain's own answer for an unknown client, and no tool can know better.
const VIEW_FAULTS: &[&str] =
    &["abort:327685", "abort:131077", "abort:6", "missing", "garbage", "null", "type"];

fn one<'a>(random: &mut Rng, words: &[&'a str]) -> &'a str {
    words[random.usize(..words.len())]
}

/// The simplest value in half of the cases: many unusual values at once hide the effect of each.
fn mostly_first<'a>(random: &mut Rng, words: &[&'a str]) -> &'a str {
    if random.bool() { words[0] } else { one(random, words) }
}

fn fault(random: &mut Rng, cli: bool) -> String {
    let share = |random: &mut Rng| [10, 30, 60, 100][random.usize(..4)];
    match random.u8(..if cli { 24 } else { 18 }) {
        0 => format!("latency={}ms", random.u32(1..80)),
        1 => format!("jitter={}ms", random.u32(1..80)),
        2 => format!("429={}", random.u32(1..40)),
        3 => format!("429_rate={}", share(random)),
        4 => format!("retry_after={}", one(random, &["0", "1", "60", "date", "soon"])),
        5 => format!("5xx={}", random.u32(1..40)),
        6 => format!("5xx_rate={}", share(random)),
        7 => format!("5xx_status={}", one(random, &["500", "502", "503", "504"])),
        8 => format!("rate={}", share(random)),
        9 => one(random, &["html", "truncate", "reset", "garbage", "wrong_content"]).to_owned(),
        10 => "hang".to_owned(),
        11 => format!("slow={}ms", random.u32(1..40)),
        12 => format!("huge={}", one(random, &["1000", "100000", "20000000"])),
        13 => format!("wrong_chain_id={}", random.u8(..)),
        14 => format!("stale={}", one(random, &["5", "299", "301", "3600"])),
        15 => format!(
            "path={}",
            one(random, &["/view", "/resources", "/modules", "deposit", "get_", "chain_id"])
        ),
        16 | 17 => format!("view:{}={}", one(random, VIEWS), one(random, VIEW_FAULTS)),
        18 => "cli_hang".to_owned(),
        19 => "cli_grandchild".to_owned(),
        20 => format!("cli_exit_code={}", random.u8(1..)),
        21 => "cli_garbage".to_owned(),
        22 => "cli_big_stderr=300000".to_owned(),
        _ => one(random, &["cli_password", "cli_latency=50ms"]).to_owned(),
    }
}

/// A fault that a run with enough time must overcome.
fn mild_fault(random: &mut Rng, cli: bool, retries: u32) -> String {
    match random.u8(..if cli || retries == 0 { 6 } else { 8 }) {
        0 => format!("latency={}ms", random.u32(1..80)),
        1 => format!("jitter={}ms", random.u32(1..80)),
        2 => format!("slow={}ms", random.u32(1..20)),
        3 => format!("huge={}", one(random, &["1000", "100000"])),
        4 => "stale=5".to_owned(),
        5 => format!("path={}", one(random, &["/view", "deposit", "chain_id"])),
        6 => format!("429={}", (retries / 2).max(1)),
        _ => format!("5xx={}", (retries / 2).max(1)),
    }
}

/// Whether `mild_fault` can make this fault.
fn is_mild(fault: &str, retries: u32) -> bool {
    let (kind, value) = fault.split_once('=').unwrap_or((fault, ""));
    match kind {
        "latency" | "jitter" | "slow" | "path" => true,
        "huge" | "stale" => value.parse().is_ok_and(|n: u64| n <= if kind == "huge" { 100_000 } else { 5 }),
        "429" | "5xx" => value.parse().is_ok_and(|n: u32| n <= (retries / 2).max(1) && n <= retries),
        _ => false,
    }
}

impl Case {
    /// Whether nothing may stay unknown: there is enough time, and every fault is mild.
    pub(crate) fn must_be_known(&self) -> bool {
        // A pending request is dated by its event, which is looked up over REST v3 only.
        let is_dated = self.transport == "rpc" && self.api.contains("v3");
        self.timeout_ms >= 10_000
            && (is_dated || !["pending", "stuck"].contains(&self.scenario.as_str()))
            && self.later.is_none()
            && self.faults.iter().all(|fault| is_mild(fault, self.retries))
    }

    /// The `number`-th case of a seed.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let random = &mut Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let transport = if random.u8(..3) > 0 { "rpc" } else { one(random, TRANSPORTS) };
        let cli = transport != "rpc";
        let pipeline = PIPELINES[random.usize(..PIPELINES.len())];
        // Newer CLIs use REST v3, which the oldest node does not serve.
        let node = mostly_first(random, if ["rpc", "v6"].contains(&transport) { NODES } else { &NODES[..2] });
        let faults =
            |random: &mut Rng, most| (0..random.usize(..=most)).map(|_| fault(random, cli)).collect();
        // Some cases must be fully known, or a tool that always prints unknown would pass.
        let calm = random.u8(..8) == 0;
        let mut case = Self {
            seed: random.u64(..1 << 32),
            transport: transport.to_owned(),
            noise: if cli { mostly_first(random, NOISES) } else { "none" }.to_owned(),
            interface: mostly_first(random, INTERFACES).to_owned(),
            node: node.to_owned(),
            words: recorded(),
            // The oldest node serves no v3, and a CLI has no fallback.
            api: match node {
                "v6" => "v2,v1",
                _ if cli => APIS[0],
                _ => mostly_first(random, APIS),
            }
            .to_owned(),
            abi: random.u8(..8) > 0,
            scenario: one(random, SCENARIOS).to_owned(),
            pipeline,
            clients: if pipeline.is_fleet() { random.u32(1..if cli { 4 } else { 24 }) } else { 0 },
            unordered: matches!(pipeline, Pipeline::Fleet | Pipeline::FleetCheck) && random.bool(),
            jobs: [24, 1, 2, 8][random.usize(..4)],
            retries: random.u32(..4),
            timeout_ms: random.u64(300..1500),
            call_timeout_ms: random.u64(100..800),
            detail: one(random, &["", "full", "lean"]).to_owned(),
            faults: faults(random, 4),
            later: (random.u8(..3) == 0).then(|| (random.u64(5..400), faults(random, 3))),
        };
        one(random, WORDS).clone_into(&mut case.words);
        if calm {
            (case.faults, case.later, case.timeout_ms, case.call_timeout_ms) =
                (Vec::new(), None, 30_000, 10_000);
            // Faults that only slow a run, or end within its retries, are allowed too.
            if random.bool() {
                case.faults = (0..3).map(|_| mild_fault(random, cli, case.retries)).collect();
            }
        }
        case
    }

    /// The faults from the start and the later ones.
    pub(crate) fn all_faults(&self) -> impl Iterator<Item = &String> {
        self.faults.iter().chain(self.later.iter().flat_map(|(_, faults)| faults))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_repeats_and_numbers_differ() {
        assert_eq!(Case::of(7, 3), Case::of(7, 3));
        assert_ne!(Case::of(7, 3), Case::of(7, 4));
        assert_ne!(Case::of(7, 3), Case::of(8, 3));
    }

    #[test]
    fn a_case_is_one_line_of_json() {
        let case = Case::of(1, 2);
        let line = serde_json::to_string(&case).unwrap_or_default();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Case>(&line).ok(), Some(case));
    }

    #[test]
    fn mild_faults_are_mild() {
        let mut random = Rng::with_seed(3);
        for _ in 0..500 {
            let retries = random.u32(..4);
            let fault = mild_fault(&mut random, false, retries);
            assert!(is_mild(&fault, retries), "{fault} {retries}");
        }
        for fault in ["hang", "429=3", "5xx=1", "429_rate=10", "stale=301", "view:f=null", "html"] {
            assert!(!is_mild(fault, 0), "{fault}");
        }
    }

    #[test]
    fn a_thousand_cases_cover_every_value() {
        let cases: Vec<Case> = (0..1000).map(|number| Case::of(1, number)).collect();
        let covered =
            |of: fn(&Case) -> &String| cases.iter().map(|case| of(case).as_str()).collect::<BTreeSet<_>>();
        let all = |words: &[&'static str]| words.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(covered(|case| &case.scenario), all(SCENARIOS));
        assert_eq!(covered(|case| &case.transport), all(TRANSPORTS));
        assert_eq!(covered(|case| &case.interface), all(INTERFACES));
        assert_eq!(covered(|case| &case.node), all(NODES));
        assert_eq!(covered(|case| &case.words), all(WORDS));
        let kinds: BTreeSet<&str> = cases
            .iter()
            .flat_map(Case::all_faults)
            .filter_map(|fault| fault.split(['=', ':']).next())
            .collect();
        assert!(kinds.len() >= 25, "{kinds:?}");
    }
}
