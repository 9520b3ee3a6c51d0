"""Decides what is measured, beside what, and with which goal."""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from devnet import CORE, LOTTERY, Devnet
from link import Link
from report import Goal, Group, between, mb, ms, times
from stopwatch import Run, at_once, cpu, filter_peak, interleaved, once, spread, wall, watched

TOOLS = ["dvrf", "dvrf-calc", "dvrf-check", "dvrf-draw", "dvrf-events", "dvrf-json", "dvrf-notify", "dvrf-prom", "dvrf-status"]
# A report in, something out, nothing asked: these are filters.
FILTERS = {
    "dvrf-check": [],
    "dvrf-json": [],
    "dvrf-status": [],
    "dvrf-prom": [],
    # To nobody, but with everything it would have sent.
    "dvrf-notify": ["--dry-run", "--webhook-url", "http://127.0.0.1:9/"],
    "dvrf-draw": ["ready"],
}
# These write more than a verdict.
RENDERERS = ["dvrf-prom", "dvrf-notify", "dvrf-draw"]
# A healthy report ends in 0, except that its draw is not scheduled.
CODES = {"dvrf-draw": (0, 1)}
WITHOUT_TLS = ["dvrf-calc"]
LATENCY_MS = 50
CALL_TIMEOUT_MS = 2000


