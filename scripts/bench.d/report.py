"""Decides how figures are shown: on the terminal as they come, and in docs/internals/performance.md."""

import os
import platform
import re
import time
from dataclasses import dataclass, field

COLUMNS = ["what", "measured", "spread", "CPU", "peak", "calls", "connections", "processes", "beside it", "ratio", "goal", "met"]


@dataclass
class Goal:
    """What a figure is held against: `most` or `least` in a unit."""

    most: float | None = None
    least: float | None = None
    unit: str = "×"

    def __str__(self):
        sign, limit = ("≤", self.most) if self.least is None else ("≥", self.least)
        return f"{sign} {limit:g} {self.unit}"

    def met(self, value):
        return value <= self.most if self.least is None else value >= self.least


@dataclass
class Group:
    """One table of the page."""

    title: str
    meaning: str
    rows: list = field(default_factory=list)

    def row(self, what, goal=None, value=None, **cells):
        """Adds a row and prints it; `value` is what the goal is about."""
        cells = {name.replace("_", " "): text for name, text in cells.items() if text}
        if goal is not None:
            cells["goal"] = str(goal)
            cells["met"] = "yes" if goal.met(value) else "**no**"
        self.rows.append({"what": what, **cells})
        shown = [f"{name} {text}" for name, text in cells.items()]
        print(f"{what:<58} " + " · ".join(shown), flush=True)

    def markdown(self):
        columns = [name for name in COLUMNS if any(name in row for row in self.rows)]
        lines = [f"## {self.title}", "", self.meaning, ""]
        lines.append("| " + " | ".join(columns) + " |")
        lines.append("| " + " | ".join("---" for _ in columns) + " |")
        lines += ["| " + " | ".join(row.get(name, "") for name in columns) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"


def ms(value):
    return f"{value:.2f} ms" if value < 20 else f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def between(low, high):
    """Nothing for one run."""
    if low == high:
        return ""
    return f"{low:.2f}–{high:.2f} ms" if high < 20 else f"{low:.0f}–{high:.0f} ms"


def mb(value):
    return f"{value:.1f} MB"


def times(value):
    return f"{value:.2f} ×"


def machine():
    """The machine in general words."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = ".".join(re.findall(r"\d+", platform.release())[:2])
    return f"{cores} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()} {kernel}"


PAGE = """\
# Performance

Written by `scripts/bench`; do not edit. To measure your machine, run it: it needs cargo, jq and python3, builds the release
binaries, serves every chain itself (`dvrf-devnet`) and takes about {minutes:.0f} minutes. `scripts/bench start fleet` runs only
these groups and writes nothing.

Measured on {date}: {machine}; {versions}; load average {load} at the start.

Both sides of a ratio run in turns, so a busy machine slows both. "Measured" is the median wall time; half of the runs lie in
"spread". CPU is user and system time with child processes. Peak is the largest resident set. Calls are counted by the node,
processes by the program that is started. "Beside it" is what a row is compared with, from the same run; the ratio is to that.

"""


def write_page(path, groups, versions, load, minutes):
    date = time.strftime("%Y-%m-%d", time.gmtime())
    head = PAGE.format(date=date, machine=machine(), versions=versions, load=load, minutes=max(1, minutes))
    with open(path, "w", encoding="utf-8") as page:
        page.write(head + "\n".join(group.markdown() for group in groups))
