"""Levels of nearness: what they are called, and where a setting or an option names one."""

from __future__ import annotations

import pytest

from engine.errors import SettingsError
from engine.settings import settings_of
from engine.similarity import level_of, threshold_of
from engine.similarity.levels import LEVELS, misses_paraphrases, parse
from engine.similarity.names import E5, EMBEDDED


@pytest.mark.parametrize("model", ["", EMBEDDED, E5, "/a/folder"])
def test_each_model_has_levels_in_range(model: str) -> None:
    copies, paraphrases = (threshold_of(level, model) for level in LEVELS)
    assert 0.7 <= paraphrases < copies <= 1
    assert level_of(copies, model) == "copies"
    assert level_of(0.7777, model) is None
    assert threshold_of(0.7777, model) == 0.7777
    assert misses_paraphrases(copies, model)
    assert not misses_paraphrases(paraphrases, model)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("copies", "copies"), ("0.85", 0.85), ("1", 1.0), ("0.5", None), ("nan", None), ("x", None)],
)
def test_a_level_or_a_number_is_read(text: str, meant: object) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize("value", ["paraphrases", 0.75, "0.75"])
def test_the_setting_takes_both(value: object) -> None:
    found = settings_of({"check": {"duplicate_threshold": value}}).check.duplicate_threshold
    assert found == (value if value == "paraphrases" else 0.75)


@pytest.mark.parametrize("value", ["cousins", 0.5, True, None])
def test_the_setting_takes_nothing_else(value: object) -> None:
    with pytest.raises(SettingsError, match="duplicate_threshold"):
        settings_of({"check": {"duplicate_threshold": value}})