class Bench:
    """The binaries, a folder for inputs, and one report to work on."""

    def __init__(self, folder):
        self.folder = folder
        self.scratch = tempfile.TemporaryDirectory()
        with Devnet(self.tool) as devnet:
            command = [self.tool("dvrf-json"), "--live"]
            self.report = subprocess.run(command, env=devnet.env("rpc"), capture_output=True, check=True).stdout
        self.one = self.file("one.jsonl", self.report)
        # One subscription a record.
        name = b'"profile":"devnet"'
        renamed = (self.report.replace(name, b'"profile":"devnet%d"' % number) for number in range(10_000))
        self.many = self.file("many.jsonl", b"".join(renamed))

    def tool(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, data):
        path = os.path.join(self.scratch.name, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def filter(self, name, source):
        words = [self.tool(name), *FILTERS[name]]
        return lambda: once(words, stdin=source, codes=CODES.get(name, (0,)))


def start(bench):
    """What it costs to begin: help, and one record."""
    group = Group(
        "Start-up",
        "`--help` of every tool, and one record of {} bytes through every filter, beside `/bin/true`.".format(len(bench.report)),
    )
    nothing = {"/bin/true": lambda: once(["/bin/true"])}
    helps = {name: (lambda words=[bench.tool(name), "--help"]: once(words)) for name in TOOLS}
    runs = interleaved(nothing | helps, 60)
    base = runs.pop("/bin/true")
    for name, its in runs.items():
        beside(group, f"`{name} --help`", its, base, Goal(most=2))
    runs = interleaved(nothing | {name: bench.filter(name, bench.one) for name in FILTERS}, 100)
    base = runs.pop("/bin/true")
    for name, its in runs.items():
        peak = filter_peak([bench.tool(name), *FILTERS[name]], bench.one)
        beside(group, f"one record: `{shown(name)}`", its, base, Goal(most=2), peak=mb(peak))
    return group


def shown(name):
    return " ".join([name, *FILTERS[name][:1]])


def beside(group, what, its, base, goal, **cells):
    """A row of runs against the median of a neighbour's."""
    ratio = wall(its) / wall(base)
    group.row(
        what,
        goal,
        ratio,
        measured=ms(wall(its)),
        spread=between(*spread(run.wall for run in its)),
        CPU=ms(cpu(its)),
        **cells,
        beside_it=ms(wall(base)),
        ratio=times(ratio),
    )


def stream(bench):
    """What a record costs, and that memory does not grow."""
    group = Group(
        "10,000 records",
        "10,000 reports through every filter, beside `jq -c .`, which only copies; the ratio is how many times faster the filter "
        "is. Those that write something else than their input have only to keep up with jq. Then the peak of these runs beside "
        "that of one record. `dvrf-prom` keeps the samples of all records, because its output is sorted by metric.",
    )
    jq = {"jq": lambda: once([shutil.which("jq"), "-c", "."], stdin=bench.many)}
    runs = interleaved(jq | {name: bench.filter(name, bench.many) for name in FILTERS}, 5)
    base = runs.pop("jq")
    for name, its in runs.items():
        ratio = wall(base) / wall(its)
        group.row(
            f"10,000 records: `{shown(name)}`",
            Goal(least=1 if name in RENDERERS else 5),
            ratio,
            measured=ms(wall(its)),
            spread=between(*spread(run.wall for run in its)),
            CPU=ms(cpu(its)),
            beside_it=ms(wall(base)),
            ratio=times(ratio),
        )
    for name in FILTERS:
        words = [bench.tool(name), *FILTERS[name]]
        few, many = filter_peak(words, bench.one), filter_peak(words, bench.many)
        most_mb = 40 if name == "dvrf-prom" else None
        memory(group, f"memory of 10,000 records: `{shown(name)}`", many, few, most_mb)
    return group


def memory(group, what, many, few, most_mb=None):
    ratio = many / few
    goal, value = (Goal(most=1.25), ratio) if most_mb is None else (Goal(most=most_mb, unit="MB"), many)
    group.row(what, goal, value, peak=mb(many), beside_it=mb(few), ratio=times(ratio))


def calls(bench):
    """How often a report asks."""
    group = Group(
        "Calls of a report",
        "First for the first report of a day, which also reads the modules and learns what the chain has, then for the next one, "
        "which has to meet the goal. Processes are those of the CLI. A CLI before v11 lists the resources of its own profile's "
        "account only, which here is the lottery's.",
    )
    for tool, most in (("dvrf-json", 12), ("dvrf-check", 8)):
        for chain, interface in (("dVRF 3", "v3"), ("dVRF 2", "camel")):
            for way, generation in (("RPC", None), ("CLI v9", "v9"), ("CLI v11", "v11")):
                live = [bench.tool(tool), "--live"]
                with Devnet(bench.tool, "--interface", interface) as devnet:
                    env = devnet.env("cli" if generation else "rpc")
                    script, log = devnet.counting_cli()
                    if generation:
                        env |= {"SUPRA_CLI_BIN": script, "DVRF_DEVNET_CLI": generation, "DVRF_CLI_GENERATION": generation}
                    asked, started = [], []
                    for _ in range(2):
                        asked.append(devnet.calls(lambda: once(live, env))[0])
                        started.append(count_and_forget(log))
                then = "{}, then {}".format
                goal = Goal(most=most, unit="processes") if generation else Goal(most=8, unit="calls")
                value = started[1] if generation else asked[1]
                cells = {"calls": then(*asked), "processes": then(*started) if generation else None}
                group.row(f"`{tool} --live`: {way}, {chain}", goal, value, **cells)
    return group


def count_and_forget(log):
    """The lines of a file, which is gone afterwards."""
    if not os.path.exists(log):
        return 0
    with open(log, encoding="ascii") as lines:
        count = len(lines.readlines())
    os.remove(log)
    return count


def cli(bench):
    """What a live report costs where every view is a process."""
    group = Group(
        "Live, through the CLI",
        "One report through the emulated `supra` CLI. At 0 ms beside as many bare calls at once as the run makes; at 300 ms a "
        "call beside one bare call.",
    )
    live = [bench.tool("dvrf-json"), "--live"]
    for latency in (0, 300):
        with Devnet(bench.tool, "--fault", f"latency={latency}ms") as devnet:
            env = devnet.env("cli")
            bare = [devnet.cli, "move", "tool", "view", "--function-id", env["DEPOSIT_ADDR"] + "::deposit::min_request_count"]
            once(live, env)
            script, log = devnet.counting_cli()
            calls, _ = devnet.calls(lambda: once(live, env | {"SUPRA_CLI_BIN": script}))
            processes = count_and_forget(log)
            counts = {"calls": str(calls), "processes": str(1 + processes)}
            if latency:
                runs = interleaved({"one": lambda: once(bare, env), "live": lambda: once(live, env)}, 7)
                beside(group, f"live through the CLI at {latency} ms", runs["live"], runs["one"], Goal(most=1.15), **counts)
                continue
            runs = interleaved({"bare": lambda: at_once(bare, env, processes), "live": lambda: once(live, env)}, 25)
            its, base = runs["live"], runs["bare"]
            own = wall(its) - wall(base)
            group.row(
                "live through the CLI at 0 ms, beyond its calls",
                Goal(most=5, unit="ms"),
                own,
                measured=ms(own),
                CPU=ms(cpu(its)),
                **counts,
                beside_it=ms(wall(base)),
            )
    return group


def rpc(bench):
    """What a live report costs over REST."""
    group = Group(
        "Live, over RPC",
        f"One report with the names of functions known from an earlier run, beside a round trip of {LATENCY_MS} ms.",
    )
    live = [bench.tool("dvrf-json"), "--live"]
    with Devnet(bench.tool, "--fault", f"latency={LATENCY_MS}ms") as devnet:
        env = devnet.env("rpc")
        calls, _ = devnet.calls(lambda: once(live, env))
        its = interleaved({"first": lambda: once(live, env | {"DVRF_CACHE_DIR": "off"})}, 7)["first"]
        trip = [Run(LATENCY_MS, 0)]
        beside(group, f"live over RPC at {LATENCY_MS} ms, names unknown", its, trip, None, calls=str(calls))
        calls, _ = devnet.calls(lambda: once(live, env))
        its = interleaved({"known": lambda: once(live, env)}, 15)["known"]
        beside(group, f"live over RPC at {LATENCY_MS} ms, names known", its, trip, Goal(most=1.3), calls=str(calls))
    return group


def link(bench):
    """What a live report costs over a link with TLS."""
    group = Group(
        "Live, over a link with TLS",
        f"One report over TLS and a line of {LATENCY_MS} ms a round trip, beside three of them: one for TCP, one for TLS 1.3, one "
        "for the requests, which leave together. Every run is a process of its own and begins with new connections.",
    )
    with Devnet(bench.tool) as devnet, Link(devnet.url, LATENCY_MS) as line:
        env = devnet.env("rpc") | {"SUPRA_RPC_URL": line.url, "DVRF_TLS_ROOTS": line.roots}
        trips = [Run(3 * LATENCY_MS, 0)]
        for what, more in (("names unknown", {"DVRF_CACHE_DIR": "off"}), ("names known", {})):
            live = lambda more=more: once([bench.tool("dvrf-json"), "--live"], env | more)
            live()
            before = line.connections()
            calls, _ = devnet.calls(live)
            connections = str(line.connections() - before)
            its = interleaved({what: live}, 15)[what]
            beside(group, f"live over TLS, {what}", its, trips, Goal(most=1.3), calls=str(calls), connections=connections)
    return group


def fleet(bench):
    """What a thousand subscriptions cost."""
    group = Group(
        "Fleet",
        f"`dvrf-json --jobs N < fleet.jsonl` over 1,000 subscriptions at {LATENCY_MS} ms a call, beside calls × latency / N. "
        "Memory grows until 4,096 records are read ahead, so 30,000 subscriptions are held against 10,000. Then "
        f"one target of the thousand never answers: when the others had their records, with `--unordered --call-timeout "
        f"{CALL_TIMEOUT_MS / 1000:g}`, beside the same run with all of them alive. Layouts are read beside the "
        "lottery: `core`, with three lotteries behind a hub, takes 15 calls where the lottery is one resource.",
    )
    with Devnet(bench.tool, "--clients", "1000", "--consumer", "core", "--fault", f"latency={LATENCY_MS}ms") as devnet:
        each = {}
        for kind, lottery in (("deposit only", None), ("with the lottery", LOTTERY)):
            targets = fleet_file(bench, devnet.clients()[1:1001], lottery)
            for jobs in (8, 32, 64):
                words = [bench.tool("dvrf-json"), "--jobs", str(jobs)]
                run = lambda: watched(words, fleet_env(devnet), targets)
                counted = [devnet.calls(run) for _ in range(3 if jobs > 8 else 1)]
                calls = round(statistics.median(calls for calls, _ in counted))
                middle = statistics.median(run.wall for _, run in counted)
                ideal = calls * LATENCY_MS / jobs
                peak = max(run.peak for _, run in counted)
                group.row(
                    f"1,000 subscriptions, {kind}, `--jobs {jobs}`",
                    Goal(most=1.2),
                    middle / ideal,
                    measured=ms(middle),
                    spread=between(*spread(run.wall for _, run in counted)),
                    CPU=ms(statistics.median(run.cpu for _, run in counted)),
                    peak=mb(peak),
                    calls=str(calls),
                    beside_it=ms(ideal),
                    ratio=times(middle / ideal),
                )
            each[kind] = calls / 1000
            group.row(f"calls of a subscription, {kind}", Goal(most=3, unit="calls"), each[kind], measured=f"{each[kind]:.2f}")
        # What a layout adds to the deposit; `generic` reads the tip and two types of events.
        for layout, most in (("core", 15), ("generic", 4)):
            targets = fleet_file(bench, devnet.clients()[1:1001], CORE, layout)
            calls, run = devnet.calls(lambda: watched([bench.tool("dvrf-json"), "--jobs", "64"], fleet_env(devnet), targets, (0, 1, 2)))
            own = calls / 1000 - each["deposit only"]
            group.row(
                f"calls of a contract of the layout `{layout}`, beside the lottery",
                Goal(most=most + 0.1, unit="calls"),
                own,
                measured=f"{own:.2f}",
                CPU=ms(run.cpu),
                calls=str(calls),
                beside_it=f"{each['with the lottery'] - each['deposit only']:.2f}",
                ratio=times(calls / 1000 / each["with the lottery"]),
            )
        words = [bench.tool("dvrf-check"), "--jobs", "64"]
        judged = watched(words, fleet_env(devnet), fleet_file(bench, devnet.clients()[1:1001], None), (0, 1, 2))
        group.row("1,000 subscriptions judged: `dvrf-check --jobs 64`", measured=ms(judged.wall), CPU=ms(judged.cpu))
    fleet_memory(bench, group)
    return dead_target(bench, group)


def fleet_file(bench, clients, lottery, layout=None):
    """A target a line."""
    contract = ({"lottery_addr": lottery} if lottery else {}) | ({"layout": layout} if layout else {})
    rows = [{"client_addr": client} | contract for client in clients]
    return bench.file("fleet.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


def fleet_env(devnet):
    """The chain without a target of its own, and nothing remembered from an earlier run."""
    env = devnet.env("rpc") | {"DVRF_CACHE_DIR": "off"}
    for name in ("LOTTERY_ADDR", "CLIENT_ADDR", "PROFILE"):
        env.pop(name, None)
    return env


def fleet_memory(bench, group):
    with Devnet(bench.tool, "--clients", "30000") as devnet:
        clients, peaks = devnet.clients()[1:], {}
        for count in (100, 1000, 10_000, 30_000):
            targets = fleet_file(bench, clients[:count], None)
            peaks[count] = watched([bench.tool("dvrf-json")], fleet_env(devnet), targets).peak
            if count <= 10_000:
                group.row(f"memory of {count:,} subscriptions", peak=mb(peaks[count]))
    memory(group, "memory of 30,000 subscriptions", peaks[30_000], peaks[10_000])


def dead_target(bench, group):
    with Devnet(bench.tool, "--clients", "1000") as devnet:
        clients = devnet.clients()[1:1001]
        targets, dead = fleet_file(bench, clients, None), clients[500]
        words = [bench.tool("dvrf-json"), "--unordered", "--call-timeout", str(CALL_TIMEOUT_MS / 1000), "--timeout", "5"]

        def others(codes):
            """When half of the others had their records, and when all had."""
            run = watched(words, fleet_env(devnet), targets, codes)
            came = [at for at, line in run.lines if json.loads(line)["client_addr"] != dead]
            return statistics.median(came), max(came), run

        half_alive, all_alive, _ = others((0,))
        devnet.fault("hang,path=" + dead.removeprefix("0x"))
        half, last, run = others((2,))
        for what, held, alive in (("half", half, half_alive), ("all", last, all_alive)):
            late = (held - alive) / CALL_TIMEOUT_MS
            group.row(
                f"{what} of 999 subscriptions beside a dead one",
                Goal(most=1.1, unit="call timeouts later"),
                late,
                measured=ms(held),
                beside_it=ms(alive),
                ratio=f"{late:.2f} call timeouts later",
            )
        group.row("1,000 subscriptions with a dead one, to the end", measured=ms(run.wall))
    return group


def history(bench):
    """What a history costs a fleet."""
    group = Group(
        "History",
        "`dvrf-check --jobs 64 < fleet.jsonl` over 10,000 subscriptions of a node without latency, beside the same run without "
        "`--state-dir`. The first run makes a file for each, later ones add a line to it. 14 days are a point an hour in each "
        "file, which a run reads and forecasts from.",
    )
    with Devnet(bench.tool, "--clients", "10000") as devnet:
        targets = fleet_file(bench, devnet.clients()[1:10_001], None)
        state = os.path.join(bench.scratch.name, "state")
        env = fleet_env(devnet)

        def run(*words):
            return watched([bench.tool("dvrf-check"), "--jobs", "64", *words], env, targets, (0, 1, 2))

        runs = [run() for _ in range(3)]
        plain = wall(runs)
        group.row(
            "10,000 subscriptions, no history",
            measured=ms(plain),
            CPU=ms(cpu(runs)),
            peak=mb(max(run.peak for run in runs)),
        )
        for what, days in (("the first point", 0), ("a day of points", 1), ("14 days of points", 14)):
            if days:
                age(state, days)
            its = run("--state-dir", state)
            each = (its.cpu - cpu(runs)) / 10_000
            group.row(
                f"10,000 subscriptions, {what}",
                Goal(most=0.5, unit="ms of CPU each"),
                each,
                measured=ms(its.wall),
                CPU=ms(its.cpu),
                peak=mb(its.peak),
                beside_it=ms(plain),
                ratio=f"{each:.2f} ms of CPU each",
            )
        shutil.rmtree(state)
    return group


def age(folder, days):
    """Gives every history of the folder a point an hour for some days, the last one an hour ago."""
    now = time.time()
    lines = []
    for hours in range(24 * days, 0, -1):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 3600 * hours))
        point = {"at": at, "balance": str(10**12 + hours * 10**8), "min_balance": "15750000000", "grant": "0"}
        lines.append(json.dumps(point | {"requests": str(10**6 - hours), "answered": str(10**6 - hours), "verdict": "ok"}) + "\n")
    body = "".join(lines).encode()
    for entry in os.scandir(folder):
        if entry.name.endswith(".ndjson"):
            with open(entry.path, "rb") as file:
                head = file.readline()
            with open(entry.path, "wb") as file:
                file.write(head + body)


def size(bench):
    """What is installed."""
    group = Group("Size", "Stripped release binaries. `dvrf` holds every tool; only `dvrf-calc` has no TLS.")
    for name in TOOLS:
        megabytes = os.path.getsize(bench.tool(name)) / 1e6
        goal = Goal(most=1 if name in WITHOUT_TLS else 3, unit="MB")
        group.row(f"size of `{name}`", goal, megabytes, measured=f"{megabytes:.2f} MB")
    return group


GROUPS = {
    "start": start,
    "stream": stream,
    "calls": calls,
    "cli": cli,
    "rpc": rpc,
    "link": link,
    "fleet": fleet,
    "history": history,
    "size": size,
}
