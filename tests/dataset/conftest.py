from __future__ import annotations

import pytest

from engine.bases import Base, inspect
from tests.support.tiny_base import make_tiny_base


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return inspect(make_tiny_base(tmp_path_factory.mktemp("base")), "tiny")
