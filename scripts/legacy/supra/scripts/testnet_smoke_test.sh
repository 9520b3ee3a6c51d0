#!/bin/sh
# The old name of `dvrf draw smoke`: same variables, same exit codes.
exec "@DVRF@" draw smoke "$@" </dev/null
