#!/bin/sh
# The old name of `dvrf monitor-check`: same variables, same exit codes.
dvrf=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")/dvrf
[ -x "$dvrf" ] || {
    echo "[error] ${0##*/}: cannot start $dvrf" >&2
    exit 2
}
exec "$dvrf" monitor-check "$@" </dev/null
