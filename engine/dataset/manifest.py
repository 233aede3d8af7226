"""The manifest of a frozen dataset: what it is, what decided it, and what is known of it.

Nothing in it depends on when or where it was frozen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from engine import __version__
from engine.dataset.draft import Draft
from engine.dataset.figures import describe_rows
from engine.dataset.frozen import MANIFEST_VERSION, file_hash
from engine.dataset.gate import Checked

MOST_CUTS = 1_000
"""How many rows that are cut off are named; all are counted."""

_PACKAGES = ("tokenizers", "detect-secrets", "sentence-transformers")


def describe(made: Draft, head: int) -> dict[str, Any]:
    """Return what a manifest says of a draft, before it has a name.

    Args:
        made: The draft.
        head: The number of the last decision before the examples were read.
    """
    sides = made.sides
    total = len(made.train) + len(made.validation) + len(made.test)
    cuts = made.cuts
    return {
        "counts": {
            "approved": made.approved,
            **{side: len(rows) for side, rows in sides.items()},
            "duplicates": made.duplicates,
            "left_out": dict(made.left_out),
            "refused": made.refused_by_code,
        },
        "shares": {side: round(len(rows) / total, 4) for side, rows in sides.items()},
        "refused": {one.example_id: one.code for one in made.refusals},
        "held_back": dict(sorted(made.held_back.items())),
        "allowed_secrets": {one: list(codes) for one, codes in made.allowed_secrets.items()},
        "tokens": _tokens(made),
        "truncation": {
            "rows": len(cuts),
            "tokens": sum(cut.tokens for cut in cuts),
            "trained": sum(cut.trained for cut in cuts),
            "examples": [asdict(cut) for cut in cuts[:MOST_CUTS]],
        },
        "settings": _settings(made),
        "groups": {
            "count": len(made.grouping.groups),
            "largest": made.grouping.largest,
            "joined": made.grouping.joined,
            "templates": [asdict(one) for one in made.grouping.templates],
        },
        "near_duplicates": made.near.as_dict() if made.near else None,
        "earlier": list(made.earlier),
        "leak": None,
        "statistics": describe_rows(sides, made.sources),
        "notices": [asdict(one) for one in made.notices],
        "base": None
        if made.base is None
        else {"name": made.base.name, "fingerprint": made.base.fingerprint},
        "sources": _sources(made),
        "decisions": {"head": head, "hash": decisions_hash(made.decisions)},
        "versions": _versions(made.checks),
    }


def identity(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells datasets with the same rows apart: settings, and what is known of them."""
    return {
        "settings": described["settings"],
        "near_duplicates": described["near_duplicates"],
        "statistics": described["statistics"],
        "allowed_secrets": described["allowed_secrets"],
    }


def manifest_of(
    name: str, content: str, files: Mapping[str, bytes], described: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the manifest of a dataset with a name."""
    return {
        "v": MANIFEST_VERSION,
        "name": name,
        "content_hash": content,
        "files": {
            file: {"sha256": file_hash(data), "bytes": len(data), "rows": data.count(b"\n")}
            for file, data in files.items()
        },
        **described,
    }


def _settings(made: Draft) -> dict[str, Any]:
    options = made.options
    return {
        "validation_fraction": options.validation_fraction,
        "test_fraction": options.test_fraction,
        "seed": options.seed,
        "system_prompt": options.system_prompt.strip(),
        "max_length": options.max_length,
        "filters": options.filters(),
        # Their folders are nobody else's business.
        "holdout": list(made.holdout_names),
        # What the gate lets through depends on it.
        "base_fingerprint": made.base.fingerprint if made.base else "",
    }


def _tokens(made: Draft) -> dict[str, Any] | None:
    if made.base is None:
        return None

    def counts(rows: Sequence[Checked]) -> dict[str, int]:
        return {
            "all": sum(one.tokens for one in rows),
            "trained": sum(one.trained for one in rows),
            "longest": max((one.tokens for one in rows), default=0),
            "truncated_rows": sum(one.truncated > 0 for one in rows),
            "truncated_tokens": sum(one.truncated for one in rows),
            "lost_trained": sum(one.lost for one in rows),
        }

    return {side: counts(rows) for side, rows in made.sides.items()}


def _sources(made: Draft) -> dict[str, int]:
    """Return rows by source. Their folders' paths are nobody else's business."""
    counts: dict[str, int] = {}
    for one in (*made.train, *made.validation, *made.test):
        source = str(one.row.metadata.get("source", ""))
        counts[source] = counts.get(source, 0) + 1
    return dict(sorted(counts.items()))


def decisions_hash(decisions: Sequence[tuple[str, str]]) -> str:
    """Return the hash of what was approved, and with which text; when and by whom is not in it."""
    text = json.dumps(decisions).encode()
    return "b2-" + hashlib.blake2b(text, digest_size=16).hexdigest()


def _versions(checks: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {"finetui": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["checks"] = {name: list(versions) for name, versions in checks.items()}
    return found
