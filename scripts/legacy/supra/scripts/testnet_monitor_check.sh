#!/bin/sh
# The old name of `dvrf monitor-check`: same variables, same exit codes.
exec "@DVRF@" monitor-check "$@" </dev/null
