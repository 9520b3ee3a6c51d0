//! `scripts/chaos`: runs the tools under random faults and compares their output with the devnet's state.

mod case;
mod oracle;
mod run;
mod shrink;
mod summary;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use case::Case;
use chaos::play_all;
use clap::Parser;
use summary::Summary;

/// Runs the tools under random faults and checks their output
#[derive(Parser)]
#[command(name = "chaos")]
struct Args {
    /// Number of cases
    #[arg(default_value_t = 1000)]
    count: u64,
    /// Seed of all cases [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Number of the first case
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Cases in parallel
    #[arg(long, default_value_t = 16)]
    jobs: u64,
    /// Run this case, given as the JSON that a failure prints
    #[arg(long, conflicts_with_all = ["count", "seed", "first"])]
    case: Option<String>,
    /// Falsify the expected values, to test that errors are caught
    #[arg(long)]
    falsify: bool,
    /// Continue after a failure and print all of them
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = io::stdout();
    let right = match &args.case {
        Some(text) => run_one(text, args.falsify, &mut out),
        None => run_many(&args, &mut out),
    };
    match right {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // There is no other place to report it.
            let _ = writeln!(io::stderr(), "[error] chaos: {error}");
            ExitCode::from(2)
        }
    }
}

fn try_case(case: &Case, falsify: bool) -> Result<Vec<oracle::Verdict>, (Vec<String>, oracle::Run)> {
    let (run, truth) = run::run(case, falsify);
    oracle::judge(case, &truth, &run).map_err(|wrong| (wrong, run))
}

fn run_one(text: &str, falsify: bool, out: &mut dyn Write) -> io::Result<bool> {
    let case: Case = serde_json::from_str(text)?;
    match try_case(&case, falsify) {
        Ok(verdicts) => writeln!(out, "right: {verdicts:?}").map(|()| true),
        Err((wrong, run)) => {
            writeln!(
                out,
                "wrong: {}\ncode {:?}\n{}\n{}",
                wrong.join("\n       "),
                run.code,
                run.out,
                run.err
            )?;
            Ok(false)
        }
    }
}

fn run_many(args: &Args, out: &mut dyn Write) -> io::Result<bool> {
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    writeln!(out, "{} cases from --seed {seed} --first {}", args.count, args.first)?;
    let play = |number| {
        let case = Case::of(seed, number);
        let result = try_case(&case, args.falsify);
        (case, result)
    };
    let add = |summary: &mut Summary, number, (case, result): (Case, Result<_, _>)| {
        let is_over = result.is_err() && !args.keep_going;
        summary.add(number, &case, result, args.count);
        if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let numbers = args.first..args.first.saturating_add(args.count);
    let summary = play_all(numbers, args.jobs, play, add);
    summary.write(out)?;
    for failure in &summary.failures {
        writeln!(out, "\nwrong: {}", failure.wrong.join("\n       "))?;
        writeln!(out, "stderr: {}", failure.err.trim_end())?;
        writeln!(out, "repeat: scripts/chaos 1 --seed {seed} --first {}", failure.number)?;
        // Shrinking takes a while.
        out.flush()?;
        // Some failures depend on timing, so a smaller case counts as right only after three tries.
        let (small, tries) = shrink::shrink(failure.case.clone(), &mut |case| {
            (0..3).any(|_| try_case(case, args.falsify).is_err())
        });
        let line = serde_json::to_string(&small)?;
        writeln!(out, "shrunk ({tries} tries): scripts/chaos --case '{line}'")?;
    }
    Ok(summary.failures.is_empty())
}
