//! The entry functions of the contracts: what they assert, in their order, and what they change.

mod callback;
pub(crate) mod core_layout;
pub(crate) mod deposit;
pub(crate) mod dice;
pub(crate) mod lottery;
pub(crate) mod multi;
pub(crate) mod treasury;
pub(crate) mod wheel;
