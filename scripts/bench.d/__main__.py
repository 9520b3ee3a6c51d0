"""Runs the groups named on the command line, or all of them and writes docs/internals/performance.md. Called by scripts/bench."""

import os
import subprocess
import sys
import time

from groups import GROUPS, Bench
from report import write_page


def version(program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split("(")[0].strip()


def main(folder, names):
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"[error] bench: no group {unknown[0]}; there are {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    begun, load = time.monotonic(), f"{os.getloadavg()[0]:.1f}"
    bench = Bench(folder)
    groups = []
    for name in names or GROUPS:
        print(f"\n# {name}: {GROUPS[name].__doc__}")
        groups.append(GROUPS[name](bench))
    if not names:
        versions = ", ".join(version(program) for program in ("rustc", "jq"))
        write_page("docs/internals/performance.md", groups, versions, load, (time.monotonic() - begun) / 60)
        print("\nwrote docs/internals/performance.md")
    return 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
