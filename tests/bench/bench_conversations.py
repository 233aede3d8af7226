"""Reading a large ``conversations.json``: ``python -m tests.bench.bench_conversations [MB]``.

Makes a file like ChatGPT's, of 1,000 MB unless told otherwise, and reads it into examples in
a process of its own, whose largest memory is printed. The peer is ``json.load`` of a tenth of
it in the same run: the ratio is that of the times for a megabyte.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from engine.extract import extract
from engine.sources.base import Reading
from engine.sources.conversations import ConversationsReader

WORDS = [f"{first}{last}" for first in "bdfgklmnprstvz" for last in ("ale", "orin", "une", "ist")]
EXTRAS = ("", "", "", " — ", " ș ", " 👍 ", "\n\n```python\nprint('x')\n```\n\n")


def node(rng: random.Random, role: str, parent: str, words: int, at: float) -> dict[str, Any]:
    """Return a node of a message tree, with the metadata that ChatGPT's exports have."""
    name = str(uuid.UUID(int=rng.getrandbits(128)))
    text = " ".join(rng.choices(WORDS, k=words // 2)) + rng.choice(EXTRAS)
    text += " ".join(rng.choices(WORDS, k=words // 2))
    message = {
        "id": name,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "update_time": None,
        "content": {"content_type": "text", "parts": [text]},
        "status": "finished_successfully",
        "end_turn": True,
        "weight": 1.0,
        "metadata": {
            "request_id": f"{rng.getrandbits(64):x}-LHR",
            "model_slug": "gpt-4o",
            "timestamp_": "absolute",
            "message_type": None,
            "citations": [],
            "content_references": [],
        },
        "recipient": "all",
        "channel": None,
    }
    return {"id": name, "message": message, "parent": parent, "children": []}


def conversation(rng: random.Random, number: int) -> dict[str, Any]:
    """Return a conversation; in every third one an answer was asked for again."""
    root = str(uuid.UUID(int=rng.getrandbits(128)))
    mapping: dict[str, dict[str, Any]] = {
        root: {"id": root, "message": None, "parent": None, "children": []}
    }
    parent, at = root, 1.7e9 + number * 100
    for _ in range(rng.randint(1, 30)):
        asked = node(rng, "user", parent, rng.randint(4, 80), at)
        answers = [
            node(rng, "assistant", asked["id"], rng.randint(20, 400), at + 1 + again)
            for again in range(2 if rng.random() < 0.05 else 1)
        ]
        mapping[parent]["children"].append(asked["id"])
        asked["children"] = [answer["id"] for answer in answers]
        mapping.update((made["id"], made) for made in (asked, *answers))
        parent, at = answers[-1]["id"], at + 10
    return {
        "title": f"Talk {number}",
        "create_time": 1.7e9 + number * 100,
        "mapping": mapping,
        "current_node": parent,
        "conversation_id": str(uuid.UUID(int=rng.getrandbits(128))),
        "default_model_slug": "gpt-4o",
    }


def make(path: Path, size: int) -> None:
    """Write an export of about a number of bytes, on one line as ChatGPT does."""
    rng = random.Random(0)
    number = 0
    with path.open("w", encoding="utf-8") as handle:
        handle.write("[")
        while handle.tell() < size:
            handle.write(", " if number else "")
            json.dump(conversation(rng, number), handle, ensure_ascii=number % 2 == 0)
            number += 1
        handle.write("]")


def read(path: Path) -> None:
    """Read a file into examples and print what it took, as JSON."""
    reader = ConversationsReader()
    skipped: list[object] = []
    reading = Reading(on_skip=skipped.append)
    documents = examples = alternatives = 0
    before, start = _peak(), time.perf_counter()
    for item in reader.items(str(path), reading):
        for document in reader.read(item, reading):
            documents += 1
            alternatives += len(document.alternatives)
            examples += len(extract(document))
    took = time.perf_counter() - start
    counts = {"documents": documents, "examples": examples, "alternatives": alternatives}
    print(json.dumps({**counts, "seconds": took, "peak": _peak(), "before": before}))


def load(path: Path) -> None:
    """Read a file with ``json.load`` and print what it took, as JSON."""
    before, start = _peak(), time.perf_counter()
    with path.open(encoding="utf-8") as handle:
        found = json.load(handle)
    took = time.perf_counter() - start
    print(json.dumps({"documents": len(found), "seconds": took, "peak": _peak(), "before": before}))


def _peak() -> float:
    """Return the largest memory that this process had so far, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def child(what: str, path: Path) -> dict[str, float]:
    """Run :func:`read` or :func:`load` in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_conversations", what, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print the figures; or, in a child process, read one file."""
    if len(sys.argv) == 3:
        {"read": read, "load": load}[sys.argv[1]](Path(sys.argv[2]))
        return
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder) / "conversations.json", Path(folder) / "small.json"
        make(large, size * 1_000_000)
        make(small, max(size // 10, 1) * 1_000_000)
        print(f"{'':28} {'MB':>8} {'s':>8} {'MB/s':>8} {'peak MB':>8}")
        ours, peer = child("read", large), child("load", small)
        rates = []
        for name, path, found in (
            ("read into examples", large, ours),
            ("peer: json.load of a tenth", small, peer),
        ):
            megabytes = path.stat().st_size / 1e6
            rates.append(found["seconds"] / megabytes)
            print(
                f"{name:28} {megabytes:8.1f} {found['seconds']:8.2f}"
                f" {megabytes / found['seconds']:8.1f} {found['peak']:8.1f}"
            )
        print(f"time for a megabyte: {rates[0] / rates[1]:.2f} x peer")
        counts = (f"{ours[what]:,} {what}" for what in ("documents", "examples", "alternatives"))
        print(", ".join(counts), f"; {ours['before']:.0f} MB before reading")


if __name__ == "__main__":
    main()
