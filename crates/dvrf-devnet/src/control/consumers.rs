//! Orders that put the further consumers into a state.

use crate::address::Address;
use crate::core_layout::{CoreLayout, Pool};
use crate::state::State;
use crate::wheel::{Outcome, Wheel};
use serde::Deserialize;

/// What only another module or a long time can do to the core layout.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoreOrder {
    /// An empty text clears it.
    callback_sender: Option<String>,
    history_queue: Option<u64>,
    purchase_queue: Option<u64>,
    /// Takes a request out of the hub without an event, as any module may.
    swallow: Option<String>,
    lottery: Option<LotteryOrder>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LotteryOrder {
    id: String,
    /// Empties or fills the round with the administrator's tickets.
    tickets: Option<usize>,
    draw_scheduled: Option<bool>,
    hub_active: Option<bool>,
    instance_active: Option<bool>,
    /// The balance for the prize; an empty text removes the pool.
    pool: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WheelOrder {
    paused: Option<bool>,
    /// What every further answer brings.
    outcome: Option<Outcome>,
    /// Removes a spin and its result without an event, as the administrator's `clean_history` does to results.
    forget: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MultiOrder {
    requests_paused: Option<bool>,
    /// How many seconds ago somebody typed the deposit in.
    gate_age_s: Option<u64>,
    /// The attempt that the last lottery's request is.
    attempt: Option<u8>,
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is not a u64"))
}

/// A value, or none for an empty text.
fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

impl CoreOrder {
    pub(super) fn apply(&self, state: &mut State) -> Result<(), String> {
        let core = state.core.as_mut().ok_or("no --consumer core")?;
        let address = |text: &str| text.parse::<Address>().map_err(|error| error.to_string());
        let sender = self.callback_sender.as_deref().map(|text| optional(text, address)).transpose()?;
        let swallowed = self.swallow.as_deref().map(number).transpose()?;
        if let Some(id) = swallowed.filter(|id| !core.requests.contains_key(id)) {
            return Err(format!("the hub has no request {id}"));
        }
        if let Some(order) = &self.lottery {
            order.apply(core)?;
        }
        swallowed.map(|id| core.requests.remove(&id));
        core.callback_sender = sender.unwrap_or(core.callback_sender);
        core.history_queue = self.history_queue.unwrap_or(core.history_queue);
        core.purchase_queue = self.purchase_queue.unwrap_or(core.purchase_queue);
        Ok(())
    }
}

impl LotteryOrder {
    fn apply(&self, core: &mut CoreLayout) -> Result<(), String> {
        let id = number(&self.id)?;
        let owner = core.address;
        let lottery = core.lotteries.get_mut(&id).ok_or_else(|| format!("there is no lottery {id}"))?;
        if let Some(text) = &self.pool {
            lottery.pool = optional(text, number)?.map(|prize| Pool { prize, operations: 0 });
        }
        lottery.hub_active = self.hub_active.unwrap_or(lottery.hub_active);
        lottery.instance_active = self.instance_active.unwrap_or(lottery.instance_active);
        if self.tickets.is_some() || self.draw_scheduled.is_some() {
            let round = lottery.round.get_or_insert_default();
            if let Some(count) = self.tickets {
                round.tickets = vec![owner; count];
            }
            round.draw_scheduled = self.draw_scheduled.unwrap_or(round.draw_scheduled);
        }
        Ok(())
    }
}

impl WheelOrder {
    pub(super) fn apply(&self, state: &mut State) -> Result<(), String> {
        let wheel: &mut Wheel = state.wheel.as_mut().ok_or("no --consumer wheel")?;
        if let Some(text) = &self.forget {
            let nonce = number(text)?;
            if !wheel.forget(nonce) {
                return Err(format!("the wheel has no spin {nonce}"));
            }
        }
        wheel.paused = self.paused.unwrap_or(wheel.paused);
        wheel.outcome = self.outcome.unwrap_or(wheel.outcome);
        Ok(())
    }
}

impl MultiOrder {
    pub(super) fn apply(&self, state: &mut State) -> Result<(), String> {
        let multi = state.multi.as_mut().ok_or("no --consumer multi")?;
        multi.requests_paused = self.requests_paused.unwrap_or(multi.requests_paused);
        multi.gate_age_s = self.gate_age_s.unwrap_or(multi.gate_age_s);
        if let Some(attempt) = self.attempt {
            let last = multi.lotteries.values_mut().next_back().and_then(|lottery| lottery.draw.as_mut());
            last.ok_or("no lottery has been drawn")?.attempt = attempt;
        }
        Ok(())
    }
}
