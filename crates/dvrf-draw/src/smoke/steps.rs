//! What each step of the smoke test does and asserts.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::engine::Engine;
use super::{Round, SmokeArgs};
use crate::args::milliseconds;
use dvrf_cli::Session;
use dvrf_cli::settings::{Settings, variables};
use supra_core::address::Address;
use supra_core::amount::Count;
use supra_core::client::events::places;
use supra_core::draw::{ConfirmedBy, Trouble};
use supra_core::events::Event;
use supra_core::events::scan::Wanted;
use supra_core::failure::{Failure, FailureKind};
use supra_core::move_value::Node;
use supra_core::state::State;
use supra_core::submit::command::RunWords;
use supra_core::submit::receipt::SubmitOutcome;
use supra_core::view::{Argument, FunctionId, ViewCall};

/// Does one step, and says what was found.
pub(super) fn act(
    name: &str,
    args: &SmokeArgs,
    engine: &mut Engine,
    round: &mut Round,
    session: &Session,
) -> Result<String, Trouble> {
    let count = u128::from(args.tickets);
    match name {
        "store_registered" => store(args, engine, round.player),
        "ticket_price" => {
            round.price = ticket_price(engine)?;
            round.total = round
                .price
                .checked_mul(count)
                .ok_or_else(|| Trouble::new("OVERFLOW", "the tickets cost too much to count"))?;
            Ok(format!("{} a ticket, {} in all", round.price, round.total))
        }
        "mint" => mint(engine, round),
        "funds" => {
            let balance = balance(engine, round.player)?;
            expect(
                balance >= round.total,
                "FUNDS",
                format!("the balance is {balance}, {} are needed", round.total),
            )
        }
        "buy_tickets" => buy(args, engine, round),
        "status" => {
            let status = status(engine)?;
            round.requests = status
                .rng_request_count
                .ok_or_else(|| Trouble::new("UNKNOWN", "the counter of requests is not known"))?;
            let word = |flag: Option<bool>| flag.map_or("unknown", |flag| if flag { "yes" } else { "no" });
            let (scheduled, pending) = (word(status.draw_scheduled), word(status.pending_request));
            let text = format!("draw scheduled: {scheduled}, request pending: {pending}");
            expect(
                status.draw_scheduled == Some(true) && status.pending_request == Some(false),
                "STATUS",
                text,
            )
        }
        "configure_request" => configure(args, engine, session),
        "manual_draw" => draw(engine, round),
        "draw_requested" => requested(engine, round),
        _ => handled(args, engine, round),
    }
}

fn expect(holds: bool, code: &str, found: String) -> Result<String, Trouble> {
    if holds { Ok(found) } else { Err(Trouble::new(code, found)) }
}

fn unknown(failure: &Failure) -> Trouble {
    Trouble::of("UNKNOWN", failure)
}

fn status(engine: &Engine) -> Result<supra_core::state::Lottery, Trouble> {
    engine.reader.client.lottery_status(&engine.target).map_err(|failure| unknown(&failure))
}

fn lottery(engine: &Engine, module: &str, name: &str) -> Result<FunctionId, Trouble> {
    let address =
        engine.target.lottery.ok_or_else(|| unknown(&Settings::missing(&variables::LOTTERY_ADDR)))?;
    Ok(FunctionId { address, module: module.to_owned(), name: name.to_owned() })
}

fn ask(engine: &Engine, module: &str, name: &str, arguments: Vec<Argument>) -> Result<Value, Trouble> {
    let function = lottery(engine, module, name)?;
    let call = ViewCall { function, type_arguments: Vec::new(), arguments };
    engine.reader.client.view(call).map_err(|failure| unknown(&failure))
}

fn number(answer: &Value) -> Result<u128, Trouble> {
    let read = Node::root(answer).returned(0).and_then(|node| node.u128());
    read.map_err(|error| unknown(&Failure::new(FailureKind::Undecodable, error.to_string())))
}

fn treasury(engine: &Engine) -> String {
    engine.treasury_module.clone()
}

fn balance(engine: &Engine, player: Address) -> Result<u128, Trouble> {
    number(&ask(engine, &treasury(engine), "balance_of", vec![Argument::Address(player)])?)
}

/// The price of a ticket, in the smallest unit of the lottery's token.
pub(crate) fn ticket_price(engine: &Engine) -> Result<u128, Trouble> {
    number(&ask(engine, &engine.target.lottery_module, "get_ticket_price", Vec::new())?)
}

