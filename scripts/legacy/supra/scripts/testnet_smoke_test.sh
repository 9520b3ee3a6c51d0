#!/bin/sh
# The old name of `dvrf draw smoke`: testnet_smoke_test.sh PROFILE LOTTERY ADMIN [FLAG…]
# One whole round on a test network: it mints, buys tickets and draws, so without the three words it refuses.
set -u
self=${0##*/}
dvrf=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")/dvrf

refuse() {
    echo "[error] $self: $1" >&2
    exit 2
}

[ -x "$dvrf" ] || refuse "cannot start $dvrf"
case "${1:-}" in
-h | --help) exec "$dvrf" draw smoke --help ;;
esac
if [ $# -lt 3 ] || [ -z "$1" ] || [ -z "$2" ] || [ -z "$3" ]; then
    refuse "PROFILE, LOTTERY and ADMIN are needed, in this order: it mints, buys tickets and draws"
fi
PROFILE=$1 LOTTERY_ADDR=$2 admin=$3
export PROFILE LOTTERY_ADDR
shift 3
case $LOTTERY_ADDR$admin in
0x*0x*) ;;
*) refuse "LOTTERY and ADMIN must be addresses: $LOTTERY_ADDR and $admin" ;;
esac

# What cannot be done as it was is refused by its name; an empty variable is unset.
case ${RNG_COUNT:-1} in
1) ;;
*) refuse "RNG_COUNT is $RNG_COUNT, and the smoke test asks for 1 random number: unset it" ;;
esac
[ -z "${TICKET_FUND:-}" ] || refuse "TICKET_FUND: what the tickets cost is minted, no more and no less: unset it"
case "${PLAYER_PROFILES:-}" in
'' | "$PROFILE") ;;
*[\ ,\;]*) refuse "PLAYER_PROFILES: one player buys all tickets: name one profile, with --player ADDRESS" ;;
*)
    case " $* " in
    *" --player "* | *" --player="*) set -- --player-profile "$PLAYER_PROFILES" "$@" ;;
    *) refuse "PLAYER_PROFILES is $PLAYER_PROFILES: add its address, --player ADDRESS" ;;
    esac
    ;;
esac
[ -z "${CLIENT_SEED:-}" ] || set -- --client-seed "$CLIENT_SEED" "$@"
[ -z "${TICKETS_REQUIRED:-}" ] || set -- --tickets "$TICKETS_REQUIRED" "$@"

# The old script whitelisted these; here they must be whitelisted, which is checked before anything is sent.
if [ -n "${AGGREGATOR_ADDR:-}${CONSUMER_ADDRS:-}" ]; then
    expected=$(printf '%s' "${CONSUMER_ADDRS:-}" | tr ',;[:space:]' ' ')
    verdict=$(
        set -f
        # shellcheck disable=SC2086 # one word an address
        set -- $expected
        for consumer in "$@"; do
            set -- "$@" --expect-consumer "$consumer"
            shift
        done
        [ -z "${AGGREGATOR_ADDR:-}" ] || set -- "$@" --expect-aggregator "$AGGREGATOR_ADDR"
        exec "$dvrf" check --live "$@" </dev/null
    )
    [ $? -lt 2 ] || refuse "AGGREGATOR_ADDR and CONSUMER_ADDRS could not be checked"
    case ${AGGREGATOR_ADDR:+$verdict} in
    *'"AGGREGATOR_UNEXPECTED"'* | *'"AGGREGATOR_NOT_SET"'*) refuse "AGGREGATOR_ADDR is $AGGREGATOR_ADDR, which is not the whitelisted callback sender" ;;
    esac
    case ${expected:+$verdict} in
    *'"CONSUMER_MISSING"'* | *'"CONSUMERS_EMPTY"'*) refuse "CONSUMER_ADDRS is $CONSUMER_ADDRS, and not all of them are whitelisted consumers" ;;
    esac
fi
exec "$dvrf" draw smoke "$@" </dev/null
