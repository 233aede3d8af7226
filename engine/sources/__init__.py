"""Sources: what people's words are read from. Nothing here ever writes to one."""

from __future__ import annotations

from engine.sources.base import Detection, OnSkip, Progress, Reader, Survey
from engine.sources.complete import complete_path
from engine.sources.detection import KINDS, detect, locate, read, reader_of

__all__ = [
    "KINDS",
    "Detection",
    "OnSkip",
    "Progress",
    "Reader",
    "Survey",
    "complete_path",
    "detect",
    "locate",
    "read",
    "reader_of",
]