/// Sends one transaction and reads its receipt. `Ok(false)`: it is not clear whether it was accepted.
fn send(engine: &Engine, words: &RunWords) -> Result<bool, Trouble> {
    let sent = engine.sender.send(words).map_err(|failure| Trouble::new("NOT_SENT", failure.message))?;
    match sent.outcome {
        SubmitOutcome::Succeeded => Ok(true),
        SubmitOutcome::Unclear(_) => Ok(false),
        SubmitOutcome::Failed(failure) | SubmitOutcome::NotSent(failure) => {
            Err(Trouble::of("TRANSACTION_FAILED", &failure))
        }
    }
}

fn as_player(args: &SmokeArgs, engine: &Engine, function: FunctionId) -> RunWords {
    let words = engine.sender.with(function, Vec::new());
    match &args.player_profile {
        Some(profile) => RunWords { profile: Some(profile.clone()), sender: None, ..words },
        None => words,
    }
}

fn store(args: &SmokeArgs, engine: &Engine, player: Address) -> Result<String, Trouble> {
    let is_registered = || -> Result<bool, Trouble> {
        let answer = ask(engine, &treasury(engine), "store_registered", vec![Argument::Address(player)])?;
        let read = Node::root(&answer).returned(0).and_then(|node| node.bool());
        read.map_err(|error| unknown(&Failure::new(FailureKind::Undecodable, error.to_string())))
    };
    if is_registered()? {
        return Ok("it has one".to_owned());
    }
    send(engine, &as_player(args, engine, lottery(engine, &treasury(engine), "register_store")?))?;
    expect(is_registered()?, "STORE", "register_store was sent, and the store is there".to_owned())
}

fn mint(engine: &Engine, round: &Round) -> Result<String, Trouble> {
    let before = balance(engine, round.player)?;
    let Some(lacking) = round.total.checked_sub(before).filter(|lacking| *lacking > 0) else {
        return Ok(format!("{before} are there already"));
    };
    let amount = u64::try_from(lacking)
        .map_err(|_| Trouble::new("OVERFLOW", "more than u64 would have to be minted"))?;
    let function = lottery(engine, &treasury(engine), "mint_to")?;
    let arguments = vec![Argument::Address(round.player), Argument::U64(amount)];
    send(engine, &engine.sender.with(function, arguments))?;
    let after = balance(engine, round.player)?;
    expect(after >= round.total, "MINT", format!("minted {amount}: {before} became {after}"))
}

fn buy(args: &SmokeArgs, engine: &Engine, round: &mut Round) -> Result<String, Trouble> {
    let sold = status(engine)?.ticket_count;
    round.sold_before =
        sold.ok_or_else(|| Trouble::new("UNKNOWN", "the number of tickets is not known"))?.get();
    let function = lottery(engine, &engine.target.lottery_module, "buy_ticket")?;
    let words = as_player(args, engine, function);
    for bought in 0..u128::from(args.tickets) {
        buy_one(engine, &words, round.sold_before.saturating_add(bought)).map_err(|trouble| Trouble {
            message: format!("{bought} of {} tickets were bought, then: {}", args.tickets, trouble.message),
            ..trouble
        })?;
    }
    Ok(format!("{} became {}", round.sold_before, round.sold_before.saturating_add(u128::from(args.tickets))))
}

/// Buys one ticket when `sold` are sold, and waits until the lottery counts it.
pub(crate) fn buy_ticket(engine: &Engine, sold: u128) -> Result<(), Trouble> {
    let function = lottery(engine, &engine.target.lottery_module, "buy_ticket")?;
    buy_one(engine, &engine.sender.with(function, Vec::new()), sold)
}

fn buy_one(engine: &Engine, words: &RunWords, sold: u128) -> Result<(), Trouble> {
    let is_clear = send(engine, words)?;
    let shows =
        |status: &supra_core::state::Lottery| status.ticket_count.is_some_and(|count| count.get() > sold);
    match engine.watch(engine.confirm_timeout, shows) {
        Ok(_) => Ok(()),
        Err(Some(failure)) => Err(unknown(&failure)),
        Err(None) => {
            let sent =
                if is_clear { "its receipt says success" } else { "whether it was accepted is not clear" };
            Err(Trouble::new("TICKET", format!("buy_ticket was sent, {sent}, and the count is still {sold}")))
        }
    }
}

