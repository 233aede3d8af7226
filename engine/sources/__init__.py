"""Sources: what people's words are read from. Nothing here ever writes to one."""

from __future__ import annotations

from engine.sources.base import Detection, OnSkip, Option, Progress, Reader, Reading, Survey
from engine.sources.complete import complete_path
from engine.sources.detection import (
    KINDS,
    candidates,
    certain,
    check_options,
    detect,
    detect_as,
    is_address,
    locate,
    read,
    reader_of,
    settled,
    told_of,
)
from engine.sources.items import Item, Refused

__all__ = [
    "KINDS",
    "Detection",
    "Item",
    "OnSkip",
    "Option",
    "Progress",
    "Reader",
    "Reading",
    "Refused",
    "Survey",
    "candidates",
    "certain",
    "check_options",
    "complete_path",
    "detect",
    "detect_as",
    "is_address",
    "locate",
    "read",
    "reader_of",
    "settled",
    "told_of",
]
