from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.instructions.golden import CASES, GOLDEN, rendered
from tests.support.hashes import hashes


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda path: path.name)
def test_what_a_file_gives(case: Path) -> None:
    before = hashes(CASES)
    assert rendered(case) == (GOLDEN / f"{case.name}.txt").read_text(encoding="utf-8")
    assert hashes(CASES) == before


def test_every_case_has_its_text() -> None:
    cases = {f"{path.name}.txt" for path in CASES.iterdir()}
    assert cases == {path.name for path in GOLDEN.iterdir()}
