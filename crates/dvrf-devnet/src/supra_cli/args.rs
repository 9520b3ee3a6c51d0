//! The command line of each CLI generation.

use crate::environment::Generation::{self, V6, V9, V10, V11};
use serde_json::{Value, json};

#[derive(Debug, PartialEq)]
pub(super) enum Call {
    View {
        function: String,
        types: Vec<String>,
        args: Vec<Value>,
    },
    Run {
        function: String,
        types: Vec<String>,
        args: Vec<Value>,
        sender: Option<String>,
        simulate: bool,
    },
    List {
        query: String,
        /// `--account`; before v11 the account of a player's profile. `None` is the lottery's owner.
        account: Option<String>,
    },
    Show {
        name: String,
        account: String,
    },
    Profiles,
    /// `--help`.
    Help(String),
    Balance {
        account: String,
    },
}

#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) call: Call,
    pub(super) url: Option<String>,
}

/// `--flag`: its value count (2 stands for many) and the generations that know it.
const FLAGS: &[(&str, u8, &[Generation])] = &[
    ("--url", 1, &[V6]),
    ("--rpc-url", 1, &[V9, V10, V11]),
    ("--network", 1, &[V11]),
    ("--accept-defaults", 0, &[V11]),
    ("--profile", 1, &[V6, V9, V10, V11]),
    ("--function-id", 1, &[V6, V9, V10, V11]),
    ("--args", 2, &[V6, V9, V10, V11]),
    ("--type-args", 2, &[V6, V9, V10, V11]),
    ("--gas-unit-price", 1, &[V6, V9, V10, V11]),
    ("--max-gas", 1, &[V6, V9, V10, V11]),
    ("--expiration-secs", 1, &[V6, V9, V10, V11]),
    ("--sender-account", 1, &[V6, V9, V10, V11]),
    ("--private-key", 1, &[V6, V9, V10]),
    ("--private-key-file", 1, &[V6, V9, V10]),
    ("--assume-yes", 0, &[V6, V9, V10]),
    ("--assume-no", 0, &[V6, V9, V10]),
    ("--accept-defaults", 0, &[V11]),
    ("--api-version", 1, &[V9, V10]),
    ("--connection-timeout-secs", 1, &[V6, V9, V10, V11]),
    ("--node-api-key", 1, &[V9, V10, V11]),
    ("--simulate", 0, &[V11]),
    ("--stdout", 1, &[V10, V11]),
    ("--verbose", 0, &[V6, V9, V10, V11]),
    ("--query", 1, &[V6, V9, V10, V11]),
    ("--name", 1, &[V6, V9, V10, V11]),
    ("--account", 1, &[V6, V9, V10, V11]),
];

/// A view of v11 signs nothing, so it knows nothing of signing.
const SIGNING: &[&str] =
    &["--gas-unit-price", "--max-gas", "--expiration-secs", "--sender-account", "--simulate"];

type Flags = Vec<(String, Vec<String>)>;

pub(super) fn parse(args: &[String], generation: Generation) -> Result<Parsed, String> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let depth = match words.as_slice() {
        ["move", "tool", "view" | "run" | "list" | "show", ..] | ["move", "account", "balance", ..] => 3,
        ["profile", "-l" | "--list" | "list", ..] => return Ok(Parsed { call: Call::Profiles, url: None }),
        ["move", "tool" | "account", other, ..] | ["move", other, ..] | [other, ..] => {
            return Err(format!("unrecognized subcommand '{other}'"));
        }
        [] => return Err("'supra' requires a subcommand but one was not provided".to_owned()),
    };
    let command = words.get(2).copied().unwrap_or_default();
    if words.contains(&"--help") {
        return Ok(Parsed { call: Call::Help(help(generation, command)), url: None });
    }
    let flags = collect(words.get(depth..).unwrap_or_default(), generation, command)?;
    let one = |name: &str| {
        flags.iter().find(|(flag, _)| flag == name).and_then(|(_, values)| values.first().cloned())
    };
    let need = |name: &str, value: &str| {
        one(name)
            .ok_or_else(|| format!("the following required arguments were not provided:\n  {name} <{value}>"))
    };
    let many = |name: &str| -> Vec<String> {
        flags.iter().filter(|(flag, _)| flag == name).flat_map(|(_, values)| values.clone()).collect()
    };
    let typed = || many("--args").iter().map(|text| argument(text)).collect::<Result<Vec<_>, _>>();
    let account = || {
        one("--account").ok_or_else(|| {
            "the following required arguments were not provided:\n  --account <ACCOUNT>".to_owned()
        })
    };
    let call = match command {
        "view" => Call::View {
            function: need("--function-id", "FUNCTION_ID")?,
            types: many("--type-args"),
            args: typed()?,
        },
        "run" => Call::Run {
            function: need("--function-id", "FUNCTION_ID")?,
            types: many("--type-args"),
            args: typed()?,
            sender: one("--sender-account").or_else(|| one("--profile").and_then(|profile| player(&profile))),
            simulate: flags.iter().any(|(flag, _)| flag == "--simulate"),
        },
        "list" => {
            let of_profile = || one("--profile").and_then(|profile| player(&profile));
            let account = if generation == V11 { Some(account()?) } else { of_profile() };
            Call::List { query: need("--query", "QUERY")?, account }
        }
        "show" => Call::Show { name: need("--name", "NAME")?, account: account()? },
        _ => Call::Balance { account: account()? },
    };
    Ok(Parsed { call, url: one("--rpc-url").or_else(|| one("--url")) })
}

