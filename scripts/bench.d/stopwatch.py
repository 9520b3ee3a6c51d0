"""Decides how one process is measured: wall, CPU, peak memory, and how two are compared fairly."""

import fcntl
import os
import shutil
import statistics
import struct
import subprocess
import termios
import time
from dataclasses import dataclass


@dataclass
class Run:
    """One process from its start to its end; `cpu` counts the children it waited for."""

    wall: float
    cpu: float


def once(words, env=None, stdin=os.devnull, codes=(0,)):
    """Runs a program with its output thrown away; an exit code that was not expected ends the measurement."""
    files = [
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(words[0], words, env or {}, file_actions=files)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code not in codes:
        raise SystemExit(f"[error] bench: {' '.join(words)} ended with {code}, expected {codes}")
    return Run(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def at_once(words, env, count):
    """So many of the same program together, until the last one ended."""
    start = time.perf_counter()
    running = [subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=env) for _ in range(count)]
    for process in running:
        process.wait()
    return Run((time.perf_counter() - start) * 1000, 0)


def interleaved(subjects, rounds):
    """Every subject once a round, so that a busy second hits all of them; the first round only warms up."""
    runs = {name: [] for name in subjects}
    for turn in range(rounds + 1):
        for name, subject in subjects.items():
            run = subject()
            if turn:
                runs[name].append(run)
    return runs


def wall(runs):
    return statistics.median(run.wall for run in runs)


def cpu(runs):
    return statistics.median(run.cpu for run in runs)


def spread(values):
    """The quartiles: half of the runs were between them."""
    values = list(values)
    if len(values) < 3:
        return min(values), max(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def high_water(pid):
    """The largest resident set so far in MB, 0 after the end. wait4's figure would count this interpreter's pages."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def filter_peak(words, source):
    """The peak of a filter over a file: while it waits for one record more, and from there to its end."""
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={})
    with open(source, "rb") as data:
        shutil.copyfileobj(data, process.stdin)
    process.stdin.flush()
    while struct.unpack("i", fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)))[0]:
        time.sleep(0.01)
    # What it took last still has to be worked on.
    time.sleep(0.2)
    peak = high_water(process.pid)
    process.stdin.close()
    while process.poll() is None:
        peak = max(peak, high_water(process.pid))
        time.sleep(0.002)
    return peak


@dataclass
class Stream:
    """A long run, watched while it writes: when each line came, and the peak."""

    wall: float
    cpu: float
    peak: float
    lines: list


def watched(words, env, stdin, codes=(0,)):
    """Runs a tool over a file of targets and reads its records as they come."""
    lines, peak = [], 0.0
    start = time.perf_counter()
    with open(stdin, "rb") as source:
        process = subprocess.Popen(
            words, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        )
    for line in process.stdout:
        lines.append(((time.perf_counter() - start) * 1000, line))
        if len(lines) % 64 == 1:
            peak = max(peak, high_water(process.pid))
    # The pipe is closed when the process is about to end; what is left in /proc is the last word on memory.
    peak = max(peak, high_water(process.pid))
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = (time.perf_counter() - start) * 1000
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        raise SystemExit(f"[error] bench: {' '.join(words)} ended with {process.returncode}, expected {codes}")
    return Stream(elapsed, (usage.ru_utime + usage.ru_stime) * 1000, peak, lines)
