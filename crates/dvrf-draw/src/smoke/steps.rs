//! What each step of the smoke test does and asserts.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Round, SmokeArgs};
use crate::args::milliseconds;
use crate::decision::ReadyToken;
use crate::runner::DrawRunner;
use dvrf_cli::Session;
use dvrf_cli::settings::{Settings, variables};
use supra_core::address::Address;
use supra_core::amount::Count;
use supra_core::client::events::places;
use supra_core::draw::{ConfirmedBy, DrawError, DrawErrorCode};
use supra_core::error::Error;
use supra_core::events::Event;
use supra_core::events::scan::EventQuery;
use supra_core::failure::FailureKind;
use supra_core::move_value::Node;
use supra_core::state::State;
use supra_core::submit::command::RunWords;
use supra_core::submit::outcome::SubmitOutcome;
use supra_core::view::{Argument, FunctionId, ViewCall};

/// Does one step, and says what was found.
pub(super) fn act(
    name: &str,
    args: &SmokeArgs,
    runner: &mut DrawRunner,
    round: &mut Round,
    session: &Session,
) -> Result<String, DrawError> {
    let count = u128::from(args.tickets);
    match name {
        "store_registered" => store(args, runner, round.player),
        "ticket_price" => {
            round.price = ticket_price(runner)?;
            round.total = round.price.checked_mul(count).ok_or_else(|| {
                DrawError::new(DrawErrorCode::Overflow, "the tickets cost too much to count")
            })?;
            Ok(format!("{} a ticket, {} in all", round.price, round.total))
        }
        "mint" => mint(runner, round),
        "funds" => {
            let balance = balance(runner, round.player)?;
            expect(
                balance >= round.total,
                DrawErrorCode::Funds,
                format!("the balance is {balance}, {} are needed", round.total),
            )
        }
        "buy_tickets" => buy(args, runner, round),
        "status" => {
            let status = status(runner)?;
            round.requests = status.rng_request_count.ok_or_else(|| {
                DrawError::new(DrawErrorCode::Unknown, "the counter of requests is not known")
            })?;
            let word = |flag: Option<bool>| flag.map_or("unknown", |flag| if flag { "yes" } else { "no" });
            let (scheduled, pending) = (word(status.draw_scheduled), word(status.pending_request));
            let text = format!("draw scheduled: {scheduled}, request pending: {pending}");
            expect(
                status.draw_scheduled == Some(true) && status.pending_request == Some(false),
                DrawErrorCode::Status,
                text,
            )
        }
        "configure_request" => configure(args, runner, session),
        "manual_draw" => draw(runner, round, session),
        "draw_requested" => requested(runner, round),
        _ => handled(args, runner, round),
    }
}

fn expect(holds: bool, code: DrawErrorCode, found: String) -> Result<String, DrawError> {
    if holds { Ok(found) } else { Err(DrawError::new(code, found)) }
}

fn unknown(failure: &Error) -> DrawError {
    DrawError::of(DrawErrorCode::Unknown, failure)
}

fn status(runner: &DrawRunner) -> Result<supra_core::state::Lottery, DrawError> {
    runner.nodes.client().lottery_status(&runner.target).map_err(|failure| unknown(&failure))
}

fn lottery(runner: &DrawRunner, module: &str, name: &str) -> Result<FunctionId, DrawError> {
    let address =
        runner.target.lottery.ok_or_else(|| unknown(&Settings::missing(&variables::LOTTERY_ADDR)))?;
    Ok(FunctionId { address, module: module.to_owned(), name: name.to_owned() })
}

fn ask(runner: &DrawRunner, module: &str, name: &str, arguments: Vec<Argument>) -> Result<Value, DrawError> {
    let function = lottery(runner, module, name)?;
    let call = ViewCall { function, type_arguments: Vec::new(), arguments };
    runner.nodes.client().view(call).map_err(|failure| unknown(&failure))
}

fn number(answer: &Value) -> Result<u128, DrawError> {
    let read = Node::root(answer).returned(0).and_then(|node| node.u128());
    read.map_err(|error| unknown(&error.into()))
}

fn treasury(runner: &DrawRunner) -> String {
    runner.treasury_module.clone()
}

fn balance(runner: &DrawRunner, player: Address) -> Result<u128, DrawError> {
    number(&ask(runner, &treasury(runner), "balance_of", vec![Argument::Address(player)])?)
}

/// The price of a ticket, in the smallest unit of the lottery's token.
pub(crate) fn ticket_price(runner: &DrawRunner) -> Result<u128, DrawError> {
    number(&ask(runner, &runner.target.lottery_module, "get_ticket_price", Vec::new())?)
}

/// Sends one transaction and reads its receipt. `Ok(false)`: it is not clear whether it was accepted.
fn send(runner: &DrawRunner, words: &RunWords) -> Result<bool, DrawError> {
    match runner.guarded.sender.send(words).outcome {
        SubmitOutcome::Accepted => Ok(true),
        SubmitOutcome::Unknown(_) => Ok(false),
        SubmitOutcome::NotSent(failure) | SubmitOutcome::Refused(failure) => {
            Err(DrawError::of(DrawErrorCode::NotSent, &failure))
        }
        SubmitOutcome::Failed(failure) => Err(DrawError::of(DrawErrorCode::TransactionFailed, &failure)),
    }
}

