"""The Romanian personal number (cod numeric personal), by the law's own rules.

Sex and century, birthday, county, a serial number and a control digit: HG 1375/2006 and
Law 105/1996, whose constant is 279146358279. Of residents (7 and 8) and other foreigners
(9) the first digit tells no century, so that their birthday may lie in any.
"""

from __future__ import annotations

import datetime
import re

_WEIGHTS = (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)
_CENTURIES = {"1": (1900,), "2": (1900,), "3": (1800,), "4": (1800,), "5": (2000,), "6": (2000,)}
_ANY_CENTURY = (1900, 2000, 1800)
# 1 to 46 are counties and sectors, 47 and 48 sectors that were; 51 and 52 came later; 70 is
# given in any place, 80 to 83 abroad.
_COUNTIES = frozenset((*range(1, 49), 51, 52, 70, 80, 81, 82, 83))


def check_digit(first_twelve: str) -> str:
    """Return the control digit of the first twelve."""
    left = sum(w * int(digit) for w, digit in zip(_WEIGHTS, first_twelve, strict=True)) % 11
    return "1" if left == 10 else str(left)


def is_valid(number: str) -> bool:
    """Return whether a number of 13 digits can be a CNP."""
    digits = re.sub(r"[ -]", "", number)
    if not re.fullmatch(r"[1-9][0-9]{12}", digits):
        return False
    if int(digits[7:9]) not in _COUNTIES or digits[-1] != check_digit(digits[:-1]):
        return False
    year, month, day = int(digits[1:3]), int(digits[3:5]), int(digits[5:7])
    centuries = _CENTURIES.get(digits[0], _ANY_CENTURY)
    return any(_is_date(century + year, month, day) for century in centuries)


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True
