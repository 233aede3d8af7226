"""Training: a specification, a plan of what it will be, and a recipe that a child process runs."""

from __future__ import annotations

from engine.train.defaults import default_base, default_preset, newest_dataset
from engine.train.phases import Leaves, leaves_when_stopped
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
from engine.train.start import Resumed, check_resume, resume, start

__all__ = [
    "ALL_LINEAR",
    "ATTENTION",
    "PRESETS",
    "Leaves",
    "Plan",
    "Preset",
    "Resumed",
    "TrainSpec",
    "changed",
    "check_resume",
    "default_base",
    "default_preset",
    "leaves_when_stopped",
    "load_spec",
    "make_spec",
    "newest_dataset",
    "plan",
    "resume",
    "start",
]
