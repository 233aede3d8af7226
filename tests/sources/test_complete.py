from __future__ import annotations

from pathlib import Path

import pytest

from engine.sources import complete_path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    root = tmp_path / "place"
    for name in ("notes/deep", "news", ".hidden"):
        (root / name).mkdir(parents=True)
    for name in ("nota.md", "Zebra.md", ".dot"):
        (root / name).touch()
    return root


def test_folders_end_in_a_slash_and_names_are_sorted(place: Path) -> None:
    assert complete_path(f"{place}/n") == [f"{place}/news/", f"{place}/nota.md", f"{place}/notes/"]
    assert complete_path(f"{place}/") == [
        f"{place}/news/",
        f"{place}/nota.md",
        f"{place}/notes/",
        f"{place}/Zebra.md",
    ]


def test_hidden_names_come_when_asked_for(place: Path) -> None:
    assert complete_path(f"{place}/.") == [f"{place}/.dot", f"{place}/.hidden/"]


def test_the_home_folder_stays_as_it_was_typed(isolated_home: Path) -> None:
    (isolated_home / "vault").mkdir()
    assert complete_path("~") == ["~/"]
    assert complete_path("~/va") == ["~/vault/"]


def test_a_relative_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    assert complete_path("not") == ["nota.md", "notes/"]
    assert complete_path("notes/") == ["notes/deep/"]


def test_the_limit(place: Path) -> None:
    assert len(complete_path(f"{place}/", limit=2)) == 2


@pytest.mark.parametrize("text", ["/nowhere/at/all/x", "~nobody-of-that-name/x", "a\0b", "a\0b/c"])
def test_nothing_is_raised(text: str) -> None:
    assert complete_path(text) == []
