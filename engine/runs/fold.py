"""Folding a job's events to its state."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping

from engine.runs.events import Event
from engine.runs.hung import RECENT_STEPS, usual_s
from engine.runs.view import ENDED, RunView, Sample, Samples, Status

_BEAT_S = 10.0
_MOST_STEPS = 10**9
"""More than a run can make; what is above it, or above the run's own total, is damage."""

_SERIES = ("lr", "grad_norm", "tokens_per_s")


class Fold:
    """Takes events as they come and says what they amount to. It never raises on any of them."""

    def __init__(self) -> None:
        self._status: Status = "created"
        self._texts: dict[str, str] = {}
        self._whole: dict[str, int] = {}
        self._numbers: dict[str, float] = {}
        self._losses: dict[int, float] = {}
        self._evals: dict[int, float] = {}
        self._series: dict[str, dict[int, float]] = {name: {} for name in _SERIES}
        self._samples: dict[int, Samples] = {}
        self._kept: list[int] = []
        self._fit: Mapping[str, object] = {}
        self._gpu: Mapping[str, object] = {}
        self._checkpoints: dict[str, int] = {}
        self._superseded: dict[str, int] = {}
        self._warnings: list[str] = []
        self._result: Mapping[str, object] = {}
        self._lines: tuple[str, ...] = ()
        self._started = self._process_started = self._ended = self._seen = 0.0
        self._stepped = self._quiet = self._beat = self._phased = 0.0
        self._recent: deque[float] = deque(maxlen=RECENT_STEPS)
        self._stride, self._logged = 1, 0

    def feed(self, events: Iterable[Event]) -> None:
        """Take the events that followed those taken before."""
        for event in events:
            if math.isfinite(event.t):
                self._seen = max(self._seen, event.t)
            take = _TAKE.get(event.type)
            if take is not None:
                take(self, event)

    def view(self) -> RunView:
        """Return the state after the events taken so far, by their word alone."""
        return RunView(
            status=self._status,
            phase=self._texts.get("phase", ""),
            phase_note=self._texts.get("phase_note", ""),
            step=self._whole.get("step", 0),
            total_steps=self._whole.get("total_steps", 0),
            epoch=self._numbers.get("epoch", 0.0),
            losses=tuple(sorted(self._losses.items())),
            evals=tuple(sorted(self._evals.items())),
            lrs=tuple(sorted(self._series["lr"].items())),
            grad_norms=tuple(sorted(self._series["grad_norm"].items())),
            rates=tuple(sorted(self._series["tokens_per_s"].items())),
            samples=tuple(self._samples[step] for step in sorted(self._samples)),
            kept=self._kept[-1] if self._kept else 0,
            fit=self._fit,
            lr=self._numbers.get("lr"),
            grad_norm=self._numbers.get("grad_norm"),
            tokens_per_s=self._numbers.get("tokens_per_s"),
            trained_tokens=self._whole.get("trained_tokens", 0),
            eta_s=None if self._status in ENDED else self._numbers.get("eta_s"),
            stepped=self._stepped,
            step_s=self._numbers.get("step_s", 0.0),
            usual_s=usual_s(self._recent),
            stride=self._stride,
            phased=self._phased,
            last_gpu=self._gpu,
            checkpoints=tuple(self._checkpoints),
            superseded=tuple(self._superseded),
            warnings=tuple(self._warnings),
            code=self._texts.get("code", ""),
            message=self._texts.get("message", ""),
            hint=self._texts.get("hint", ""),
            started=self._started,
            process_started=self._process_started,
            ended=self._ended,
            last_seen=self._seen,
            pid=self._whole.get("pid", 0),
            pid_start=self._numbers.get("pid_start", 0.0),
            result=self._result,
            lines=self._lines,
            quiet_s=self._quiet,
        )

    def _run_started(self, event: Event) -> None:
        self._status = "running"
        self._started = self._started or event.t
        self._process_started = event.t
        self._ended = 0.0
        # What a former process said of itself does not hold for this one.
        self._result, self._gpu, self._lines = {}, {}, ()
        self._quiet = self._beat = 0.0
        self._recent.clear()
        self._stride, self._logged = 1, 0
        self._warnings.clear()
        for name in ("code", "message", "hint", "phase", "phase_note"):
            self._texts.pop(name, None)
        self._numbers.clear()
        self._whole["pid"] = _integer(event.data.get("pid")) or 0
        self._numbers["pid_start"] = _number(event.data.get("pid_start")) or 0.0
        step = _steps(event.data.get("resumed_step"))
        if step is None:
            for name in ("step", "total_steps"):
                self._whole.pop(name, None)
            # It begins from nothing, so what an earlier beginning saw is of no run any more.
            self._losses, self._evals, self._samples = {}, {}, {}
            self._series = {name: {} for name in _SERIES}
        else:
            # Steps after the checkpoint are done again: what was said of them no longer holds.
            self._losses = {at: loss for at, loss in self._losses.items() if at <= step}
            self._evals = {at: loss for at, loss in self._evals.items() if at <= step}
            for name in _SERIES:
                series = self._series[name]
                self._series[name] = {at: value for at, value in series.items() if at <= step}
            self._samples = {at: one for at, one in self._samples.items() if at <= step}
            self._kept = [at for at in self._kept if at <= step]
            self._whole["step"] = self._logged = step
            for path in [path for path, at in self._checkpoints.items() if at > step]:
                self._superseded[path] = self._checkpoints.pop(path)

    def _phase(self, event: Event) -> None:
        self._quiet = 0.0
        self._texts["phase"] = _text(event.data.get("phase"))
        self._texts["phase_note"] = _text(event.data.get("note"))
        self._phased = event.t if math.isfinite(event.t) else self._seen
        self._numbers.pop("eta_s", None)
        self._take_progress(event)

    def _step(self, event: Event) -> None:
        step, loss = self._step_in(event), _number(event.data.get("loss"))
        if step is None and _number(event.data.get("step")) is not None:
            return  # a step that can't be: nothing that is said of it counts
        self._quiet = 0.0
        self._stepped = event.t if math.isfinite(event.t) else self._seen
        self._take_progress(event)
        taken = _number(event.data.get("step_s"))
        if taken is not None:
            self._recent.append(taken)
        if step is not None:
            self._stride, self._logged = max(1, step - self._logged), step
        if step is not None and loss is not None:
            self._losses[step] = loss
        for name, series in self._series.items():
            value = _number(event.data.get(name))
            if step is not None and value is not None:
                series[step] = value

    def _take_progress(self, event: Event) -> None:
        found = {
            "step": self._step_in(event),
            "total_steps": _steps(event.data.get("total_steps")),
            "trained_tokens": _integer(event.data.get("trained_tokens")),
        }
        self._whole |= {name: whole for name, whole in found.items() if whole is not None}
        for name in ("epoch", "lr", "grad_norm", "tokens_per_s", "eta_s", "step_s"):
            number = _number(event.data.get(name))
            if number is not None:
                self._numbers[name] = number

    def _step_in(self, event: Event) -> int | None:
        """Return the step of an event, or None where it has none that the run can have."""
        step = _steps(event.data.get("step"))
        total = _steps(event.data.get("total_steps")) or self._whole.get("total_steps", 0)
        return None if step is None or 0 < total < step else step

    def _eval(self, event: Event) -> None:
        step, loss = self._step_in(event), _number(event.data.get("loss"))
        if step is not None and loss is not None:
            self._evals[step] = loss
            if event.data.get("best") is True:
                self._kept.append(step)

    def _sample(self, event: Event) -> None:
        step, found = self._step_in(event), event.data.get("answers")
        if step is None or not isinstance(found, list):
            return
        answers = tuple(
            Sample(one["prompt"], one["text"])
            for one in found
            if isinstance(one, dict)
            and isinstance(one.get("prompt"), str)
            and isinstance(one.get("text"), str)
        )
        if answers:  # else it would hide those of an earlier step
            self._samples[step] = Samples(step, answers)

    def _fit_event(self, event: Event) -> None:
        self._fit = event.data

    def _gpu_event(self, event: Event) -> None:
        self._gpu = event.data
        # Beats come every two seconds; where they are further apart, the machine slept.
        if self._beat:
            self._quiet += min(max(0.0, event.t - self._beat), _BEAT_S)
        self._beat = event.t if math.isfinite(event.t) else self._beat

    def _checkpoint(self, event: Event) -> None:
        self._quiet = 0.0  # a large one on a slow disk takes longer than a step
        path = _text(event.data.get("path"))
        if path:
            step = _integer(event.data.get("step"))
            self._superseded.pop(path, None)
            self._checkpoints.pop(path, None)  # one that is saved again is the newest
            self._checkpoints[path] = _step_of(path) if step is None else step

    def _warning(self, event: Event) -> None:
        self._warnings.append(_text(event.data.get("message")))

    def _run_finished(self, event: Event) -> None:
        word = event.data.get("status")
        if word == "finished":
            self._status = "finished"
        elif word == "stopped":
            self._status = "stopped"
        elif word == "killed":
            self._status = "killed"
        else:
            self._status = "failed"
        for name in ("code", "message", "hint"):
            self._texts[name] = _text(event.data.get(name))
        lines = event.data.get("lines")
        self._lines = tuple(map(_text, lines)) if isinstance(lines, list) else ()
        result = event.data.get("result")
        self._result = result if isinstance(result, dict) else {}
        self._ended = event.t if math.isfinite(event.t) else self._seen


_TAKE = {
    "run_started": Fold._run_started,
    "phase": Fold._phase,
    "step": Fold._step,
    "eval": Fold._eval,
    "sample": Fold._sample,
    "fit": Fold._fit_event,
    "gpu": Fold._gpu_event,
    "checkpoint": Fold._checkpoint,
    "warning": Fold._warning,
    "run_finished": Fold._run_finished,
}


def fold(events: Iterable[Event]) -> RunView:
    """Return the state that events amount to, by their word alone.

    Whether the process still lives is not looked at: :func:`engine.runs.state` does.
    """
    folded = Fold()
    folded.feed(events)
    return folded.view()


def _step_of(path: str) -> int:
    digits = path.rpartition("-")[2]
    return int(digits) if digits.isdecimal() and digits.isascii() else 0


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _integer(value: object) -> int | None:
    number = _number(value)
    return None if number is None or number < 0 else int(number)


def _steps(value: object) -> int | None:
    whole = _integer(value)
    return None if whole is None or whole > _MOST_STEPS else whole


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
