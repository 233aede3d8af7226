"""What the tests of exports share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.workspace import Workspace, open_workspace
from tests.support.trusting import trusted


@pytest.fixture
def own(finished_export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a copy of the exported workspace, with a home that knows its base."""
    home = tmp_path / "own"
    shutil.copytree(finished_export, home / "workspace")
    shutil.copytree(finished_export.parent / "home", home / "home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "home" / "cache"))
    return open_workspace(trusted(home / "workspace"))