fn as_player(args: &SmokeArgs, runner: &DrawRunner, function: FunctionId) -> RunWords {
    let words = RunWords { function, ..runner.words.clone() };
    match &args.player_profile {
        Some(profile) => RunWords { profile: Some(profile.clone()), sender: None, ..words },
        None => words,
    }
}

fn store(args: &SmokeArgs, runner: &DrawRunner, player: Address) -> Result<String, DrawError> {
    let is_registered = || -> Result<bool, DrawError> {
        let answer = ask(runner, &treasury(runner), "store_registered", vec![Argument::Address(player)])?;
        let read = Node::root(&answer).returned(0).and_then(|node| node.bool());
        read.map_err(|error| unknown(&error.into()))
    };
    if is_registered()? {
        return Ok("it has one".to_owned());
    }
    send(runner, &as_player(args, runner, lottery(runner, &treasury(runner), "register_store")?))?;
    expect(
        is_registered()?,
        DrawErrorCode::Store,
        "register_store was sent, and the store is there".to_owned(),
    )
}

fn mint(runner: &DrawRunner, round: &Round) -> Result<String, DrawError> {
    let before = balance(runner, round.player)?;
    let Some(lacking) = round.total.checked_sub(before).filter(|lacking| *lacking > 0) else {
        return Ok(format!("{before} are there already"));
    };
    let amount = u64::try_from(lacking)
        .map_err(|_| DrawError::new(DrawErrorCode::Overflow, "more than u64 would have to be minted"))?;
    let function = lottery(runner, &treasury(runner), "mint_to")?;
    let arguments = vec![Argument::Address(round.player), Argument::U64(amount)];
    send(runner, &RunWords { function, arguments, ..runner.words.clone() })?;
    let after = balance(runner, round.player)?;
    expect(after >= round.total, DrawErrorCode::Mint, format!("minted {amount}: {before} became {after}"))
}

fn buy(args: &SmokeArgs, runner: &DrawRunner, round: &mut Round) -> Result<String, DrawError> {
    let sold = status(runner)?.ticket_count;
    round.sold_before = sold
        .ok_or_else(|| DrawError::new(DrawErrorCode::Unknown, "the number of tickets is not known"))?
        .get();
    let function = lottery(runner, &runner.target.lottery_module, "buy_ticket")?;
    let words = as_player(args, runner, function);
    for bought in 0..u128::from(args.tickets) {
        buy_one(runner, &words, round.sold_before.saturating_add(bought)).map_err(|error| DrawError {
            message: format!("{bought} of {} tickets were bought, then: {}", args.tickets, error.message),
            ..error
        })?;
    }
    Ok(format!("{} became {}", round.sold_before, round.sold_before.saturating_add(u128::from(args.tickets))))
}

/// Buys one ticket when `sold` are sold, and waits until the lottery counts it.
pub(crate) fn buy_ticket(runner: &DrawRunner, sold: u128) -> Result<(), DrawError> {
    let function = lottery(runner, &runner.target.lottery_module, "buy_ticket")?;
    buy_one(runner, &RunWords { function, ..runner.words.clone() }, sold)
}

fn buy_one(runner: &DrawRunner, words: &RunWords, sold: u128) -> Result<(), DrawError> {
    let is_clear = send(runner, words)?;
    let shows =
        |status: &supra_core::state::Lottery| status.ticket_count.is_some_and(|count| count.get() > sold);
    match runner.watch(runner.confirm_timeout, shows) {
        Ok(_) => Ok(()),
        Err(Some(failure)) => Err(unknown(&failure)),
        Err(None) => {
            let sent =
                if is_clear { "its receipt says success" } else { "whether it was accepted is not clear" };
            Err(DrawError::new(
                DrawErrorCode::Ticket,
                format!("buy_ticket was sent, {sent}, and the count is still {sold}"),
            ))
        }
    }
}

fn configure(args: &SmokeArgs, runner: &DrawRunner, session: &Session) -> Result<String, DrawError> {
    let before = runner
        .read(session)
        .map_err(|error| DrawError::new(DrawErrorCode::Unknown, dvrf_cli::chain(&error)))?;
    let given = args.client_seed.or_else(|| before.state().and_then(next_seed));
    let Some(seed) = given else {
        let text = "the next client seed is not known";
        return Err(DrawError::new(DrawErrorCode::Unknown, text).with_hint("give one with --client-seed"));
    };
    let function = lottery(runner, &runner.target.lottery_module, "configure_vrf_request")?;
    let words =
        RunWords { function, arguments: vec![Argument::U8(1), Argument::U64(seed)], ..runner.words.clone() };
    send(runner, &words)?;
    let after = runner
        .read(session)
        .map_err(|error| DrawError::new(DrawErrorCode::Unknown, dvrf_cli::chain(&error)))?;
    let config =
        after.state().and_then(|state| state.lottery.vrf_request_config.clone()).and_then(|config| config.0);
    let found = config.map(|config| config.client_seed.get());
    let shown = found.map_or_else(|| "none".to_owned(), |seed| seed.to_string());
    expect(
        found == Some(seed.into()),
        DrawErrorCode::Configure,
        format!("client seed {seed} was sent, the lottery has {shown}"),
    )
}

