"""A loaded pair that this folder's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.evaluate.pair import Pair
from engine.workspace import Workspace, open_workspace
from tests.support.tiny_export import RUN


@pytest.fixture(scope="session")
def exported(finished_export: Path) -> Iterator[Workspace]:
    """Return the workspace with the exported run."""
    with open_workspace(finished_export) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def pair(exported: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Return both models of that run, loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        opened = Pair.open(exported, RUN)
    yield opened
    opened.close()
