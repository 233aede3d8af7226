"""Failures of runs."""

from __future__ import annotations

from engine.errors.root import FinetuiError


class RunError(FinetuiError):
    """A run can't be started, found or steered."""

    code = "run-error"


class RunMissing(RunError):
    """There is no run with that id."""

    code = "run-missing"


class RunActive(RunError):
    """The run is still going."""

    code = "run-active"


class RunElsewhere(RunActive):
    """The run may be running on another host or in a container."""

    code = "run-elsewhere"


class DeviceBusy(RunActive):
    """Another run computes on the GPU; this one can wait in the queue."""

    code = "device-busy"


class CheckpointDamaged(RunError):
    """A checkpoint of a run is missing, cut off or altered."""

    code = "checkpoint-damaged"


class RunUnfinished(RunError):
    """The run has not got what the next stage needs."""

    code = "run-unfinished"


class RunTooLarge(RunError):
    """The run takes more memory than its GPU has."""

    code = "run-too-large"


class RunFailed(RunError):
    """The child of a run ended with an error."""

    code = "run-failed"


class RunDiverged(RunFailed):
    """The loss of a run is not a number any more."""

    code = "run-diverged"


class PackInvalid(RunError):
    """A packed run is damaged or unsafe, or the file is no packed run."""

    code = "pack-invalid"
