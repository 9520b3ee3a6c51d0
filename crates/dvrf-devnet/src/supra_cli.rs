//! The `supra` CLI of a chosen generation, answered by a running devnet.

mod args;
mod output;
mod recorded;
mod wire;

use crate::environment::{Generation, Settings};
use args::{Call, Parsed};
use output::Printer;
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

/// How long a hang lasts when nobody ends it.
const HANG: Duration = Duration::from_secs(600);

pub(crate) fn main(args: &[String]) -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(text) => return usage(&text),
    };
    match args::parse(args, settings.generation) {
        Ok(parsed) => run(&settings, &parsed).unwrap_or(ExitCode::from(1)),
        Err(text) => usage(&text),
    }
}

/// What clap does: the text on stderr, exit code 2.
fn usage(text: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {text}\n\nFor more information, try '--help'.");
    ExitCode::from(2)
}

fn run(settings: &Settings, parsed: &Parsed) -> io::Result<ExitCode> {
    let mut printer = Printer::new(settings);
    if parsed.call == Call::Profiles {
        printer.text("* devnet (active)\n  player1\n  player2\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Call::Help(text) = &parsed.call {
        printer.text(text)?;
        return Ok(ExitCode::SUCCESS);
    }
    // A public URL stands for the network, which is this devnet.
    let url = parsed
        .url
        .clone()
        .filter(|url| url.starts_with("http://127.") || url.starts_with("http://localhost"));
    let Some(url) = url.or_else(|| settings.url.clone()) else {
        return Printer::failure("No active profile and no RPC URL: set DVRF_DEVNET_URL");
    };
    let mut wire = match wire::Wire::connect(&url) {
        Ok(wire) => wire,
        Err(error) => return Printer::failure(&format!("error sending request for url ({url}): {error}")),
    };
    let faults: crate::fault::Faults =
        match wire.get("/devnet/faults").map(|(_, value)| serde_json::from_value(value)) {
            Ok(Ok(faults)) => faults,
            _ => crate::fault::Faults::default(),
        };
    if let Some(code) = misbehave(&faults)? {
        return Ok(code);
    }
    let recorded = faults.cli_run.as_deref().filter(|_| matches!(parsed.call, Call::Run { .. }));
    let code = match recorded {
        Some(word) => recorded::run(word, parsed, &mut wire, &mut printer)?,
        None => act(settings, parsed, &url, &mut wire, &mut printer)?,
    };
    if faults.cli_timeout_after_accept {
        std::thread::sleep(HANG);
    }
    Ok(if faults.cli_exit_code > 0 { ExitCode::from(faults.cli_exit_code) } else { code })
}

fn misbehave(faults: &crate::fault::Faults) -> io::Result<Option<ExitCode>> {
    if faults.cli_grandchild {
        // It inherits our pipes, so that a reader waiting for their end waits for it.
        std::process::Command::new("sleep").arg("600").spawn()?;
    }
    std::thread::sleep(Duration::from_millis(faults.cli_latency_ms));
    if faults.cli_big_stderr > 0 {
        io::stderr().write_all(&vec![b'x'; faults.cli_big_stderr])?;
    }
    if faults.cli_hang {
        std::thread::sleep(HANG);
    }
    if faults.cli_password {
        write!(io::stderr(), "Enter the password: ")?;
        if io::stdin().read(&mut [0_u8; 1])? == 0 {
            writeln!(io::stderr(), "Error: failed to read the password")?;
            return Ok(Some(ExitCode::from(1)));
        }
    }
    if faults.cli_garbage {
        writeln!(io::stdout(), "{{\"result\": [\"12")?;
        return Ok(Some(ExitCode::from(faults.cli_exit_code)));
    }
    Ok(None)
}

fn act(
    settings: &Settings,
    parsed: &Parsed,
    url: &str,
    wire: &mut wire::Wire,
    printer: &mut Printer,
) -> io::Result<ExitCode> {
    let version = if settings.generation == Generation::V6 { "v1" } else { "v3" };
    match &parsed.call {
        Call::View { function, types, args } => {
            printer.url_line(&format!("{url}/rpc/{version}/view"))?;
            let body = json!({"function": function, "type_arguments": types, "arguments": args});
            let (status, answer) = match wire.post(&format!("/rpc/{version}/view"), &body) {
                Ok(answer) => answer,
                Err(error) => return Printer::failure(&error.to_string()),
            };
            if status == 200 {
                printer.json(&answer)?;
                return Ok(ExitCode::SUCCESS);
            }
            printer.server_error(&answer)
        }
        Call::Run { function, types, args, sender, simulate } => {
            printer.url_line(&format!("{url}/rpc/{version}/transactions/submit"))?;
            let body = json!({"function": function, "type_arguments": types, "arguments": args, "sender": sender, "simulate": simulate});
            let (status, answer) = match wire.post("/devnet/run", &body) {
                Ok(answer) => answer,
                Err(error) => return Printer::failure(&error.to_string()),
            };
            if status != 200 {
                return printer.server_error(&answer);
            }
            let failed = answer.get("status").and_then(Value::as_str) == Some("Fail");
            printer.json(&answer)?;
            // Generations before v11 end with 0 although the transaction failed.
            Ok(if failed && settings.generation == Generation::V11 {
                ExitCode::from(1)
            } else {
                ExitCode::SUCCESS
            })
        }
        Call::List { query, account } => {
            let account = match account {
                Some(account) => account.clone(),
                None => match wire.get("/devnet/state") {
                    Ok((_, truth)) => truth["owner"].as_str().unwrap_or_default().to_owned(),
                    Err(error) => return Printer::failure(&error.to_string()),
                },
            };
            show(wire, printer, version, &account, query, None)
        }
        Call::Show { name, account } => show(wire, printer, version, account, "modules", Some(name)),
        Call::Profiles | Call::Help(_) => Ok(ExitCode::SUCCESS),
        Call::Balance { account } => {
            let body = json!({"function": "0x1::coin::balance", "type_arguments": ["0x1::supra_coin::SupraCoin"], "arguments": [account]});
            match wire.post(&format!("/rpc/{version}/view"), &body) {
                Ok((200, answer)) => {
                    printer
                        .json(&json!({"Result": [{"asset_type": "coin", "balance": answer["result"][0]}]}))?;
                    Ok(ExitCode::SUCCESS)
                }
                Ok((_, answer)) => printer.server_error(&answer),
                Err(error) => Printer::failure(&error.to_string()),
            }
        }
    }
}

fn show(
    wire: &mut wire::Wire,
    printer: &mut Printer,
    version: &str,
    account: &str,
    what: &str,
    name: Option<&str>,
) -> io::Result<ExitCode> {
    let path = name.map_or_else(
        || format!("/rpc/{version}/accounts/{account}/{what}?count=100"),
        |name| format!("/rpc/{version}/accounts/{account}/{what}/{name}"),
    );
    match wire.get(&path) {
        Ok((200, answer)) => {
            let answer = answer.get("Resources").or_else(|| answer.get("Modules")).cloned().unwrap_or(answer);
            printer.json(&json!({"Result": answer}))?;
            Ok(ExitCode::SUCCESS)
        }
        Ok((_, answer)) => {
            let text = answer.get("message").and_then(Value::as_str).unwrap_or("request failed").to_owned();
            printer.json(&json!({"Error": text}))?;
            Ok(ExitCode::from(1))
        }
        Err(error) => Printer::failure(&error.to_string()),
    }
}
