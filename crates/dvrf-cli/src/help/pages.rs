//! What the help of each command shows first: three examples and about ten flags.

/// A command's examples and the flags that its `-h` shows.
#[derive(Debug)]
pub struct Page {
    /// The tool, or the tool and its subcommand.
    pub command: &'static str,
    /// Flags without dashes, or names of positional arguments.
    pub flags: &'static [&'static str],
    /// What an example does, and the line to type.
    pub examples: &'static [(&'static str, &'static str)],
}

/// A page for each command.
pub const PAGES: &[Page] = &[
    Page {
        command: "dvrf-status",
        flags: &["input", "live", "unordered", "format", "verbose", "pretty", "lang"],
        examples: &[
            ("One subscription", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf status"),
            (
                "Several: one JSON object a line, each with lottery_addr",
                "dvrf status --input lotteries.ndjson --format text",
            ),
            ("Every value that the chain shows", "dvrf status --format values"),
        ],
    },
    Page {
        command: "dvrf-json",
        flags: &["input", "live", "unordered", "events", "event-type", "pretty", "fail-on-low"],
        examples: &[
            ("The report", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf json --pretty"),
            ("With the draws of the last two hours", "dvrf json --events 2h"),
            ("The balance in quants", "dvrf json | jq -r .state.deposit.balance"),
        ],
    },
    Page {
        command: "dvrf-check",
        flags: &[
            "input",
            "live",
            "warn",
            "critical",
            "pending-warn",
            "fail-on",
            "format",
            "verbose",
            "nagios",
            "state-dir",
        ],
        examples: &[
            ("Is everything fine?", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf check"),
            ("A line for Nagios or Icinga", "dvrf check --live --network testnet --client-addr 0x… --nagios"),
            (
                "Another limit, and only what is wrong",
                "dvrf check --warn 250% --format json | jq .checks.findings",
            ),
        ],
    },
    Page {
        command: "dvrf-notify",
        flags: &[
            "action",
            "about",
            "for",
            "input",
            "live",
            "channel",
            "state-dir",
            "repeat-every",
            "unknown-after",
            "dry-run",
            "format",
            "fail-on-low",
        ],
        examples: &[
            (
                "Tell Slack, once per incident",
                "dvrf notify --channel slack,url-file=/etc/dvrf/slack --state-dir /var/lib/dvrf",
            ),
            ("Would they arrive? One test message to every channel", "dvrf notify test"),
            ("Send nothing about a subscription for two hours", "dvrf notify mute main-lottery --for 2h"),
        ],
    },
    Page {
        command: "dvrf-prom",
        flags: &[
            "input",
            "live",
            "listen",
            "textfile",
            "push-job",
            "push-url-file",
            "label",
            "format",
            "state-dir",
            "fail-on-low",
        ],
        examples: &[
            ("Print the metrics", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf prom"),
            ("Let Prometheus scrape them", "dvrf prom --listen 127.0.0.1:9877"),
            ("For node-exporter, from cron", "dvrf prom --textfile /var/lib/node_exporter/dvrf.prom"),
        ],
    },
    Page {
        command: "dvrf-init",
        flags: &[
            "to",
            "name",
            "tell",
            "untested",
            "cron",
            "systemd",
            "k8s",
            "network",
            "lottery-addr",
            "client-addr",
        ],
        examples: &[
            ("Ask, try each answer, and write dvrf.toml", "dvrf init"),
            (
                "The same from a script",
                "dvrf init --network testnet --lottery-addr 0x… --name main --tell slack,url-file=/etc/dvrf/slack",
            ),
            ("Check and send alerts every ten minutes", "(crontab -l; dvrf init --cron) | crontab -"),
        ],
    },
    Page {
        command: "dvrf-config",
        flags: &["verbose", "schema", "config", "only"],
        examples: &[
            ("What holds, and where does it come from?", "dvrf config"),
            ("Is this file right?", "dvrf config --config ./dvrf.toml"),
            ("Let an editor complete the keys", "dvrf config --schema > dvrf.toml.schema.json"),
        ],
    },
    Page {
        command: "dvrf-draw",
        flags: &[],
        examples: &[
            (
                "May a draw be requested? If not, why?",
                "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf draw ready",
            ),
            ("Request one by hand", "dvrf draw run --profile lottery --assume-yes"),
            ("Request one from cron", "dvrf draw auto --execute --assume-yes --state-dir /var/lib/dvrf"),
        ],
    },
    Page {
        command: "dvrf-draw ready",
        flags: &[
            "input",
            "live",
            "min-tickets",
            "skip-draw-scheduled",
            "allow-pending-request",
            "skip-min-balance",
            "format",
            "pretty",
        ],
        examples: &[
            ("May a draw be requested?", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf draw ready"),
            ("Three tickets are enough", "dvrf draw ready --min-tickets 3"),
            (
                "The reasons, for a script",
                "dvrf draw ready --format json | jq -r '.readiness.reasons[].code'",
            ),
        ],
    },
    Page {
        command: "dvrf-draw run",
        flags: &[
            "input",
            "min-tickets",
            "skip-readiness",
            "sender-account",
            "password-file",
            "assume-yes",
            "simulate-first",
            "dry-run",
            "state-dir",
            "wait-handled",
            "json-result",
        ],
        examples: &[
            ("Show the command and send nothing", "dvrf draw run --profile lottery --dry-run"),
            (
                "Request the draw and wait for its answer",
                "dvrf draw run --profile lottery --assume-yes --wait-handled 120",
            ),
            ("The result as one JSON document", "dvrf draw run --profile lottery --assume-yes --json-result"),
        ],
    },
    Page {
        command: "dvrf-draw auto",
        flags: &[
            "min-tickets",
            "execute",
            "assume-yes",
            "retry",
            "fill-tickets",
            "max-spend",
            "state-dir",
            "lock-wait",
            "wait-handled",
            "log-file",
        ],
        examples: &[
            ("What would happen? Nothing is sent", "dvrf draw auto --profile lottery"),
            ("From cron or a timer", "dvrf draw auto --execute --assume-yes --state-dir /var/lib/dvrf"),
            ("Try again when the node does not answer", "dvrf draw auto --execute --assume-yes --retry 3"),
        ],
    },
    Page {
        command: "dvrf-draw smoke",
        flags: &[
            "plan",
            "tickets",
            "player",
            "player-profile",
            "client-seed",
            "handled-timeout",
            "assume-yes",
            "simulate-first",
            "password-file",
            "state-dir",
        ],
        examples: &[
            ("Show the steps and do none", "dvrf draw smoke --plan"),
            (
                "One whole round on testnet",
                "dvrf draw smoke --network testnet --profile lottery --assume-yes",
            ),
            (
                "Another account buys the tickets",
                "dvrf draw smoke --player 0x… --player-profile player --assume-yes",
            ),
        ],
    },
    Page {
        command: "dvrf-fund",
        flags: &[
            "input",
            "live",
            "to",
            "execute",
            "assume-yes",
            "max-amount",
            "max-per-day",
            "max-per-month",
            "reserve",
            "state-dir",
        ],
        examples: &[
            ("How much is missing, and the command", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf fund"),
            ("Up to five times the minimum", "dvrf fund --to 500%"),
            (
                "Send it; the limits are in dvrf.toml",
                "dvrf fund --execute --profile lottery --sender-account 0x…",
            ),
        ],
    },
    Page {
        command: "dvrf-fund history",
        flags: &["state-dir", "lottery-addr", "client-addr"],
        examples: &[
            ("What was spent", "dvrf fund history --state-dir /var/lib/dvrf"),
            ("The sum in quants", "dvrf fund history --state-dir /var/lib/dvrf | jq -r .spent"),
            ("Another client", "dvrf fund history --state-dir /var/lib/dvrf --client-addr 0x9"),
        ],
    },
    Page {
        command: "dvrf-events",
        flags: &[],
        examples: &[
            (
                "The events of the last day",
                "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf events list --since 1d",
            ),
            ("Follow the chain", "dvrf events tail --type all"),
            ("How long do answers take?", "dvrf events pair --since 7d --summary"),
        ],
    },
    Page {
        command: "dvrf-events list",
        flags: &["type", "no-time", "since", "until", "limit", "last", "format"],
        examples: &[
            (
                "The draws of the last two hours",
                "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf events list --since 2h",
            ),
            ("The ten newest deposits", "dvrf events list --type deposit --last 10"),
            ("Everything on one day", "dvrf events list --type all --since 2026-11-24 --until 2026-11-25"),
        ],
    },
    Page {
        command: "dvrf-events tail",
        flags: &["type", "no-time", "since", "output", "rescan", "poll", "for", "state-dir"],
        examples: &[
            ("Follow draws and their answers", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf events tail"),
            (
                "Into a file, each event once",
                "dvrf events tail --output events.ndjson --state-dir /var/lib/dvrf",
            ),
            ("Ten minutes of everything", "dvrf events tail --type all --since 10m --for 10m"),
        ],
    },
    Page {
        command: "dvrf-events pair",
        flags: &["input", "live", "since", "until", "limit", "last", "summary", "format"],
        examples: &[
            (
                "Which draws of the last week were answered?",
                "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf events pair --since 7d",
            ),
            ("How long did the answers take?", "dvrf events pair --since 7d --summary"),
            ("From events that were kept", "dvrf events pair --input events.ndjson"),
        ],
    },
    Page {
        command: "dvrf-calc",
        flags: &[
            "max-gas-price",
            "max-gas-limit",
            "verification-gas",
            "max-txn-fee",
            "min-request-count",
            "margin",
            "window",
            "json",
        ],
        examples: &[
            (
                "From the gas settings",
                "dvrf calc --max-gas-price 1000 --max-gas-limit 500000 --verification-gas 25000",
            ),
            ("For 60 requests, as JSON", "dvrf calc --max-txn-fee 1_000_000 --min-request-count 60 --json"),
            ("From the highest fee of a callback", "dvrf calc --max-txn-fee 1_000_000 --margin 0.5"),
        ],
    },
    Page {
        command: "dvrf-explain",
        flags: &["lang"],
        examples: &[
            ("What does a code in a message mean?", "dvrf explain DEPOSIT_BELOW_WARN_TIER"),
            ("And an abort of a Move module?", "dvrf explain ECLIENT_NOT_EXIST"),
            ("In Russian", "dvrf explain REQUEST_STUCK --lang ru"),
        ],
    },
    Page {
        command: "dvrf-doctor",
        flags: &["channel", "webhook-url-file", "state-dir", "format", "verbose"],
        examples: &[
            ("Is everything there that a run needs?", "DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf doctor"),
            ("Every probe", "dvrf doctor --verbose"),
            ("With a channel", "dvrf doctor --channel slack,url-file=/etc/dvrf/slack"),
        ],
    },
];