/// The resource says it; without it, no draw so far can have gone beyond this.
fn next_seed(state: &State) -> Option<u64> {
    let lottery = &state.lottery;
    let beyond = || {
        let configured =
            lottery.vrf_request_config.as_ref()?.0.as_ref().map_or(1, |config| config.client_seed.get());
        configured.checked_add(lottery.rng_request_count?.get())
    };
    u64::try_from(lottery.next_client_seed.map(Count::get).or_else(beyond)?).ok()
}

/// The event of this draw, once the node has indexed it; `None` where events cannot be read.
fn event(runner: &DrawRunner, round: &Round, word: &str) -> Result<Option<Event>, DrawError> {
    let Some(from) = round.tip else { return Ok(None) };
    let scanner = runner.nodes.client().scanner();
    let types =
        scanner.types(&[word.to_owned()], &places(&runner.target)).map_err(|failure| unknown(&failure))?;
    let start = Instant::now();
    loop {
        let tip = scanner.tip().map_err(|failure| unknown(&failure))?;
        let wanted = EventQuery { types: &types, from, to: tip.next_height(), limit: None, times: false };
        let scan = scanner.read(&wanted).map_err(|failure| unknown(&failure))?;
        let ours = |event: &Event| round.nonce.is_none_or(|nonce| event.number("nonce") == Some(nonce.get()));
        if let Some(event) = scan.events.into_iter().find(ours) {
            return Ok(Some(event));
        }
        if start.elapsed() > runner.confirm_timeout {
            let text = format!("the lottery counts it, but its {word} event is not among the chain's events");
            return Err(DrawError::new(DrawErrorCode::NoEvent, text));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn draw(runner: &mut DrawRunner, round: &mut Round, session: &Session) -> Result<String, DrawError> {
    round.tip = match runner.nodes.client().scanner().tip() {
        Ok(tip) => Some(tip.height),
        Err(failure) if failure.kind() == FailureKind::Unsupported => None,
        Err(failure) => return Err(unknown(&failure)),
    };
    let reading = runner.read(session)?;
    let token = ReadyToken::asserted(round.requests, runner, &reading);
    let result = runner.draw(&token);
    if let Some(error) = result.error {
        return Err(error);
    }
    round.nonce = result.nonce;
    round.confirmed_by = result.confirmed_by;
    Ok(format!(
        "{}, {}",
        result.tx_hash.as_deref().unwrap_or("no hash"),
        result.vm_status.as_deref().unwrap_or("no status")
    ))
}

fn requested(runner: &DrawRunner, round: &Round) -> Result<String, DrawError> {
    let status = status(runner)?;
    let counted = status.rng_request_count.is_some_and(|count| count > round.requests);
    let by = match (event(runner, round, "draw-requested")?, round.confirmed_by) {
        (Some(event), _) => format!("the chain has the event at height {}", event.height),
        (None, Some(ConfirmedBy::Event)) => "the receipt has the event".to_owned(),
        (None, _) => "the receipt has no event, the counter moved".to_owned(),
    };
    let nonce = round.nonce.map_or_else(|| "unknown".to_owned(), |nonce| nonce.to_string());
    expect(counted, DrawErrorCode::NotRequested, format!("{by}; nonce {nonce}"))
}

fn handled(args: &SmokeArgs, runner: &DrawRunner, round: &Round) -> Result<String, DrawError> {
    let limit = Duration::from_secs(args.handled_timeout.into());
    let start = Instant::now();
    let answered = |status: &supra_core::state::Lottery| {
        status.rng_response_count.is_some_and(|count| count > round.requests)
            && status.pending_request == Some(false)
    };
    match runner.watch(limit, answered) {
        Ok(_) => {
            let took = milliseconds(start.elapsed());
            Ok(match event(runner, round, "draw-handled")? {
                Some(event) => {
                    format!("answered after {took} ms; the chain has the event at height {}", event.height)
                }
                None => format!("answered after {took} ms, by the counter: the CLI reads no events"),
            })
        }
        Err(Some(failure)) => Err(unknown(&failure)),
        Err(None) => {
            let nonce =
                round.nonce.map_or_else(|| "of this draw".to_owned(), |nonce| format!("with nonce {nonce}"));
            let text = format!("the answer to the request {nonce} did not come within {} s", limit.as_secs());
            let hint =
                "the request stays pending; dvrf-check and docs/fix.md#request_pending say what to look at";
            Err(DrawError::new(DrawErrorCode::NotHandled, text).with_hint(hint))
        }
    }
}
