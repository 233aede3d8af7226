"""What tells who somebody is: addresses, numbers, names."""

from engine.quality.personal.check import CODES, PersonalCheck

__all__ = ["CODES", "PersonalCheck"]
