"""What every named failure has, and those of no stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class FinetuiError(Exception):
    """A named failure.

    Args:
        message: What went wrong, in one sentence, with the name of the thing.
        hint: What the person can do about it; empty when there is nothing.
        counts: What was done before it went wrong, by name, for programs.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self, message: str, *, hint: str = "", counts: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.counts = dict(counts or {})

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, Any]:
        """Return the error as ``--json`` prints it."""
        value: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        return value | {"counts": self.counts} if self.counts else value


class UsageError(FinetuiError):
    """The call's words are wrong."""

    code = "usage"


class SettingsError(FinetuiError):
    """A settings file or value is not valid."""

    code = "settings-invalid"


class LanguageInvalid(FinetuiError):
    """A language's file of words is not valid."""

    code = "language-invalid"


class DependencyMissing(FinetuiError):
    """A package or program that this step needs is not installed."""

    code = "dependency-missing"


class DiskFull(FinetuiError):
    """The disk has no room for what was asked."""

    code = "disk-full"


class SystemFailure(FinetuiError):
    """The system refuses something, or a device fails."""

    code = "system-failure"


class AccessRefused(SystemFailure):
    """Permissions, or a file system that is read-only, don't allow it."""

    code = "access-refused"


class PathUnusable(SystemFailure):
    """A path can't be used: a file where a folder belongs, a name too long, a circle of links."""

    code = "path-unusable"


class LimitReached(SystemFailure):
    """A limit of this process is reached: open files, processes, or a file's size."""

    code = "limit-reached"


class OutputLost(SystemFailure):
    """What was printed could not be written."""

    code = "output-lost"


class Unexpected(FinetuiError):
    """Something that nobody thought of; the log has the details."""

    code = "unexpected"