/// Profiles `player1` to `player9` sign as the lottery's players; every other one as the lottery's owner.
fn player(profile: &str) -> Option<String> {
    let number = profile.strip_prefix("player")?.parse::<u8>().ok()?;
    Some(crate::scenario::player(number).to_string())
}

/// The flags that this generation knows for a command, as clap lists them.
fn help(generation: Generation, command: &str) -> String {
    let known = FLAGS.iter().filter(|(flag, _, generations)| {
        generations.contains(&generation)
            && !(generation == V11 && command == "view" && SIGNING.contains(flag))
    });
    let flags: String = known.fold(String::new(), |text, (flag, ..)| text + "      " + flag + "\n");
    format!("Usage: supra move tool {command} [OPTIONS]\n\nOptions:\n{flags}  -h, --help\n")
}

fn collect(words: &[&str], generation: Generation, command: &str) -> Result<Flags, String> {
    let mut flags: Flags = Vec::new();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        index += 1;
        let (name, inline) = word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
        let known = FLAGS.iter().find(|(flag, _, generations)| {
            *flag == name
                && generations.contains(&generation)
                && !(generation == V11 && command == "view" && SIGNING.contains(flag))
                && !(generation < V11 && command == "list" && *flag == "--account")
        });
        let Some((_, count, _)) = known else { return Err(format!("unexpected argument '{name}' found")) };
        let mut values: Vec<String> = inline.into_iter().map(str::to_owned).collect();
        while inline.is_none() && *count > 0 && words.get(index).is_some_and(|next| !next.starts_with("--")) {
            values.extend(words.get(index).map(ToString::to_string));
            index += 1;
            if *count == 1 {
                break;
            }
        }
        if *count > 0 && values.is_empty() {
            return Err(format!("a value is required for '{name} <VALUE>' but none was supplied"));
        }
        if *count < 2 && flags.iter().any(|(flag, _)| flag == name) {
            return Err(format!("the argument '{name}' cannot be used multiple times"));
        }
        flags.push((name.to_owned(), values));
    }
    Ok(flags)
}

/// `TYPE:VALUE` as the JSON argument of a view call.
fn argument(text: &str) -> Result<Value, String> {
    let bad = || format!("invalid value '{text}' for '--args <ARGS>...'");
    let (kind, value) = text.split_once(':').ok_or_else(bad)?;
    if let Some(items) = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        let items = items.split(',').map(str::trim).filter(|item| !item.is_empty());
        return items
            .map(|item| argument(&format!("{kind}:{item}")))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::from);
    }
    match kind {
        "address" => value.parse::<crate::address::Address>().map(|_| json!(value)).map_err(|_| bad()),
        "hex" | "string" | "raw" => Ok(json!(value)),
        "bool" => value.parse::<bool>().map(|flag| json!(flag)).map_err(|_| bad()),
        "u8" | "u16" | "u32" => value.parse::<u32>().map(|number| json!(number)).map_err(|_| bad()),
        "u64" => value.parse::<u64>().map(|number| json!(number.to_string())).map_err(|_| bad()),
        "u128" => value.parse::<u128>().map(|number| json!(number.to_string())).map_err(|_| bad()),
        "u256" if value.bytes().all(|b| b.is_ascii_digit()) && !value.is_empty() => Ok(json!(value)),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, argument, parse};
    use crate::environment::Generation::{self, V6, V9, V11};
    use serde_json::json;

    fn line(text: &str, generation: Generation) -> Result<super::Parsed, String> {
        parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), generation)
    }

    #[test]
    fn each_generation_knows_its_own_flags() {
        let cases = [
            ("--url u", V6, None),
            ("--url u", V9, Some("unexpected argument '--url' found")),
            ("--rpc-url u", V9, None),
            ("--rpc-url u", V6, Some("unexpected argument '--rpc-url' found")),
            ("--assume-yes", V9, None),
            ("--assume-yes", V11, Some("unexpected argument '--assume-yes' found")),
            ("--max-gas 5", V9, None),
            ("--max-gas 5", V11, Some("unexpected argument '--max-gas' found")),
        ];
        for (flags, generation, error) in cases {
            let result = line(&format!("move tool view --function-id 0x1::a::b {flags}"), generation);
            assert_eq!(result.err().as_deref(), error, "{flags} {generation:?}");
        }
    }

    #[test]
    fn arguments_are_typed() {
        let parsed = line(
            "move tool view --function-id 0x1::a::b --args address:0x2 u64:5 u8:1 bool:true address:[0x1,0x2]",
            V9,
        );
        let Call::View { args, .. } = parsed.unwrap().call else { panic!() };
        assert_eq!(args, [json!("0x2"), json!("5"), json!(1), json!(true), json!(["0x1", "0x2"])]);
        for bad in ["5", "u64:x", "address:zz", "u64:-1", "thing:1"] {
            assert!(argument(bad).is_err(), "{bad}");
        }
    }
}
