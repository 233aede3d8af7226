"""Engines that this folder's tests share."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.serve.engines.base import Engine, EngineKind, EngineOptions, Served


@contextlib.asynccontextmanager
async def running(
    kind: EngineKind, model: Served, options: EngineOptions, state: Path
) -> AsyncIterator[Engine]:
    """Give a started engine whose log is in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(state))
        engine = await kind.start(model, options)
    try:
        yield engine
    finally:
        await engine.close()
