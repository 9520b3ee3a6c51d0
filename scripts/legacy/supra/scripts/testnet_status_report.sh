#!/bin/sh
# The old name of `dvrf status-report`: same variables, same exit codes.
exec "@DVRF@" status-report "$@" </dev/null
