"""Formats that other trainers read: writing a frozen dataset in them.

What a format can't hold is either written into it in a way that is reported
(``notes``), or refused and reported (``refused``); nothing is lost silently. Each row is
read back as an import would read it, and what would come back otherwise is reported too.
The formats are described in ``docs/formats.md``.
"""

from __future__ import annotations

from engine.dataset.formats.base import Converted, Format
from engine.dataset.formats.containers import CONTAINERS
from engine.dataset.formats.convert import Choices, Written, write_row
from engine.dataset.formats.export import SPLITS, ExportReport, default_path, export
from engine.dataset.formats.registry import FORMATS, format_of

__all__ = [
    "CONTAINERS",
    "FORMATS",
    "SPLITS",
    "Choices",
    "Converted",
    "ExportReport",
    "Format",
    "Written",
    "default_path",
    "export",
    "format_of",
    "write_row",
]
