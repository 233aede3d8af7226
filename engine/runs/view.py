"""A job's state as it is known at one moment, and how it is said in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.runs.hung import age_words, hung_after, hung_words

Status = Literal[
    "prepared",
    "queued",
    "created",
    "running",
    "stopping",
    "finished",
    "stopped",
    "killed",
    "failed",
    "died",
]
_PATIENCE_S = 30.0
_SLOW_STEPS = 5

TRAINING = "training"
"""The phase in which steps are made."""

ENDED: frozenset[Status] = frozenset({"finished", "stopped", "killed", "failed", "died"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A fixed prompt, and the model's answer at one step."""

    prompt: str
    text: str


@dataclass(frozen=True, slots=True)
class Samples:
    """What the model answered at a step; step 0 is the untouched base."""

    step: int
    answers: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """What is known of a job. Times are seconds since the epoch, 0 where not yet.

    ``losses`` are (step, training loss) and ``evals`` (step, loss on held-out
    examples), both by rising step; step 0 of ``evals`` is the untouched base.
    ``lrs``, ``grad_norms`` and ``rates`` (tokens a second) go beside ``losses``.
    ``best`` is the lowest of ``evals`` after step 0; ``samples`` are the answers to fixed
    prompts, by rising step; ``fit`` is what the last ``fit`` event says of memory.
    ``kept`` is the step of the adapter in ``best/``, 0 where none is kept.
    ``step`` of ``total_steps`` also counts the work of jobs that don't train.
    ``pid`` and ``pid_start`` identify the process that spoke last (a resumed job
    has had several), ``process_started`` says when it began. Phase, rates, warnings
    and the machine's figures are that process's own; losses are the whole run's.
    ``eta_s`` was true at ``stepped``, when the last step ended; see :meth:`eta_at`.
    ``step_s`` is how long the last step took, in seconds, ``usual_s`` how long one usually takes
    (0 before the third), and ``phased`` when the phase began, of which ``phase_note`` says how
    it goes on. A step event comes every
    ``stride`` steps.
    ``elsewhere`` says that its process is not one of this machine's: it runs on ``host``
    and gave its last sign of life at ``heard_at``, by this machine's clock.
    ``checkpoints`` are those of the run as it is now; ``superseded`` those that an
    earlier process saved at later steps than the one that the run was resumed from.
    A run that waits in the queue has a ``place`` in it, from 1 (0 once its turn has come), and one
    that it is ``behind``; ``waits`` says that its process is there to take its turn. ``lines`` are
    those of the output that say why it ended. ``quiet_s`` is how long its process has lived without
    ending a step, by its heartbeats, so that a machine's sleep does not count; see :attr:`hung`.
    """

    status: Status = "created"
    phase: str = ""
    phase_note: str = ""
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    losses: tuple[tuple[int, float], ...] = ()
    evals: tuple[tuple[int, float], ...] = ()
    lrs: tuple[tuple[int, float], ...] = ()
    grad_norms: tuple[tuple[int, float], ...] = ()
    rates: tuple[tuple[int, float], ...] = ()
    samples: tuple[Samples, ...] = ()
    kept: int = 0
    fit: Mapping[str, object] = field(default_factory=dict)
    lr: float | None = None
    grad_norm: float | None = None
    tokens_per_s: float | None = None
    trained_tokens: int = 0
    eta_s: float | None = None
    stepped: float = 0.0
    step_s: float = 0.0
    usual_s: float = 0.0
    stride: int = 1
    phased: float = 0.0
    last_gpu: Mapping[str, object] = field(default_factory=dict)
    checkpoints: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    code: str = ""
    message: str = ""
    hint: str = ""
    started: float = 0.0
    process_started: float = 0.0
    ended: float = 0.0
    last_seen: float = 0.0
    pid: int = 0
    pid_start: float = 0.0
    result: Mapping[str, object] = field(default_factory=dict)
    elsewhere: bool = False
    host: str = ""
    heard_at: float = 0.0
    place: int = 0
    behind: str = ""
    waits: bool = False
    lines: tuple[str, ...] = ()
    quiet_s: float = 0.0

    @property
    def active(self) -> bool:
        """Whether the job was begun, or waits for its turn, and has still to end."""
        return self.status not in ENDED and self.status != "prepared"

    @property
    def hung(self) -> bool:
        """Whether a step takes so much longer than those before it that it seems to hang."""
        if self.status not in ("running", "stopping") or self.phase != TRAINING:
            return False
        # Of the steps between two events nothing is heard.
        unheard = (self.stride - 1) * self.usual_s
        return self.quiet_s >= hung_after(self.usual_s) + unheard

    def eta_at(self, now: float) -> float | None:
        """Return the seconds that are left, or None where nobody knows.

        A job whose next step takes far longer than those by which the time was told, such as
        one on a machine that sleeps, has none.

        Args:
            now: Seconds since the epoch.
        """
        if self.eta_s is None:
            return None
        a_step = self.usual_s or self.eta_s / max(1, self.total_steps - self.step)
        overdue = now - self.stepped > max(_PATIENCE_S, _SLOW_STEPS * self.stride * a_step)
        return None if overdue else self.eta_s

    @property
    def loss(self) -> float | None:
        """The newest training loss."""
        return self.losses[-1][1] if self.losses else None

    @property
    def eval_loss(self) -> float | None:
        """The newest loss on held-out examples."""
        return self.evals[-1][1] if self.evals else None

    @property
    def best(self) -> tuple[int, float] | None:
        """The step and loss of the best evaluation after the first step; the earliest of equals."""
        later = [point for point in self.evals if point[0] > 0]
        return min(later, key=lambda point: point[1]) if later else None


def status_words(view: RunView, now: float) -> str:
    """Return a job's status as a person reads it: ``running on HOST, last heard 3 s ago``.

    Args:
        view: The job's state.
        now: Seconds since the epoch.
    """
    if view.status == "queued":
        return _queue_words(view)
    if view.hung:
        return f"{view.status}, {hung_words(view.quiet_s, 0.0)}"
    if not view.elsewhere or not view.active:
        return view.status
    return f"{view.status} on {view.host}, last heard {age_words(now - view.heard_at)} ago"


def _queue_words(view: RunView) -> str:
    if not view.waits:
        return "queued, nobody waits"
    after = f", behind {view.behind}" if view.behind else ""
    return f"queued, {place_words(view.place) + after if view.place else 'its turn has come'}"


def place_words(place: int) -> str:
    """Return a place in a queue as people count: ``1st``, ``2nd``, ``11th``."""
    tens, ones = place % 100, place % 10
    ending = "th" if 10 < tens < 14 else {1: "st", 2: "nd", 3: "rd"}.get(ones, "th")
    return f"{place}{ending}"
