from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.sources.memory import token
from tests.sources.memory.app import TOKEN


@pytest.fixture
def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the token in the environment."""
    monkeypatch.setenv(token.VARIABLE, TOKEN)


@pytest.fixture(autouse=True)
def nothing_offered() -> Iterator[None]:
    """Hold no token from one test to the next."""
    token.forget()
    yield
    token.forget()
