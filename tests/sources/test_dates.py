from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.dates import date_in

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "ro": "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie"
    " decembrie",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2025-03-14", "2025-03-14"),
        ("2025_03_14", "2025-03-14"),
        ("2025-03-14 A walk", "2025-03-14"),
        ("20250314", "2025-03-14"),
        ("14.03.2024", "2024-03-14"),
        ("4. 3. 2024 Garten", "2024-03-04"),
        ("14-03-2024", "2024-03-14"),
        ("03-14-2024", "2024-03-14"),
        ("05-05-2024", "2024-05-05"),
        ("March 14, 2024", "2024-03-14"),
        ("Mar 14th, 2024", "2024-03-14"),
        ("Thursday, March 14th 2024", "2024-03-14"),
        ("14th of March 2024", "2024-03-14"),
        ("2024 March 14", "2024-03-14"),
        ("Donnerstag, 14. März 2024", "2024-03-14"),
        ("1. Mai 2024 Ausflug", "2024-05-01"),
        ("joi, 14 martie 2024", "2024-03-14"),
        ("2025-W07", "2025-W07"),
        ("2025 W7 review", "2025-W07"),
        ("2025-KW07", "2025-W07"),
        ("2025-03", "2025-03"),
        ("March 2024", "2024-03"),
        ("2025-02-30", "2025-02"),
        # Another day on each side of an ocean.
        ("03-04-2024", ""),
        ("31.02.2024", ""),
        ("2025-13-01", ""),
        ("2025-W60", ""),
        ("v1.2.2024", ""),
        ("may 2024 be kind", ""),
        ("0007-a-decision", ""),
        ("12345678901234", ""),
        ("Room 2024", ""),
        ("Notes", ""),
        ("", ""),
    ],
)
def test_dates_in_names(name: str, expected: str) -> None:
    assert date_in(name) == expected


@given(st.dates(min_value=date(1901, 1, 1)), st.sampled_from(list(MONTHS)))
def test_a_day_is_found_however_it_is_written(day: date, language: str) -> None:
    month = MONTHS[language].split()[day.month - 1]
    for name in (
        day.isoformat(),
        f"{day:%Y_%m_%d}",
        f"{day.day}.{day.month}.{day.year:04}",
        f"{day.day}. {month} {day.year:04}",
        f"{month} {day.day}, {day.year:04}",
    ):
        assert date_in(name) == day.isoformat(), name


@given(st.text(max_size=60))
def test_any_name_has_a_date_or_none(name: str) -> None:
    found = date_in(name)
    assert found == "" or found[:4].isdigit()
