//! What the modules of the further consumers publish.

use super::Set::Any;
use super::{Function, entry, view};

pub(crate) const HUB: &[Function] = &[
    view(Any, "is_initialized", "", "bool"),
    view(Any, "admin", "", "address"),
    view(Any, "peek_next_lottery_id", "", "u64"),
    view(Any, "is_lottery_active", "u64", "bool"),
    view(Any, "get_registration", "u64", "0x1::option::Option<@LotteryRegistration>"),
    view(Any, "lottery_count", "", "u64"),
    view(Any, "list_lottery_ids", "", "vector<u64>"),
    view(Any, "list_active_lottery_ids", "", "vector<u64>"),
    view(Any, "callback_sender", "", "0x1::option::Option<address>"),
    view(Any, "get_callback_sender_status", "", "@CallbackSenderStatus"),
    view(Any, "get_request", "u64", "0x1::option::Option<@RequestRecord>"),
    view(Any, "list_pending_request_ids", "", "vector<u64>"),
    entry(Any, "set_lottery_active", "&signer u64 bool"),
    entry(Any, "set_callback_sender", "&signer address"),
];

pub(crate) const ROUNDS: &[Function] = &[
    view(Any, "is_initialized", "", "bool"),
    view(Any, "admin", "", "address"),
    view(Any, "list_lottery_ids", "", "vector<u64>"),
    view(Any, "get_round_snapshot", "u64", "0x1::option::Option<@RoundSnapshot>"),
    view(Any, "pending_request_id", "u64", "0x1::option::Option<u64>"),
    view(Any, "is_core_control_initialized", "", "bool"),
    view(Any, "history_queue_length", "", "u64"),
    view(Any, "purchase_queue_length", "", "u64"),
    view(Any, "history_cap_available", "", "bool"),
    view(Any, "autopurchase_cap_available", "", "bool"),
    entry(Any, "buy_ticket", "&signer u64"),
    entry(Any, "schedule_draw", "&signer u64"),
    entry(Any, "reset_round", "&signer u64"),
    entry(Any, "request_randomness", "&signer u64 vector<u8>"),
    entry(Any, "fulfill_draw", "&signer u64 vector<u8>"),
];

pub(crate) const INSTANCES: &[Function] = &[
    view(Any, "is_initialized", "", "bool"),
    view(Any, "hub_address", "", "address"),
    view(Any, "instance_count", "", "u64"),
    view(Any, "contains_instance", "u64", "bool"),
    view(Any, "get_lottery_info", "u64", "0x1::option::Option<@LotteryInfo>"),
    view(Any, "get_instance_stats", "u64", "0x1::option::Option<@InstanceStats>"),
    view(Any, "list_lottery_ids", "", "vector<u64>"),
    view(Any, "list_active_lottery_ids", "", "vector<u64>"),
    view(Any, "is_instance_active", "u64", "bool"),
    view(Any, "get_instance_snapshot", "u64", "0x1::option::Option<@LotteryInstanceSnapshot>"),
    view(Any, "get_instances_snapshot", "", "0x1::option::Option<@LotteryInstancesSnapshot>"),
    entry(Any, "set_instance_active", "&signer u64 bool"),
];

pub(crate) const TREASURY_MULTI: &[Function] = &[
    view(Any, "get_config", "u64", "0x1::option::Option<@LotteryShareConfig>"),
    view(Any, "get_pool", "u64", "0x1::option::Option<@LotteryPool>"),
    view(Any, "get_recipients", "", "address address"),
    view(Any, "get_recipient_statuses", "", "@RecipientStatus @RecipientStatus"),
    view(Any, "jackpot_balance", "", "u64"),
    view(Any, "list_lottery_ids", "", "vector<u64>"),
    view(Any, "get_lottery_summary", "u64", "0x1::option::Option<@LotterySummary>"),
    view(Any, "is_core_control_initialized", "", "bool"),
];

