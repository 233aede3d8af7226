"""An engine and a server that this folder's tests share; no test ends them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.face.serving import BareEngine, OneModel, Running, running
from tests.support.tiny_gguf import write_model


@pytest.fixture(scope="package")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("gguf") / "tiny.gguf", context=4096)


@pytest.fixture(scope="package")
def engine(gguf: Path) -> Iterator[BareEngine]:
    started = BareEngine(gguf, "tiny:f16")
    yield started
    started.kill()


@pytest.fixture(scope="package")
def server(engine: BareEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(OneModel([engine]), tmp_path_factory.mktemp("server")) as started:
        yield started
