"""A model file and a worker that this folder's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.serve.pool import Worker
from tests.support.tiny_gguf import write_model

CONTEXT = 4096


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a GGUF of a random tiny model."""
    return write_model(tmp_path_factory.mktemp("gguf") / "tiny.gguf", context=CONTEXT)


@pytest.fixture(scope="session")
def worker(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Return a worker that no test ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        started = Worker.start(model_file, context=CONTEXT, threads=1)
    yield started
    started.close()