pub(crate) const JACKPOT: &[Function] = &[
    view(Any, "is_initialized", "", "bool"),
    view(Any, "admin", "", "address"),
    view(Any, "lottery_id", "", "u64"),
    view(Any, "get_snapshot", "", "0x1::option::Option<@JackpotSnapshot>"),
    view(Any, "pending_request", "", "0x1::option::Option<u64>"),
    view(Any, "caps_ready", "", "bool"),
    entry(Any, "grant_ticket", "&signer address"),
    entry(Any, "schedule_draw", "&signer"),
    entry(Any, "reset", "&signer"),
    entry(Any, "request_randomness", "&signer vector<u8>"),
    entry(Any, "fulfill_draw", "&signer u64 vector<u8>"),
];

pub(crate) const WHEEL: &[Function] = &[
    view(Any, "get_game_config", "", "u64 bool address address"),
    view(Any, "get_pending_spin_info", "u64", "0x1::option::Option<@PendingSpinInfo>"),
    view(Any, "get_spin_result", "u64", "0x1::option::Option<@SpinResult>"),
    view(Any, "get_last_pending_nonce", "address", "0x1::option::Option<u64>"),
    view(Any, "get_all_active_nonces_for_player", "address", "vector<u64>"),
    entry(Any, "spin", "&signer"),
    entry(Any, "deposit_to_supra", "&signer u64"),
    entry(Any, "fulfill_randomness", "u64 vector<u8> vector<u8> address u8 u64"),
];

pub(crate) const DICE: &[Function] = &[
    view(Any, "get_dice_result", "u64", "bool u256"),
    entry(Any, "roll_dice", "&signer u64"),
    entry(Any, "resolve_dice_roll", "u64 vector<u8> vector<u8> address u8 u64"),
];

/// The modules of `lottery_multi` with the functions that are emulated. None of them is a view.
pub(crate) const MULTI: [(&str, &[Function]); 5] = [
    (
        "draw",
        &[
            entry(Any, "request_draw_admin", "&signer u64 u64 u64 u8 u64"),
            entry(Any, "vrf_callback", "u64 vector<u8> vector<u8> address u8 u64"),
        ],
    ),
    ("lottery_registry", &[]),
    ("vrf_deposit", &[]),
    ("history", &[]),
    ("cancellation", &[entry(Any, "cancel_lottery_admin", "&signer u64 u8 u64")]),
];

/// The modules of the core layout with their functions.
pub(crate) const CORE_LAYOUT: [(&str, &[Function]); 5] = [
    ("hub", HUB),
    ("core_rounds", ROUNDS),
    ("core_instances", INSTANCES),
    ("core_treasury_multi", TREASURY_MULTI),
    ("rewards_jackpot", JACKPOT),
];

/// The fields of `HubState` that are event handles. Their names are not public.
pub(crate) const HUB_HANDLES: &[&str] = &[
    "registered_events",
    "status_events",
    "metadata_events",
    "requested_events",
    "fulfilled_events",
    "sender_events",
];

/// The events that the hub publishes through its handles, in their order.
const HUB_EVENTS: &[&str] = &[
    "LotteryRegisteredEvent",
    "LotteryStatusChangedEvent",
    "LotteryMetadataUpdatedEvent",
    "RandomnessRequestedEvent",
    "RandomnessFulfilledEvent",
    "CallbackSenderUpdatedEvent",
];

pub(crate) const WHEEL_HANDLES: &[&str] = &["spin_events", "win_events", "refund_events"];
const WHEEL_EVENTS: &[&str] = &["SpinEvent", "WinEvent", "RefundEvent"];

