"""Predicted against measured memory of a step on a CPU: ``python -m tests.bench.bench_fit``.

Usage: python -m tests.bench.bench_fit [--runs N] [--only NAME]

Each setting is a real run of the recipe in a child: the base is loaded, and its longest batch
goes through forward and backward beside as much as the optimiser takes. What is measured is the
most that was resident since before the base was loaded (VmHWM of /proc/self/status), less what was
resident then. The median of N children is set against what ``finetui fit`` says of the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.bases import EMBEDDED, resolve
from engine.child import child_environment
from engine.runs import state
from engine.train import make_spec
from engine.train.devices import environment
from engine.train.spec import write_spec
from tests.support.random_base import make_random_base


@dataclass(frozen=True, slots=True)
class Setting:
    """A base, its rows, and how it is trained.

    Attributes:
        name: What it is called in the table.
        base: Arguments of the random base; empty for the embedded one.
        words: Words of each row's answer; a word is about a token and a half.
        changes: Fields of the spec.
    """

    name: str
    base: Mapping[str, int]
    words: int
    changes: Mapping[str, Any] = field(default_factory=dict)


HELD_OUT_HELP = "measure the settings that no formula was corrected on"
SMALL = {"hidden": 256, "layers": 4, "vocab": 4000}
MEDIUM = {"hidden": 768, "layers": 8, "vocab": 16000}
SETTINGS = (
    Setting("random 5M, 8 x 256", SMALL, 400, {"batch_size": 8, "max_length": 256}),
    Setting(
        "embedded, 1 x 128, 4 bits",
        {},
        200,
        {"batch_size": 1, "max_length": 128, "load_in_4bit": True},
    ),
    Setting(
        "embedded, 2 x 256, 8 bits",
        {},
        400,
        {"batch_size": 2, "max_length": 256, "load_in_8bit": True},
    ),
    Setting("embedded, 2 x 256", {}, 400, {"batch_size": 2, "max_length": 256}),
    Setting(
        "embedded, 4 x 512, checkpointing",
        {},
        800,
        {"batch_size": 4, "max_length": 512, "gradient_checkpointing": True},
    ),
    Setting(
        "random 82M, 4 x 512, r 64", MEDIUM, 800, {"batch_size": 4, "max_length": 512, "r": 64}
    ),
    Setting(
        "embedded, 1 x 256, unsloth",
        {},
        400,
        {"batch_size": 1, "max_length": 256, "backend": "unsloth"},
    ),
)
HELD_OUT = (
    Setting(
        "embedded, 2 x 384, 4 bits, unsloth, checkpointing",
        {},
        600,
        {
            "batch_size": 2,
            "max_length": 384,
            "backend": "unsloth",
            "load_in_4bit": True,
            "gradient_checkpointing": True,
        },
    ),
    Setting(
        "random 30M, 3 x 320, r 32, dropout",
        {"hidden": 512, "layers": 6, "vocab": 8000},
        500,
        {"batch_size": 3, "max_length": 320, "r": 32, "dropout": 0.05},
    ),
    Setting(
        "embedded, 3 x 200, attention alone, 8 bits",
        {},
        300,
        {
            "batch_size": 3,
            "max_length": 200,
            "load_in_8bit": True,
            "target_modules": ("q_proj", "k_proj", "v_proj", "o_proj"),
        },
    ),
)
"""Settings that no formula was corrected on."""


def measure(setting: Setting, folder: Path) -> dict[str, Any]:
    """Train one step of a setting in a child, and return its ``fit`` event.

    Args:
        setting: What is measured.
        folder: Where its base and its run are made; it must not exist.
    """
    folder.mkdir()
    base = resolve(EMBEDDED).directory if not setting.base else folder / "base"
    if setting.base:
        make_random_base(base, **setting.base)
    run = folder / "run"
    (run / "dataset").mkdir(parents=True)
    rows = setting.changes["batch_size"]
    lines = [_row(number, setting.words - 40 * number) for number in range(rows)]
    (run / "dataset" / "train.jsonl").write_text("".join(lines), "utf-8")
    spec = make_spec(
        str(base), "rows", "small-cpu", base_dir=str(base), max_steps=1, accumulation=1,
        sample_tokens=0, **setting.changes,
    )  # fmt: skip
    write_spec(run, spec)
    done = subprocess.run(
        [sys.executable, "-m", "engine.train.recipe", str(run)],
        env={**os.environ, **child_environment(), **environment(os.environ)},
        capture_output=True,
        text=True,
        check=False,
    )
    view = state(run)
    if view.status != "finished":
        raise RuntimeError(f"{setting.name}: {view.message}\n{done.stdout}\n{done.stderr}")
    return dict(view.fit)


def _row(number: int, words: int) -> str:
    answer = " ".join(f"word{(number * 31 + place) % 97}" for place in range(max(20, words)))
    messages = [
        {"role": "user", "content": "What is there?"},
        {"role": "assistant", "content": answer},
    ]
    name = f"sha256:{number:064x}"
    return json.dumps({"messages": messages, "id": name, "metadata": {}}) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--held-out", action="store_true", help=HELD_OUT_HELP)
    options = parser.parse_args(arguments)
    settings = HELD_OUT if options.held_out else SETTINGS
    print(f"{'setting':46} {'predicted':>10} {'measured':>10} {'off by':>7}  largest part")
    for setting in settings:
        if options.only not in setting.name:
            continue
        found = []
        for _ in range(options.runs):
            with tempfile.TemporaryDirectory(prefix="bench-fit-") as folder:
                found.append(measure(setting, Path(folder) / "one"))
        predicted = found[0]["predicted"]["total"]
        measured = statistics.median(one["measured"]["total"] for one in found)
        parts = {k: v for k, v in found[0]["predicted"].items() if k != "total"}
        largest = max(parts, key=lambda name: int(parts[name]))
        totals = " ".join(f"{one['measured']['total'] / 1e6:.0f}" for one in found)
        print(
            f"{setting.name:46} {predicted / 1e6:7.0f} MB {measured / 1e6:7.0f} MB "
            f"{predicted / measured - 1:+7.1%}  {largest} {parts[largest] / 1e6:.0f} MB; {totals}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
