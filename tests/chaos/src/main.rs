//! `scripts/chaos`: thousands of random cases; the first lie is made small and printed with what repeats it.

mod case;
mod oracle;
mod run;
mod shrink;
mod tally;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use case::Case;
use clap::Parser;
use tally::Tally;

/// Random schedules of faults against the real tools
#[derive(Parser)]
#[command(name = "chaos")]
struct Args {
    /// How many cases
    #[arg(default_value_t = 1000)]
    count: u64,
    /// The seed of the first case; by default the clock's
    #[arg(long)]
    seed: Option<u64>,
    /// The number of the first case
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Cases at once
    #[arg(long, default_value_t = 16)]
    jobs: u64,
    /// One case as JSON, as a failure prints it
    #[arg(long, conflicts_with_all = ["count", "seed", "first"])]
    case: Option<String>,
    /// Judge by a truth turned around: every case that knows something must be called wrong
    #[arg(long)]
    lie: bool,
    /// Go on after a failure and show them all
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = io::stdout();
    let good = match &args.case {
        Some(text) => one(text, args.lie, &mut out),
        None => many(&args, &mut out),
    };
    match good {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // There is nowhere else to say it.
            let _ = writeln!(io::stderr(), "[error] chaos: {error}");
            ExitCode::from(2)
        }
    }
}

fn complaints(case: &Case, lie: bool) -> Result<Vec<oracle::Said>, (Vec<String>, oracle::Seen)> {
    let (seen, truth) = run::run(case, lie);
    oracle::judge(case, &truth, &seen).map_err(|wrong| (wrong, seen))
}

fn one(text: &str, lie: bool, out: &mut dyn Write) -> io::Result<bool> {
    let case: Case = serde_json::from_str(text)?;
    match complaints(&case, lie) {
        Ok(said) => writeln!(out, "right: {said:?}").map(|()| true),
        Err((wrong, seen)) => {
            writeln!(
                out,
                "wrong: {}\ncode {:?}\n{}\n{}",
                wrong.join("\n       "),
                seen.code,
                seen.out,
                seen.err
            )?;
            Ok(false)
        }
    }
}

fn many(args: &Args, out: &mut dyn Write) -> io::Result<bool> {
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    writeln!(out, "{} cases from --seed {seed} --first {}", args.count, args.first)?;
    let (next, stop) = (AtomicU64::new(args.first), AtomicBool::new(false));
    let end = args.first.saturating_add(args.count);
    let tally = Mutex::new(Tally::new());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        break;
                    }
                    let case = Case::of(seed, number);
                    let result = complaints(&case, args.lie);
                    stop.fetch_or(result.is_err() && !args.keep_going, Ordering::Relaxed);
                    tally
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .add(number, &case, result, args.count);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.write(out)?;
    for failure in &tally.failures {
        writeln!(out, "\nwrong: {}", failure.wrong.join("\n       "))?;
        writeln!(out, "stderr: {}", failure.err.trim_end())?;
        writeln!(out, "repeat: scripts/chaos 1 --seed {seed} --first {}", failure.number)?;
        // What is known is shown before the search for less, which takes its time.
        out.flush()?;
        // Some lies need luck: three tries each before a smaller case counts as good.
        let (small, asked) = shrink::shrink(failure.case.clone(), &mut |case| {
            (0..3).any(|_| complaints(case, args.lie).is_err())
        });
        let line = serde_json::to_string(&small)?;
        writeln!(out, "shrunk ({asked} tries): scripts/chaos --case '{line}'")?;
    }
    Ok(tally.failures.is_empty())
}
