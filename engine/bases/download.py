"""Get a model from the hub: ``python -m engine.bases.download HUB_ID FOLDER``.

Runs as a child. What is there already is kept, so that a download that was
interrupted goes on where it ended.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from engine.bases.hub_errors import asking_for
from engine.child import report, run_step
from engine.errors import BaseInvalid
from engine.paths import require_free

# Weights in other formats (PyTorch pickles, ONNX, GGUF) are left where they are.
PATTERNS = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "chat_template*",
    "vocab.json",
    "merges.txt",
    "model*.safetensors",
    "model.safetensors.index.json",
    "LICENSE*",
    "USE_POLICY*",
)
_POLL_SECONDS = 0.5


def main(arguments: Sequence[str]) -> None:
    """Download the model ``arguments[0]`` into the folder ``arguments[1]``.

    Raises:
        BaseMissing: The hub has no such model.
        BaseGated: It is given only to those who were granted access.
        HubUnreachable: The hub can't be reached, or does not answer as it should.
        BaseInvalid: The model has no safetensors.
        DiskFull: There is no room for it.
    """
    hub_id, folder = arguments[0], Path(arguments[1])
    total = asking_for(hub_id, lambda: _size(hub_id))
    if total == 0:
        raise BaseInvalid(
            f"{hub_id} has no weights as safetensors", hint="choose another model or revision"
        )
    require_free(folder, total - _held(folder), f"downloading {hub_id}")
    folder.mkdir(parents=True, exist_ok=True)
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(folder, total, done), daemon=True)
    watcher.start()
    try:
        asking_for(hub_id, lambda: _fetch(hub_id, folder))
    finally:
        done.set()
        watcher.join()
    report(total, total)


def _size(hub_id: str) -> int:
    """Return how many bytes will be downloaded; 0 where there are no weights."""
    from fnmatch import fnmatch

    from huggingface_hub import HfApi

    info = HfApi().model_info(hub_id, files_metadata=True)
    wanted = [
        file
        for file in info.siblings or ()
        if any(fnmatch(file.rfilename, pattern) for pattern in PATTERNS)
    ]
    if not any(file.rfilename.endswith(".safetensors") for file in wanted):
        return 0
    return sum(file.size or 0 for file in wanted)


def _fetch(hub_id: str, folder: Path) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(hub_id, local_dir=folder, allow_patterns=list(PATTERNS))


def _held(folder: Path) -> int:
    held = 0
    for path in folder.rglob("*"):
        try:
            held += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # renamed by the download meanwhile
            continue
    return held


def _watch(folder: Path, total: int, done: threading.Event) -> None:
    # The library's own progress counts files or draws bars; bytes on the disk are
    # what a person wants to see, and they count what an earlier try has left.
    while not done.wait(_POLL_SECONDS):
        report(min(_held(folder), total), total)


if __name__ == "__main__":
    sys.exit(run_step(main, sys.argv[1:]))
