//! The past of the further consumers: their entry functions run at earlier heights.

use super::{Chain, past_heights};
use crate::address::Address;
use crate::chain::transact::Order;
use crate::lottery::DRAW_AT;
use crate::scenario::{self, player};
use crate::state::{Answers, State};
use serde_json::{Value, json};

/// Age of the request in `no-aggregator`, in µs.
const UNANSWERABLE_US: u64 = 60_000_000;

/// Past requests of each consumer: the state is copied for every call.
const MOST: u64 = 100;

/// The lottery that scenarios are about.
const FIRST: u64 = 1;

impl Chain {
    /// The deposits stay as the scenario says, whatever the past has cost.
    pub(super) fn fill_consumers(&mut self) {
        if self.options.consumer.is_empty() {
            return;
        }
        let healthy = Self::start_state(&self.options, &self.clock, "healthy");
        let lived = State { next_nonce: self.state.next_nonce, open: Vec::new(), ..healthy };
        let start = std::mem::replace(&mut self.state, lived);
        let (tip, count) = (self.clock.height(), MOST.min(self.options.history_events / 3));
        for number in 1..=count {
            let (asked, answered) = past_heights(tip, count, self.options.seed, number);
            let wait_us = self.clock.time_of(answered) - self.clock.time_of(asked);
            self.state.answers = Answers::AfterMs(wait_us / 1000);
            self.at_height(asked, |chain| {
                // The first two lotteries take turns.
                chain.draw(2 - number % 2);
                chain.play(number);
            });
            self.at_height(answered, Self::settle);
        }
        self.enter_present();
        // Both queues have been drained.
        if let Some(core) = &mut self.state.core {
            (core.history_queue, core.purchase_queue) = (0, 0);
        }
        let lived = std::mem::replace(&mut self.state, start);
        (self.state.core, self.state.wheel, self.state.dice) = (lived.core, lived.wheel, lived.dice);
        self.state.multi = lived.multi;
        self.state.next_nonce = lived.next_nonce;
        self.state.open.extend(lived.open);
    }

    /// What the scenario begins with.
    fn enter_present(&mut self) {
        let now = self.clock.now_us();
        let unanswerable = self.scenario == "no-aggregator";
        let age = if unanswerable { Some(UNANSWERABLE_US) } else { scenario::pending_age_us(&self.scenario) };
        self.state.answers = Answers::Never;
        let height = age.map_or(self.clock.height(), |age| self.clock.height_at(now.saturating_sub(age)));
        self.at_height(height, |chain| match chain.scenario.as_str() {
            "ready" => chain.sell(FIRST, DRAW_AT, true),
            "no-aggregator" => chain.draw(FIRST),
            _ if age.is_some() => {
                chain.draw(FIRST);
                chain.play(1);
            }
            _ => chain.sell(FIRST, 3, false),
        });
        let due = scenario::pending_due_us(&self.scenario, now, self.options.answer_ms);
        self.state.open.iter_mut().for_each(|request| request.due_us = due);
        if let Some(core) = self.state.core.as_mut().filter(|_| unanswerable) {
            core.callback_sender = None;
        }
    }

    fn at_height(&mut self, height: u64, act: impl FnOnce(&mut Self)) {
        let now = self.clock.clone();
        self.clock = now.up_to(height);
        act(self);
        self.clock = now;
    }

    /// Plays a round of a lottery of the core layout up to its request.
    fn draw(&mut self, lottery: u64) {
        self.sell(lottery, DRAW_AT, true);
        self.call_rounds("request_randomness", None, vec![json!(lottery.to_string()), json!("0x00")]);
    }

    /// Plays both games, and asks for the draw of a further lottery of the package.
    fn play(&mut self, number: u64) {
        if let Some(address) = self.state.wheel.as_ref().map(|wheel| wheel.address) {
            let sender = player(u8::try_from(number % 9).unwrap_or(0) + 1);
            self.call(sender, format!("{address}::{}::spin", crate::wheel::MODULE), Vec::new());
        }
        if let Some(address) = self.state.dice.as_ref().map(|dice| dice.address) {
            self.call(player(1), format!("{address}::{}::roll_dice", crate::dice::MODULE), vec![json!("6")]);
        }
        if let Some(multi) = &mut self.state.multi {
            let (id, sender) = (multi.create(), multi.address);
            let arguments = [id, 1, 1, 6, 1].map(|number| json!(number.to_string()));
            self.call(sender, format!("{sender}::draw::request_draw_admin"), arguments.to_vec());
        }
    }

    /// Sells tickets of a lottery of the core layout, and schedules its draw.
    fn sell(&mut self, lottery: u64, count: usize, schedule: bool) {
        let id = vec![json!(lottery.to_string())];
        for number in (1_u8..=9).take(count) {
            self.call_rounds("buy_ticket", Some(player(number)), id.clone());
        }
        if schedule {
            self.call_rounds("schedule_draw", None, id);
        }
    }

    /// Without a sender the administrator calls.
    fn call_rounds(&mut self, function: &str, sender: Option<Address>, arguments: Vec<Value>) {
        if let Some(core) = &self.state.core {
            let (address, function) = (core.address, core.full_name("core_rounds", function));
            self.call(sender.unwrap_or(address), function, arguments);
        }
    }

    fn call(&mut self, sender: Address, function: String, arguments: Vec<Value>) {
        let order = Order { sender, function, types: Vec::new(), arguments, simulate: false };
        // Calls of the past abort nowhere: the state is a healthy one.
        let _ = self.run(order);
    }
}
