"""Datasets: approved examples, checked, divided, frozen, and exported."""

from engine.dataset.draft import Cut, DatasetOptions, Draft, draft
from engine.dataset.formats import FORMATS, ExportReport, export
from engine.dataset.freeze import freeze
from engine.dataset.frozen import Frozen, FrozenInfo, datasets, load, read_frozen, require_dataset
from engine.dataset.gate import Refusal, gate
from engine.dataset.groups import Grouping
from engine.dataset.leak import LeakPair, LeakSummary
from engine.dataset.meter import leaks, leaks_of_draft
from engine.dataset.near import NearDuplicates
from engine.dataset.notices import Notice
from engine.dataset.overview import Overview, Truncation, base_of, overview, truncation
from engine.dataset.preview import RowsToPreview, rows_to_preview
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
    "Overview",
    "Refusal",
    "Row",
    "RowsToPreview",
    "Truncation",
    "base_of",
    "datasets",
    "default_options",
    "draft",
    "export",
    "freeze",
    "gate",
    "leaks",
    "leaks_of_draft",
    "load",
    "overview",
    "read_frozen",
    "read_rows",
    "require_dataset",
    "row_of",
    "rows_to_preview",
    "stats",
    "truncation",
]
