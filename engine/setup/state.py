"""What is installed, what is coming, and what a feature still waits for: all of it from files."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.errors import DependencyMissing
from engine.paths import shell_path
from engine.setup.job import STATUS, WANTED, complete
from engine.setup.parts import CORE, NEEDS, PARTS, Part
from engine.setup.place import Place

State = Literal[
    "ready", "waiting", "looking", "downloading", "building", "installing", "failed", "offline",
    "missing",
]  # fmt: skip
"""``waiting`` is a part whose turn will come; ``missing`` one that nobody will install."""

FIX = "finetui doctor --fix"
_DOING: dict[str, str] = {
    "looking": "asking for its packages",
    "downloading": "downloading",
    "building": "compiling",
    "installing": "unpacking",
}
_LEAST_S = 15.0
_SMALL_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class PartState:
    """How far a part is.

    Attributes:
        name: The part's short name.
        title: What a person knows it by.
        purpose: What it is for.
        state: How far it is.
        since: When that began, in seconds since the epoch; 0 where it has no beginning.
        detail: What is done now, or why it failed; empty where the state says it all.
        done: Bytes or steps done, 0 where unknown.
        total: Bytes or steps in all, 0 where unknown.
    """

    name: str
    title: str
    purpose: str
    state: State
    since: float = 0.0
    detail: str = ""
    done: int = 0
    total: int = 0

    @property
    def percent(self) -> int | None:
        """How much of the present step is behind, None where that says nothing."""
        if self.state == "downloading" and self.total < _SMALL_BYTES:
            return None
        return min(100, 100 * self.done // self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class Setup:
    """The state of every part.

    Attributes:
        parts: The parts, in the order in which they are installed.
        active: Whether somebody installs now.
        wanted: Whether what is lacking will be installed without being asked for.
        log: The file with everything that pip said.
    """

    parts: tuple[PartState, ...]
    active: bool
    wanted: bool
    log: Path

    @property
    def ready(self) -> bool:
        """Whether everything is there."""
        return all(part.state == "ready" for part in self.parts)

    @property
    def current(self) -> PartState | None:
        """The part that is being installed."""
        moving = ("looking", "downloading", "building", "installing")
        return next((part for part in self.parts if part.state in moving), None)

    def of(self, name: str) -> PartState:
        """Return the state of one part."""
        return next(part for part in self.parts if part.name == name)


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a feature lacks.

    Attributes:
        feature: The feature's name.
        parts: The parts that it waits for.
        current: The part that is being installed now, None where nobody installs.
        coming: Whether they are being installed, or will be without being asked for.
        message: What is lacking, in a sentence.
        hint: What to do about it.
    """

    feature: str
    parts: tuple[PartState, ...]
    current: PartState | None
    coming: bool
    message: str
    hint: str

    def error(self) -> DependencyMissing:
        """Return it as an error."""
        return DependencyMissing(self.message, hint=self.hint)


def setup_state(place: Place | None = None) -> Setup:
    """Return how far every part is.

    Args:
        place: The environment; this process's own by default.
    """
    place = place or Place()
    packages = place.packages()
    if all(complete(part, packages) for part in PARTS):
        ready = tuple(_state(part, "ready") for part in PARTS)
        return Setup(ready, active=False, wanted=False, log=place.log)
    active, wanted, status = place.busy(), bool(place.read(WANTED)), place.read(STATUS)
    found = []
    for part in PARTS:
        if complete(part, packages):
            found.append(_state(part, "ready"))
        else:
            found.append(_unfinished(part, status, active, wanted))
    return Setup(tuple(found), active=active, wanted=wanted, log=place.log)


def _state(part: Part, state: State, **more: Any) -> PartState:
    return PartState(part.name, part.title, part.purpose, state, **more)


def _unfinished(part: Part, status: dict[str, Any], active: bool, wanted: bool) -> PartState:
    failed = status.get("failed", {}).get(part.name)
    if active and status.get("part") == part.name:
        phase, done, total = status["phase"], int(status["done"]), int(status["total"])
        detail = _detail(phase, str(status["what"]), done, total)
        return _state(
            part, phase, since=float(status["since"]), detail=detail, done=done, total=total
        )
    if failed:
        state: State = "offline" if failed.get("offline") else "failed"
        return _state(part, state, detail=str(failed.get("reason", "")))
    return _state(part, "waiting" if active or wanted else "missing")


