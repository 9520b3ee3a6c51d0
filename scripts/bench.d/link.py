"""Decides what a real link adds: TLS in front of a devnet, behind a line with a round trip."""

import asyncio
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.parse


class Link:
    """An https address that leads to `url` over a line of `trip_ms` a round trip; use it in a `with`.

    The kernel answers a connection attempt on loopback at once, so the line delays what follows by the trip that the
    attempt would have cost.
    """

    def __init__(self, url, trip_ms):
        self._to, self._trip_ms = url, trip_ms
        self._folder = tempfile.TemporaryDirectory()
        self.roots, self._key, self._log = (os.path.join(self._folder.name, name) for name in ("cert.pem", "key.pem", "log"))
        open(self._log, "wb").close()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
            + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
            + ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", self._key, "-out", self.roots],
            check=True,
            capture_output=True,
        )

    def __enter__(self):
        words = [sys.executable, __file__, self._to, self.roots, self._key, str(self._trip_ms), self._log]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def connections(self):
        """How many were opened so far."""
        return os.path.getsize(self._log)


async def serve(to, certificate, key, trip_ms, log):
    """Serves until it is killed; every connection leaves a byte in `log`."""
    node = urllib.parse.urlsplit(to)
    trip = float(trip_ms) / 1000
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    async def end(reader, writer):
        node_reader, node_writer = await asyncio.open_connection(node.hostname, node.port)
        await both(pump(reader, node_writer, 0), pump(node_reader, writer, 0))

    async def line(reader, writer):
        with open(log, "ab") as out:
            out.write(b".")
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", inner.sockets[0].getsockname()[1])
        there = pump(reader, inner_writer, trip / 2, head_start=trip)
        await both(there, pump(inner_reader, writer, trip / 2))

    inner = await asyncio.start_server(end, "127.0.0.1", 0, ssl=tls)
    outer = await asyncio.start_server(line, "127.0.0.1", 0)
    print(f"https://127.0.0.1:{outer.sockets[0].getsockname()[1]}", flush=True)
    await outer.serve_forever()


async def both(there, back):
    await asyncio.gather(there, back, return_exceptions=True)


async def pump(reader, writer, delay, head_start=0):
    """Copies until the end; every piece arrives `delay` after it was sent, the first also after `head_start`."""
    clock = asyncio.get_running_loop().time
    earliest = clock() + head_start
    pieces = asyncio.Queue()

    async def take():
        while piece := await reader.read(65536):
            pieces.put_nowait((max(clock(), earliest) + delay, piece))
        pieces.put_nowait((clock() + delay, b""))

    taking = asyncio.ensure_future(take())
    try:
        while True:
            at, piece = await pieces.get()
            await asyncio.sleep(max(0, at - clock()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    finally:
        taking.cancel()
        writer.close()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
