//! Derives values from others where the chain has no view for them; the entry in `views` names the derivation.

use crate::amount::{Count, Quants};
use crate::failure::FailureKind;
use crate::state::{Maybe, State};
use crate::view::catalogue::{CLIENT_ROWS, Entry, Wanted};
use crate::view_report::ViewReport;

/// Derives the values that no function answers. A value whose view failed stays unknown, because it is not known what
/// the chain would have answered.
pub(super) fn fill_in(state: &mut State, reports: &mut [(&'static Entry, &mut ViewReport)]) {
    // The rows of clients that the module does not know contain zeros.
    let row = reports.iter().any(|(entry, report)| {
        let by_row = report.function.as_ref().is_some_and(|function| function.ends_with(CLIENT_ROWS));
        entry.wanted == Wanted::MaxTxnFee && by_row && report.error.is_none()
    });
    let mut derived = |wanted: Wanted, from: &str| {
        let found = reports.iter_mut().find(|(entry, _)| entry.wanted == wanted);
        let Some((_, report)) = found else { return false };
        let unsupported =
            report.error.as_ref().is_none_or(|failure| failure.kind == FailureKind::Unsupported);
        if unsupported {
            report.function = Some(format!("derived: {from}"));
            report.error = None;
        }
        unsupported
    };
    let deposit = &mut state.deposit;
    if let (None, Some(fee), Some(Count(requests))) =
        (deposit.min_balance, deposit.max_txn_fee, deposit.min_request_count)
        && let Some(minimum) = fee.get().checked_mul(requests)
        && derived(Wanted::MinBalance, "max_txn_fee × min_request_count")
    {
        deposit.min_balance = Some(Quants(minimum));
    }
    if let (None, Some(minimum), Some(fee)) =
        (deposit.min_request_count, deposit.min_balance, deposit.max_txn_fee)
        && let Some(requests) = minimum.get().checked_div(fee.get())
        && requests * fee.get() == minimum.get()
        && derived(Wanted::MinRequestCount, "min_balance ÷ max_txn_fee")
    {
        deposit.min_request_count = Some(Count(requests));
    }
    if let (None, Some(is_low)) = (deposit.at_or_below_minimum, deposit.is_at_minimum())
        && derived(Wanted::MinBalanceReached, "balance ≤ minimum")
    {
        deposit.at_or_below_minimum = Some(is_low);
    }
    if let (None, Some(balance), Some(minimum)) =
        (deposit.effective_balance, deposit.balance, deposit.refusal_minimum())
        && derived(Wanted::EffectiveBalance, "balance − minimum")
    {
        deposit.effective_balance = Some(Quants(balance.get().saturating_sub(minimum.get())));
    }
    let lottery = &mut state.lottery;
    if lottery.pending_nonce.is_none()
        && lottery.pending_request == Some(false)
        && derived(Wanted::PendingNonce, "no request is pending")
    {
        lottery.pending_nonce = Some(Maybe(None));
    }
    if let (None, Some(snapshot)) = (&lottery.min_balance_snapshot, &lottery.client_snapshot)
        && derived(Wanted::MinBalanceSnapshot, "client_snapshot")
    {
        let limit = snapshot.0.as_ref().map(|snapshot| snapshot.min_balance_limit);
        lottery.min_balance_snapshot = Some(Maybe(limit));
    }
    if row
        && state.deposit.client_whitelisted.is_none()
        && state.deposit.max_txn_fee.is_some_and(|fee| fee > Quants(0))
        && derived(Wanted::ClientWhitelisted, "the client has a row")
    {
        state.deposit.client_whitelisted = Some(true);
    }
    // If a client view of the deposit module aborts with ECLIENT_NOT_EXIST, the client is not whitelisted.
    let refused = reports.iter().any(|(_, report)| {
        report.error.as_ref().is_some_and(|failure| failure.kind == FailureKind::NotWhitelisted)
    });
    if refused && state.deposit.client_whitelisted.is_none() {
        state.deposit.client_whitelisted = Some(false);
        if let Some((_, report)) =
            reports.iter_mut().find(|(entry, _)| entry.wanted == Wanted::ClientWhitelisted)
        {
            report.function = Some("derived: abort ECLIENT_NOT_EXIST".to_owned());
            report.error = None;
        }
    }
}
