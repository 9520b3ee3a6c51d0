//! View calls, including those of the framework.

use super::Chain;
use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, FunctionId};
use crate::lottery::Lottery;
use crate::move_json::num;
use serde_json::{Value, json};

/// Text as a hostile contract would have it quoted: control and bidi characters, mentions and marks of every chat.
const HOSTILE: &str = "\u{1b}[31mred\u{1b}]0;title\u{7} \u{202e}live\u{2066} *b* _i_ `c` <!channel> <b>x</b> [x](http://h.example) @everyone | 'a'=1;2 \"q\" \\ \r\nDVRF OK - all is well\u{200b}\u{0}\u{feff}";

impl Chain {
    pub(crate) fn view(
        &self,
        id: &FunctionId,
        types: &[String],
        values: &[Value],
    ) -> Result<Vec<Value>, CallError> {
        let fault = self.faults.views.get(&id.name).map(String::as_str);
        if let Some(code) =
            fault.and_then(|text| text.strip_prefix("abort:")).and_then(|code| code.parse().ok())
        {
            return Err(CallError::Abort(Abort { address: id.address, module: id.module.clone(), code }));
        }
        match fault {
            Some("missing") => Err(Self::missing(id)),
            Some("garbage") => Ok(vec![json!("zz-not-a-value")]),
            Some("null") => Ok(vec![Value::Null]),
            Some("hostile") => Err(CallError::Arguments(HOSTILE.to_owned())),
            Some("hostile-value") => Ok(vec![json!([HOSTILE])]),
            Some("type") => Ok(vec![json!({"unexpected": [true]})]),
            _ => self.honest_view(id, types, values),
        }
    }

    fn missing(id: &FunctionId) -> CallError {
        CallError::NoFunction { address: id.address, module: id.module.clone(), function: id.name.clone() }
    }

    fn honest_view(
        &self,
        id: &FunctionId,
        types: &[String],
        values: &[Value],
    ) -> Result<Vec<Value>, CallError> {
        let args = Args { values, types };
        if id.address == Address::small(1) {
            return self.framework(id, &args);
        }
        let Some((kind, published)) = self.module(id.address, &id.module) else {
            return Err(CallError::NoModule { address: id.address, module: id.module.clone() });
        };
        let function =
            published.iter().find(|function| function.name == id.name).ok_or_else(|| Self::missing(id))?;
        if !function.view {
            let name = &id.name;
            return Err(CallError::Arguments(format!(
                "Failed to execute view function: INVALID_MAIN_FUNCTION_SIGNATURE: {name} is not a view function"
            )));
        }
        for (of_types, expected, got) in [
            (false, function.arity(), values.iter().map(Value::to_string).collect::<Vec<_>>()),
            (true, usize::from(function.generic), types.to_vec()),
        ] {
            if expected != got.len() {
                return Err(CallError::Count { of_types, expected, got });
            }
        }
        let state = &self.state;
        match kind {
            "deposit" => state.deposit.view(&state.names, &id.name, &args),
            "lottery" => match &state.lottery {
                Some(lottery) => lottery.view(&id.name),
                None => Lottery::default().view(&id.name),
            },
            "treasury" => state.treasury.view(&state.names, &id.name, &args),
            "dice_roll" => {
                state.dice.as_ref().map_or_else(|| Err(Self::missing(id)), |dice| dice.view(&args))
            }
            "supra_wheel" => {
                state.wheel.as_ref().map_or_else(|| Err(Self::missing(id)), |w| w.view(&id.name, &args))
            }
            "vrf" => Ok(vec![json!(Address::from_bytes(crate::digest::bytes(&id.name, 0, 0)).to_string())]),
            module => state
                .core
                .as_ref()
                .map_or_else(|| Err(Self::missing(id)), |c| c.view(module, &id.name, &args)),
        }
    }

    fn framework(&self, id: &FunctionId, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let height = self.clock.height();
        let now = self.shown_us(height);
        Ok(vec![match (id.module.as_str(), id.name.as_str()) {
            ("timestamp", "now_microseconds") => num(u128::from(now)),
            ("timestamp", "now_seconds") => num(u128::from(now / 1_000_000)),
            ("block", "get_current_block_height") => num(u128::from(height)),
            ("chain_id", "get") => json!(self.chain_id()),
            ("coin", "balance") => num(self.state.wallet(args.address(0)?)),
            ("timestamp" | "block" | "chain_id" | "coin", _) => return Err(Self::missing(id)),
            _ => return Err(CallError::NoModule { address: id.address, module: id.module.clone() }),
        }])
    }
}
