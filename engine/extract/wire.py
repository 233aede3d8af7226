"""Scans and first looks as JSON, for the way between a child process and its caller."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.extract.scan import Preview, ScanReport
from engine.models import Alternative, Example, Provenance, Turn
from engine.sources import Detection


def report_out(report: ScanReport) -> dict[str, Any]:
    """Return a report as JSON; what was skipped is in the store and is left out."""
    return {
        "documents": report.documents,
        "examples": report.examples,
        "new": report.new,
        "vanished": report.vanished,
        "changed": report.changed,
        "files_read": report.files_read,
        "files_kept": report.files_kept,
        "kinds": dict(report.kinds),
        "sections": report.sections,
        "skipped_count": report.skipped_count,
        "cancelled": report.cancelled,
    }


def report_in(document: dict[str, Any]) -> ScanReport:
    """Return the report that :func:`report_out` was given."""
    return ScanReport(**document)


def detection_out(detection: Detection) -> dict[str, Any]:
    """Return a detection as JSON."""
    return {
        "kind": detection.kind,
        "confidence": detection.confidence,
        "why": detection.why,
        "options": dict(detection.options),
        "choices": {name: list(values) for name, values in detection.choices.items()},
    }


def detection_in(document: dict[str, Any]) -> Detection:
    """Return the detection that :func:`detection_out` was given."""
    choices = {name: tuple(values) for name, values in document["choices"].items()}
    return Detection(**{**document, "choices": choices})


def preview_out(preview: Preview) -> dict[str, Any]:
    """Return a first look as JSON."""
    return {
        "detection": detection_out(preview.detection),
        "documents": preview.documents,
        "examples_by_kind": dict(preview.examples_by_kind),
        "first": [_example_out(example) for example in preview.first],
        "skipped_by_code": dict(preview.skipped_by_code),
        "more": dict(preview.more),
        "told": list(preview.told),
    }


def preview_in(document: dict[str, Any]) -> Preview:
    """Return the first look that :func:`preview_out` was given."""
    return Preview(
        detection_in(document["detection"]),
        document["documents"],
        document["examples_by_kind"],
        tuple(_example_in(example) for example in document["first"]),
        document["skipped_by_code"],
        document["more"],
        told=tuple(document["told"]),
    )


def _example_out(example: Example) -> dict[str, Any]:
    place = example.provenance
    return {
        "id": example.id,
        "kind": example.kind,
        "turns": [[turn.role, turn.content] for turn in example.turns],
        "provenance": {**asdict(place), "tags": list(place.tags)},
        "score": example.score,
        "reason": example.reason,
        "metadata": dict(example.metadata),
        "alternatives": [[other.turn, other.content] for other in example.alternatives],
    }


def _example_in(document: dict[str, Any]) -> Example:
    place = document["provenance"]
    return Example(
        **{
            **document,
            "turns": tuple(Turn(role, content) for role, content in document["turns"]),
            "provenance": Provenance(**{**place, "tags": tuple(place["tags"])}),
            "alternatives": tuple(
                Alternative(turn, content) for turn, content in document["alternatives"]
            ),
        }
    )
