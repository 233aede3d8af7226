"""What the server costs beside its engine: ``python -m tests.bench.bench_serve [GGUF]``.

Three processes have the same model (the embedded one by default) with the same options and one
thread: llama.cpp in process without HTTP, llama.cpp's own server on a port, and finetui's server
over its native engine. They take turns, each answers every round, and the ratios are of medians
over the rounds. The client reads sockets and little else, so that it takes no time from them.

- one client: tokens a second of a stream through finetui, against the engine in process
- first token: milliseconds from the request to its first event, more than the engine in process
- 16 clients: tokens a second of all, against one request at a time and against the bare server
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.bench.serve_peer import TOKEN

CLIENTS = 16
TOKENS = int(os.environ.get("BENCH_TOKENS", "96"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
FIRSTS = int(os.environ.get("BENCH_FIRSTS", "40"))
_NUMBERS = count()


@dataclass
class Peer:
    """A process under measurement."""

    role: str
    child: subprocess.Popen[str]
    port: int = 0
    rates: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def start(cls, role: str, gguf: str) -> Peer:
        """Start one, and wait until it answers."""
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.serve_peer", role, gguf, str(CLIENTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert child.stdout is not None
        said = child.stdout.readline().strip()
        return cls(role, child, 0 if said == "ready" else int(said))

    def keep(self, what: str, value: float) -> None:
        """Keep a figure."""
        self.rates.setdefault(what, []).append(value)

    def median(self, what: str) -> float:
        """Return the median of a figure."""
        return statistics.median(self.rates[what])

    def close(self) -> None:
        """End it."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()


def asked(tokens: int) -> dict[str, Any]:
    """Return a request whose prompt no one has asked before, so that no cache answers it."""
    prompt = f"Note {next(_NUMBERS)}: the harbour was quiet when we came, and"
    return {"prompt": prompt, "max_tokens": tokens, "temperature": 0, "ignore_eos": True}


def in_process(peer: Peer, tokens: int) -> tuple[float, float]:
    """Ask the engine in process; return seconds to the first token and to the last."""
    assert peer.child.stdin is not None
    assert peer.child.stdout is not None
    peer.child.stdin.write(json.dumps(asked(tokens)) + "\n")
    peer.child.stdin.flush()
    said = json.loads(peer.child.stdout.readline())
    return said["first"], said["all"]


async def ask(port: int, tokens: int) -> tuple[float, float]:
    """Stream one answer over a connection of its own; return the same."""
    body = json.dumps({**asked(tokens), "stream": True}).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    since = time.perf_counter()
    writer.write(head.encode() + body)
    got, first, text = 0, 0.0, b""
    while piece := await reader.read(65536):
        events = piece.count(b"data: {")
        if events and not got:
            first = time.perf_counter() - since
        got += events
        text = (text + piece)[-64:]
        if b"[DONE]" in text:
            break
    took = time.perf_counter() - since
    writer.close()
    if got < tokens:
        raise SystemExit(f"{got} events instead of {tokens}: {text!r}")
    return first, took


async def together(port: int, clients: int, tokens: int) -> float:
    """Return tokens a second of some clients at once."""
    since = time.perf_counter()
    await asyncio.gather(*(ask(port, tokens) for _ in range(clients)))
    return clients * tokens / (time.perf_counter() - since)


async def one_by_one(port: int, clients: int, tokens: int) -> float:
    """Return tokens a second of as many requests, one after another."""
    since = time.perf_counter()
    for _ in range(clients):
        await ask(port, tokens)
    return clients * tokens / (time.perf_counter() - since)


def measure(alone: Peer, bare: Peer, gateway: Peer) -> None:
    """Let each answer in each round, in an order that turns."""
    for _ in range(FIRSTS):
        alone.keep("first", in_process(alone, 2)[0])
        for peer in (bare, gateway):
            peer.keep("first", asyncio.run(ask(peer.port, 2))[0])
    for number in range(ROUNDS):
        alone.keep("one", TOKENS / in_process(alone, TOKENS)[1])
        peers = [bare, gateway][:: 1 if number % 2 else -1]
        for peer in peers:
            peer.keep("one", asyncio.run(together(peer.port, 1, TOKENS)))
        for peer in peers:
            peer.keep("all", asyncio.run(together(peer.port, CLIENTS, TOKENS)))
        gateway.keep("each", asyncio.run(one_by_one(gateway.port, CLIENTS // 4, TOKENS)))


def main(gguf: str) -> None:
    """Measure, and print the table."""
    roles = ("process", "bare", "gateway")
    alone, bare, gateway = peers = [Peer.start(role, gguf) for role in roles]
    try:
        in_process(alone, 8)
        for peer in (bare, gateway):
            asyncio.run(ask(peer.port, 8))
        measure(alone, bare, gateway)
    finally:
        for peer in peers:
            peer.close()
    one = gateway.median("one")
    rows = (
        ("one client, tokens/s", f"{one:.1f}"),
        ("  / in process", f"{one / alone.median('one'):.3f}"),
        ("  / bare server", f"{one / bare.median('one'):.3f}"),
        ("first token, ms", f"{gateway.median('first') * 1000:.1f}"),
        ("  - in process", f"{(gateway.median('first') - alone.median('first')) * 1000:.1f}"),
        ("  - bare server", f"{(gateway.median('first') - bare.median('first')) * 1000:.1f}"),
        (f"{CLIENTS} clients, tokens/s", f"{gateway.median('all'):.1f}"),
        ("  / one at a time", f"{gateway.median('all') / gateway.median('each'):.2f}"),
        ("  / bare server", f"{gateway.median('all') / bare.median('all'):.3f}"),
    )
    for name, value in rows:
        print(f"{name:<24} {value:>8}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        from engine.bases.embedded import embedded_gguf

        main(str(embedded_gguf()))
