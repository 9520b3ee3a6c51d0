#!/usr/bin/env python3
"""The old name of `dvrf auto-draw`: same flags, same variables, same exit codes. Importing it does nothing."""
import os
import sys


def main():
    """Becomes dvrf with an empty stdin: the old script never read one."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    dvrf = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "dvrf")
    try:
        os.execv(dvrf, ["dvrf", "auto-draw", *sys.argv[1:]])
    except OSError as error:
        print(f"[error] {os.path.basename(__file__)}: cannot start {dvrf}: {error.strerror}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
