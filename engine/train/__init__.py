"""Training: a specification, a plan of what it will be, and a recipe that a child process runs."""

from __future__ import annotations

from engine.train.plan import Plan, plan
from engine.train.spec import (
    ALL_LINEAR,
    ATTENTION,
    PRESETS,
    Preset,
    TrainSpec,
    changed,
    load_spec,
    make_spec,
)
from engine.train.start import resume, start

__all__ = [
    "ALL_LINEAR",
    "ATTENTION",
    "PRESETS",
    "Plan",
    "Preset",
    "TrainSpec",
    "changed",
    "load_spec",
    "make_spec",
    "plan",
    "resume",
    "start",
]
