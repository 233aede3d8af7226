"""The README.md of a frozen dataset: what it is, for a person and for the hub's viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dataset_card(manifest: Mapping[str, Any]) -> str:
    """Return a dataset card in Markdown, made of the manifest alone."""
    counts, settings = manifest["counts"], manifest["settings"]
    lines = [
        "---",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: train.jsonl",
        "  - split: validation",
        "    path: validation.jsonl",
        "---",
        "",
        f"# {manifest['name']}",
        "",
        "Conversations that a person approved one by one, frozen by finetui.",
        "",
        "| | train | validation |",
        "|---|---:|---:|",
        f"| rows | {counts['train']:,} | {counts['validation']:,} |",
    ]
    tokens = manifest["tokens"]
    if tokens:
        train, validation = tokens["train"], tokens["validation"]
        lines += [
            f"| {label} | {train[key]:,} | {validation[key]:,} |"
            for label, key in (
                ("tokens", "all"),
                ("trained tokens", "trained"),
                ("longest row, tokens", "longest"),
                ("rows cut at the end", "truncated_rows"),
            )
        ]
    base = manifest["base"]
    refused = sum(counts["refused"].values())
    lines += [
        "",
        'Each line is `{"messages": [{"role", "content"}, …], "id", "metadata"}`.',
        "",
        f"- Approved examples: {counts['approved']:,}; left out as copies: "
        f"{counts['duplicates']:,}; refused by the gate: {refused:,}.",
        f"- Held out: {settings['validation_fraction']:.0%} asked for, seed {settings['seed']}; "
        "no document has rows on both sides.",
        f"- Longest sequence: {settings['max_length'] or 'not limited'}"
        + (f"; tokens are those of {base['name']}." if base else "."),
        f"- Content hash: `{manifest['content_hash']}`.",
        "",
        "It holds a person's own words. Look at it before giving it to anybody.",
        "",
    ]
    return "\n".join(lines)
