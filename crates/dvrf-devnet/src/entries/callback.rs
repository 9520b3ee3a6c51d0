//! The transaction that answers a request.

use super::{core_layout, dice, multi, wheel};
use crate::abort::{Abort, CallError};
use crate::call::{Args, Transaction};
use crate::state::{Asker, Callback, OpenRequest, State};

impl State {
    /// What a callback ends with that aborts. The codes of others than the lottery are not public.
    fn callback_abort(&self, asker: Asker) -> Abort {
        let (address, module, _) = self.target(asker);
        Abort { address, module, code: if asker == Asker::Lottery { 14 } else { 10 } }
    }

    /// Runs the callback's transaction; if it aborts, the request stays pending.
    pub(crate) fn answer(&mut self, tx: &mut Transaction, request: &OpenRequest) -> Result<(), CallError> {
        self.close(request.asker, request.id);
        if self.callback_aborts && request.asker != Asker::Core {
            return Err(CallError::Abort(self.callback_abort(request.asker)));
        }
        let Callback { name, arguments, .. } = self.callback(request);
        let args = Args { values: &arguments, types: &[] };
        match (request.asker, &self.core, &mut self.lottery) {
            (Asker::Core, Some(core), _) => {
                let module = core.answering_module(request.id);
                return core_layout::run(self, tx, module, name, &args);
            }
            (Asker::Wheel, ..) => wheel::run(self, tx, name, &args)?,
            (Asker::Dice, ..) => dice::run(self, tx, name, &args)?,
            (Asker::Multi, ..) => multi::run(self, tx, name, &args)?,
            (Asker::Lottery, _, Some(lottery)) => {
                lottery.receive(&self.names, tx, request.id, self.seed);
                self.verified(tx, request.id);
            }
            _ => return Ok(()),
        }
        self.collect(tx, request);
        Ok(())
    }
}
