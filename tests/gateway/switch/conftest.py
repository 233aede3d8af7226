"""Models that the switch's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shared import made_once
from tests.support.two_models import make_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of :func:`tests.support.two_models.make_models`; it is only read."""
    return made_once(tmp_path_factory, "two-models", lambda folder: make_models(folder / "gguf"))
