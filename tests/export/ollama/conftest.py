"""Go's own template engine, built once in a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.go_templates import GoTemplates, build
from tests.support.shared import made_once


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> GoTemplates:
    """Return the program that fills templates; Go's cache outlives the session."""
    cache = request.config.cache
    kept = cache.mkdir("go-build") if cache else tmp_path_factory.mktemp("go-build")

    def make(folder: Path) -> None:
        build(folder, kept)

    return GoTemplates(made_once(tmp_path_factory, "gotemplate", make) / "gotemplate")