/// The events of a module that are marked as events.
pub(super) fn marked_events(kind: &str) -> &'static [&'static str] {
    match kind {
        "core_rounds" => &[
            "TicketPurchasedEvent",
            "DrawScheduleUpdatedEvent",
            "RoundResetEvent",
            "DrawRequestIssuedEvent",
            "DrawFulfilledEvent",
            "RoundSnapshotUpdatedEvent",
        ],
        "core_instances" => &[
            "LotteryInstanceCreatedEvent",
            "LotteryInstanceBlueprintSyncedEvent",
            "AdminUpdatedEvent",
            "HubAddressUpdatedEvent",
            "LotteryInstanceStatusUpdatedEvent",
            "LotteryInstancesSnapshotUpdatedEvent",
        ],
        "core_treasury_multi" => &[
            "LotteryConfigUpdatedEvent",
            "AllocationRecordedEvent",
            "AdminUpdatedEvent",
            "RecipientsUpdatedEvent",
            "PrizePaidEvent",
            "OperationsWithdrawnEvent",
            "OperationsIncomeRecordedEvent",
            "OperationsBonusPaidEvent",
            "JackpotPaidEvent",
        ],
        "rewards_jackpot" => &[
            "JackpotTicketGrantedEvent",
            "JackpotScheduleUpdatedEvent",
            "JackpotRequestIssuedEvent",
            "JackpotFulfilledEvent",
            "JackpotSnapshotUpdatedEvent",
        ],
        "dice_roll" => &["DiceRollEvent", "DiceResultEvent"],
        _ => &[],
    }
}

/// A resource whose handles publish events without a mark: its name, its handles, their events.
pub(super) fn handle_events(
    kind: &str,
) -> Option<(&'static str, &'static [&'static str], &'static [&'static str])> {
    match kind {
        "hub" => Some(("HubState", HUB_HANDLES, HUB_EVENTS)),
        "supra_wheel" => Some(("WheelState", WHEEL_HANDLES, WHEEL_EVENTS)),
        _ => None,
    }
}

/// Abort constants, as [`crate::bytecode`] lists them.
pub(crate) fn aborts(kind: &str) -> &'static [(u64, &'static str, &'static str)] {
    match kind {
        "hub" => &[
            (1, "E_NOT_AUTHORIZED", ""),
            (3, "E_UNKNOWN_LOTTERY", ""),
            (4, "E_UNKNOWN_REQUEST", ""),
            (5, "E_CALLBACK_NOT_CONFIGURED", ""),
            (6, "E_CALLBACK_NOT_ALLOWED", ""),
            (7, "E_INACTIVE_LOTTERY", ""),
            (8, "E_NOT_INITIALIZED", ""),
        ],
        "core_rounds" => &[
            (2, "E_NOT_INITIALIZED", ""),
            (3, "E_NOT_AUTHORIZED", ""),
            (4, "E_INSTANCE_MISSING", ""),
            (5, "E_DRAW_ALREADY_SCHEDULED", ""),
            (6, "E_REQUEST_PENDING", ""),
            (7, "E_NO_TICKETS", ""),
            (8, "E_DRAW_NOT_SCHEDULED", ""),
            (9, "E_NO_PENDING_REQUEST", ""),
            (10, "E_RANDOM_BYTES_TOO_SHORT", ""),
            (11, "E_REQUEST_MISMATCH", ""),
            (12, "E_INSTANCE_INACTIVE", ""),
        ],
        "core_instances" => {
            &[(2, "E_NOT_INITIALIZED", ""), (3, "E_NOT_AUTHORIZED", ""), (5, "E_UNKNOWN_INSTANCE", "")]
        }
        "core_treasury_multi" => &[(3, "E_NOT_INITIALIZED", ""), (6, "E_POOL_MISSING", "")],
        "rewards_jackpot" => &[
            (1, "E_NOT_AUTHORIZED", ""),
            (3, "E_NOT_INITIALIZED", ""),
            (4, "E_DRAW_ALREADY_SCHEDULED", ""),
            (5, "E_REQUEST_PENDING", ""),
            (6, "E_NO_TICKETS", ""),
            (7, "E_DRAW_NOT_SCHEDULED", ""),
            (8, "E_NO_PENDING_REQUEST", ""),
            (9, "E_REQUEST_MISMATCH", ""),
            (10, "E_RANDOM_BYTES_TOO_SHORT", ""),
            (11, "E_EMPTY_JACKPOT", ""),
            (13, "E_LOTTERY_MISMATCH", ""),
        ],
        // The wheel's own codes are not public.
        _ => &[],
    }
}
