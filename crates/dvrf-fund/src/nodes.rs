//! What the nodes say about a client's fund: a top-up is sent only when none of them shows that it is not needed.

use dvrf_cli::nodes::{Nodes, current, failure};
use supra_core::amount::Quants;
use supra_core::client::sight::Sight;
use supra_core::error::Error;

pub(crate) type FundNodes = Nodes<Quants>;

/// The highest fund that a node shows which is not behind the others, with the latest clock.
///
/// # Errors
/// When no node answers.
pub(crate) fn highest(nodes: &FundNodes) -> Result<Sight<Quants>, Error> {
    let sights = nodes.samples();
    let higher = |a: Sight<Quants>, b: Sight<Quants>| Sight {
        value: a.value.max(b.value),
        chain_id: a.chain_id.or(b.chain_id),
        chain_s: a.chain_s.max(b.chain_s),
    };
    current(&sights)
        .copied()
        .reduce(higher)
        .ok_or_else(|| failure(&sights, "no node shows the client's fund"))
}
