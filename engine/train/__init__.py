"""Training: a specification, a plan of what it will be, and a recipe that a child process runs."""

from __future__ import annotations

from engine.train.defaults import base_and_preset, default_base, default_preset, newest_dataset
from engine.train.phases import Leaves, leaves_when_stopped
from engine.train.plan import Plan, plan
from engine.train.presets import ALL_LINEAR, ATTENTION, PRESETS, Preset, find_preset
from engine.train.spec import TrainSpec, changed, load_spec, make_spec
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
    "base_and_preset",
    "changed",
    "check_resume",
    "default_base",
    "default_preset",
    "find_preset",
    "leaves_when_stopped",
    "load_spec",
    "make_spec",
    "newest_dataset",
    "plan",
    "resume",
    "start",
]
