"""A gate that can't look at an export, with the reason."""

from __future__ import annotations

from engine.errors import ExportError


class Skipped(ExportError):
    """What a gate needs is not there, so it says nothing of the export."""

    code = "gate-skipped"
