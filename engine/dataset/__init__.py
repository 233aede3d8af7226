"""Datasets: approved examples, checked, divided, frozen, and exported."""

from engine.dataset.draft import Cut, DatasetOptions, Draft, draft
from engine.dataset.formats import FORMATS, ExportReport, export
from engine.dataset.freeze import freeze
from engine.dataset.frozen import Frozen, FrozenInfo, datasets, load, read_frozen
from engine.dataset.gate import Refusal, gate
from engine.dataset.groups import Grouping
from engine.dataset.leak import LeakPair, LeakSummary
from engine.dataset.meter import leaks
from engine.dataset.near import NearDuplicates
from engine.dataset.notices import Notice
from engine.dataset.rows import Row, read_rows, row_of
from engine.dataset.stats import Bin, DatasetStats, default_options, stats

__all__ = [
    "FORMATS",
    "Bin",
    "Cut",
    "DatasetOptions",
    "DatasetStats",
    "Draft",
    "ExportReport",
    "Frozen",
    "FrozenInfo",
    "Grouping",
    "LeakPair",
    "LeakSummary",
    "NearDuplicates",
    "Notice",
    "Refusal",
    "Row",
    "datasets",
    "default_options",
    "draft",
    "export",
    "freeze",
    "gate",
    "leaks",
    "load",
    "read_frozen",
    "read_rows",
    "row_of",
    "stats",
]
