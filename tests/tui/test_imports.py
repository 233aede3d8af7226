"""What starting the app loads, in a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "datasets", "chromadb", "llama_cpp", "sentence_transformers",
         "peft", "trl", "httpx", "huggingface_hub", "tokenizers", "numpy", "gguf", "pynvml",
         "starlette", "uvicorn", "accelerate", "pyarrow", "sqlite_utils")  # fmt: skip

LATE = ("textual.widgets._text_area", "engine.extract", "engine.dataset", "engine.train",
        "engine.serve", "tui.screens.train", "tui.screens.chat", "tui.screens.dataset")  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads in an interpreter of its own."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "statement",
    [
        "import tui.app, tui.screens.sources",
        "import tui.app, tui.screens.curate",
        "import tui.app, tui.screens.dataset",
        # What the bridge imports in a thread, to have the work done by a child.
        "import engine.sources, engine.extract.child, engine.sources.memory.token",
    ],
)
def test_the_app_loads_nothing_heavy(statement: str) -> None:
    assert {name for name in loaded_by(statement) if name.partition(".")[0] in HEAVY} == set()


def test_the_first_screen_waits_for_no_other() -> None:
    loaded = loaded_by("import tui.app, tui.screens.sources")
    assert loaded.isdisjoint(LATE)
