"""Whether a run will fit, before its first step: peak memory by part, and settings that fit."""

from __future__ import annotations

from engine.train.fit.fit import Fit, Model, fit, model_of
from engine.train.fit.nearest import Nearest
from engine.train.fit.parts import PART_WORDS, Parts
from engine.train.fit.predict import Batch, longest_batch
from engine.train.fit.target import Target, of_gpu, parse_target, processor

__all__ = [
    "PART_WORDS",
    "Batch",
    "Fit",
    "Model",
    "Nearest",
    "Parts",
    "Target",
    "fit",
    "longest_batch",
    "model_of",
    "of_gpu",
    "parse_target",
    "processor",
]
