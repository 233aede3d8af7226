"""Failures of workspaces and their journal."""

from __future__ import annotations

from engine.errors.root import FinetuiError


class WorkspaceError(FinetuiError):
    """A workspace can't be used."""

    code = "workspace-error"


class WorkspaceMissing(WorkspaceError):
    """There is no workspace at that place."""

    code = "workspace-missing"


class WorkspaceNewer(WorkspaceError):
    """The workspace was written by a newer finetui."""

    code = "workspace-newer"


class WorkspaceDamaged(WorkspaceError):
    """The workspace's database can't be read."""

    code = "workspace-damaged"


class DatabaseGone(WorkspaceDamaged):
    """The workspace had a database, which was removed or emptied."""

    code = "database-gone"


class WorkspaceUntrusted(WorkspaceError):
    """The workspace is not trusted, and would run, load or reach something."""

    code = "workspace-untrusted"


class WorkspaceLocked(WorkspaceError):
    """Another process held the database for too long."""

    code = "workspace-locked"


class WorkspaceReadOnly(WorkspaceError):
    """The workspace can be looked at, and not changed."""

    code = "workspace-read-only"


class WorkspaceReplaced(WorkspaceError):
    """The database was removed, replaced or cut short while it was open."""

    code = "workspace-replaced"


class JournalMismatch(WorkspaceError):
    """What is stored of examples is not what the journal of decisions says."""

    code = "journal-mismatch"


class JournalInvalid(WorkspaceError):
    """A file of decisions can't be read."""

    code = "journal-invalid"