fn configure(args: &SmokeArgs, engine: &Engine, session: &Session) -> Result<String, Trouble> {
    let before = engine.read(session).map_err(|error| Trouble::new("UNKNOWN", dvrf_cli::chain(&error)))?;
    let given = args.client_seed.or_else(|| before.state.as_ref().and_then(next_seed));
    let Some(seed) = given else {
        let text = "the next client seed is not known";
        return Err(Trouble::new("UNKNOWN", text).with_hint("give one with --client-seed"));
    };
    let function = lottery(engine, &engine.target.lottery_module, "configure_vrf_request")?;
    let words = engine.sender.with(function, vec![Argument::U8(1), Argument::U64(seed)]);
    send(engine, &words)?;
    let after = engine.read(session).map_err(|error| Trouble::new("UNKNOWN", dvrf_cli::chain(&error)))?;
    let config = after.state.and_then(|state| state.lottery.vrf_request_config).and_then(|config| config.0);
    let found = config.map(|config| config.client_seed.get());
    let shown = found.map_or_else(|| "none".to_owned(), |seed| seed.to_string());
    expect(
        found == Some(seed.into()),
        "CONFIGURE",
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
fn event(engine: &Engine, round: &Round, word: &str) -> Result<Option<Event>, Trouble> {
    let Some(from) = round.tip else { return Ok(None) };
    let scanner = engine.reader.client.scanner();
    let types =
        scanner.types(&[word.to_owned()], &places(&engine.target)).map_err(|failure| unknown(&failure))?;
    let start = Instant::now();
    loop {
        let tip = scanner.tip().map_err(|failure| unknown(&failure))?;
        let wanted = Wanted { types: &types, from, to: tip.next_height(), limit: None, times: false };
        let scan = scanner.read(&wanted).map_err(|failure| unknown(&failure))?;
        let ours = |event: &Event| round.nonce.is_none_or(|nonce| event.number("nonce") == Some(nonce.get()));
        if let Some(event) = scan.events.into_iter().find(ours) {
            return Ok(Some(event));
        }
        if start.elapsed() > engine.confirm_timeout {
            let text = format!("the lottery counts it, but its {word} event is not among the chain's events");
            return Err(Trouble::new("NO_EVENT", text));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn draw(engine: &mut Engine, round: &mut Round) -> Result<String, Trouble> {
    round.tip = match engine.reader.client.scanner().tip() {
        Ok(tip) => Some(tip.height),
        Err(failure) if failure.kind == FailureKind::Unsupported => None,
        Err(failure) => return Err(unknown(&failure)),
    };
    let result = engine.draw(round.requests, None);
    if let Some(trouble) = result.error {
        return Err(trouble);
    }
    round.nonce = result.nonce;
    round.confirmed_by = result.confirmed_by;
    Ok(format!(
        "{}, {}",
        result.tx_hash.as_deref().unwrap_or("no hash"),
        result.vm_status.as_deref().unwrap_or("no status")
    ))
}

fn requested(engine: &Engine, round: &Round) -> Result<String, Trouble> {
    let status = status(engine)?;
    let counted = status.rng_request_count.is_some_and(|count| count > round.requests);
    let by = match (event(engine, round, "draw-requested")?, round.confirmed_by) {
        (Some(event), _) => format!("the chain has the event at height {}", event.height),
        (None, Some(ConfirmedBy::Event)) => "the receipt has the event".to_owned(),
        (None, _) => "the receipt has no event, the counter moved".to_owned(),
    };
    let nonce = round.nonce.map_or_else(|| "unknown".to_owned(), |nonce| nonce.to_string());
    expect(counted, "NOT_REQUESTED", format!("{by}; nonce {nonce}"))
}

fn handled(args: &SmokeArgs, engine: &Engine, round: &Round) -> Result<String, Trouble> {
    let limit = Duration::from_secs(args.handled_timeout.into());
    let start = Instant::now();
    let answered = |status: &supra_core::state::Lottery| {
        status.rng_response_count.is_some_and(|count| count > round.requests)
            && status.pending_request == Some(false)
    };
    match engine.watch(limit, answered) {
        Ok(_) => {
            let took = milliseconds(start.elapsed());
            Ok(match event(engine, round, "draw-handled")? {
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
            let hint = "the request stays pending; dvrf-check and docs/checks.md#request_pending say what to look at";
            Err(Trouble::new("NOT_HANDLED", text).with_hint(hint))
        }
    }
}
