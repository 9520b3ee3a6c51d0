"""Decides how a chain is served to the tools under measurement, and counts what they ask it."""

import json
import os
import subprocess
import tempfile
import urllib.request

LOTTERY = "0x9a969d3b77941cec267f03b9bbb323c0333fa63d0e9e15204edabc415f134490"
CORE = "0xbc959517601034979f21fa2f2f41862219ea38554be27c2fdb4fd9a392caafe0"


class Devnet:
    """A served devnet with a frozen clock; use it in a `with`."""

    def __init__(self, tool, *words):
        self._binary = tool("dvrf-devnet")
        self._words = words
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self):
        command = [self._binary, "serve", "--block-ms", "0", *self._words]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self._process.stdout.readline().strip()
        self.cli = self.path("supra")
        os.symlink(self._binary, self.cli)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def path(self, name):
        return os.path.join(self._folder.name, name)

    def env(self, transport):
        """What a tool needs to find the chain by `rpc` or `cli`."""
        shown = subprocess.run(
            [self._binary, "env", "--url", self.url], capture_output=True, text=True, check=True
        )
        pairs = [line[len("export ") :].split("=", 1) for line in shown.stdout.splitlines() if line.startswith("export ")]
        env = {name: value.strip("'\"") for name, value in pairs}
        env.update(PATH=os.environ["PATH"], DVRF_CACHE_DIR=self.path("cache-" + transport))
        env.pop("SUPRA_RPC_URL", None)
        env.pop("SUPRA_CLI_BIN", None)
        if transport == "rpc":
            env["SUPRA_RPC_URL"] = self.url
        else:
            env["SUPRA_CLI_BIN"] = self.cli
        return env

    def _call(self, path, order=None):
        data = None if order is None else json.dumps(order).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data)) as answer:
            return json.load(answer)

    def fault(self, words):
        """Puts these faults in the place of all others."""
        self._call("/devnet/control", {"faults": {}, "fault": words})

    def calls(self, work):
        """How many requests the node saw while `work` ran, and what it returned."""
        self._call("/devnet/control", {"reset_requests": True})
        result = work()
        return self._call("/devnet/requests")["total"], result

    def clients(self):
        """The addresses of all subscriptions."""
        return [client["address"] for client in self._call("/devnet/state")["clients"]]

    def counting_cli(self):
        """A CLI that leaves a line in a file for every start, and that file."""
        script, log = self.path("counting"), self.path("started")
        with open(script, "w", encoding="ascii") as out:
            out.write(f'#!/bin/sh\necho >>"{log}"\nexec "{self.cli}" "$@"\n')
        os.chmod(script, 0o755)
        return script, log