def _detail(phase: str, what: str, done: int, total: int) -> str:
    words = _DOING[phase]
    if phase == "downloading":
        size = f"{total / 1e6:,.0f} MB" if total >= 1e6 else f"{total / 1e3:,.0f} kB"
        amount = f"{done / 1e6:,.0f} of {size}" if done else size
        return f"{words} {what}, {amount}"
    return f"{words}, {100 * done // total}%" if total and phase == "building" else words


def lasting(seconds: float) -> str:
    """Return a length of time in the words of a sentence: ``40 s``, ``3 min``, ``1 h 5 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def left_s(setup: Setup, names: tuple[str, ...], *, now: float | None = None) -> float:
    """Return about how many seconds it will be until some parts are there.

    It is what the parts up to the last of them usually take, less what has passed; a guess, for
    it knows nothing of how fast the line is.
    """
    now = time.time() if now is None else now
    last = max((index for index, part in enumerate(PARTS) if part.name in names), default=-1)
    total = 0.0
    for part, state in zip(PARTS[: last + 1], setup.parts[: last + 1], strict=True):
        if state.state in ("ready", "failed", "offline"):
            continue
        usual = part.seconds * (2 / (os.cpu_count() or 2) if part.compiled else 1)
        if state.since and state.total and state.done:
            passed = now - state.since
            total += max(passed * (state.total - state.done) / state.done, 1.0)
        else:
            total += max(usual - (now - state.since if state.since else 0), _LEAST_S)
    return total


def lacking(feature: str, place: Place | None = None) -> Lacking | None:
    """Return what a feature lacks, or None where it can go on.

    Args:
        feature: A name of :data:`engine.setup.parts.NEEDS`.
        place: The environment; this process's own by default.
    """
    place = place or Place()
    packages = place.packages()
    needed = (*NEEDS[feature][1], CORE.name)
    if all(complete(part, packages) for part in PARTS if part.name in needed):
        return None
    return lacking_in(setup_state(place), feature)


def lacking_in(setup: Setup, feature: str) -> Lacking | None:
    """Return what a feature lacks in a state that was looked up already."""
    title, needed = NEEDS[feature]
    parts = tuple(part for part in setup.parts if part.name in needed and part.state != "ready")
    if not parts and setup.of(CORE.name).state != "ready":
        parts = (setup.of(CORE.name),)
    if not parts:
        return None
    message = f"{title} needs {' and '.join(part.title for part in parts)}"
    stuck = next((part for part in parts if part.state in ("failed", "offline")), None)
    coming = stuck is None and (setup.active or setup.wanted)
    if stuck is not None:
        message += f": {stuck.detail}"
        hint = f"try again with: {FIX}"
        if stuck.state == "failed":
            hint += f"; pip's own words are in {shell_path(setup.log)}"
    elif not coming:
        message += ", not installed"
        hint = f"install with: {FIX}"
    elif not setup.active:
        # It was interrupted, or has not begun: the app and the verbs that wait go on with it.
        message += ", not installed yet"
        hint = f"go on with: {FIX}"
    else:
        message += ", still being installed"
        if (current := setup.current) is not None:
            message += f" ({current.title}: {_since(current)})"
        about = lasting(left_s(setup, tuple(part.name for part in parts)))
        hint = f"it goes on by itself, about {about} more"
    return Lacking(feature, parts, setup.current, coming, message, hint)


def _since(part: PartState) -> str:
    passed = time.time() - part.since
    return f"{part.detail}, for {lasting(passed)}" if part.since and passed >= 1 else part.detail


def require(feature: str, place: Place | None = None) -> None:
    """See that what a feature needs is installed.

    Raises:
        DependencyMissing: It is not; the message says what is lacking, the hint what to do.
    """
    found = lacking(feature, place)
    if found is not None:
        raise found.error()
