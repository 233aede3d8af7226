"""The README.md of a frozen dataset: what it is, for a person and for the hub's viewer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.similarity.levels import misses_paraphrases

_MOST = 12
_MARKUP = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|#"})


def dataset_card(manifest: Mapping[str, Any]) -> str:
    """Return a dataset card in Markdown, made of the manifest alone."""
    sides = [side for side in ("train", "validation", "test") if side in manifest["counts"]]
    parts = [
        _front_matter(sides),
        _introduction(manifest, sides),
        _statistics(manifest),
        _division(manifest, sides),
        _left_out(manifest),
        _notices(manifest),
        _origin(manifest),
    ]
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part) + "\n"


def _front_matter(sides: Sequence[str]) -> Iterator[str]:
    yield from ("---", "configs:", "- config_name: default", "  data_files:")
    for side in sides:
        yield f"  - split: {side}"
        yield f"    path: {side}.jsonl"
    yield "---"


def _introduction(manifest: Mapping[str, Any], sides: Sequence[str]) -> Iterator[str]:
    counts, tokens = manifest["counts"], manifest["tokens"]
    yield f"# {manifest['name']}"
    yield ""
    yield "Conversations that a person approved one by one, frozen by finetui."
    yield ""
    yield f"| | {' | '.join(sides)} |"
    yield f"|---|{'---:|' * len(sides)}"
    yield f"| rows | {' | '.join(f'{counts[side]:,}' for side in sides)} |"
    if tokens:
        for label, key in (
            ("tokens", "all"),
            ("trained tokens", "trained"),
            ("longest row, tokens", "longest"),
            ("rows cut at the end", "truncated_rows"),
            ("trained tokens lost by that", "lost_trained"),
        ):
            yield f"| {label} | {' | '.join(f'{tokens[side][key]:,}' for side in sides)} |"
    yield ""
    yield 'Each line is `{"messages": [{"role", "content"}, …], "id", "metadata"}`.'


def _statistics(manifest: Mapping[str, Any]) -> Iterator[str]:
    known, tokens = manifest["statistics"], manifest["tokens"]
    yield "## Statistics"
    yield ""
    yield (
        f"- Average prompt: {known['prompt_chars']:,.0f} characters; average completion: "
        f"{known['completion_chars']:,.0f} characters; {known['turns_per_row']:g} messages a row"
        + (
            f", {known['conversations']:,} rows with several questions"
            * bool(known["conversations"])
        )
        + "."
    )
    if tokens:
        total = sum(side["all"] for side in tokens.values())
        yield f"- Total tokens: {total:,}, those of {manifest['base']['name']}."
    languages = _added(known["languages"].values())
    if any(languages):
        yield f"- Languages: {_shares(languages, unknown='not known')}."
    topics = known["tags"] or known["headings"]
    if topics:
        yield f"- Topics: {_counts(topics)}."
    yield f"- Kinds: {_counts(_added(known['kinds'].values()))}."
    yield f"- Sources: {_counts(known['sources'])}."
    quality = known["quality"]
    if quality["rows"]:
        low = sum(quality["tenths"][:5])
        yield (
            f"- Quality, from 0 to 1: {quality['average']:.2f} on average of {quality['rows']:,} "
            f"rows; {low:,} below 0.5."
        )
    if known["flags"]:
        yield f"- Flags that were left in: {_counts(known['flags'])}."


def _division(manifest: Mapping[str, Any], sides: Sequence[str]) -> Iterator[str]:
    settings, groups, near = (
        manifest["settings"],
        manifest["groups"],
        manifest["near_duplicates"],
    )
    yield "## Division"
    yield ""
    asked = f"{settings['validation_fraction']:.0%} asked for validation"
    if settings["test_fraction"]:
        asked += f", {settings['test_fraction']:.0%} for test"
    if settings["holdout"]:
        asked += f", and for test {', '.join(map(_plain, settings['holdout']))}"
    shares = ", ".join(f"{manifest['shares'][side]:.1%} {side}" for side in sides)
    yield f"- {asked}, seed {settings['seed']}; it is {shares}."
    yield (
        f"- {groups['count']:,} groups stay whole, the largest of {groups['largest']:,} rows: rows "
        "of one document, near-duplicates, rows with the same question or long answer."
    )
    if manifest["earlier"]:
        yield f"- Rows of {', '.join(manifest['earlier'])} keep their sides."
    if near and near["checked"]:
        level = near.get("level", "")
        open_to = "paraphrases may be on both sides"
        missed = (level, open_to) if misses_paraphrases(near["threshold"]) else ()
        name = f" ({'; '.join(filter(None, missed))})" if missed else ""
        yield (
            f"- Near-duplicates are those with a similarity of {near['threshold']:g} and "
            f"more{name}."
        )
    for one in manifest["leak"] or ():
        how = "by embeddings" if one["measured"] else "by text alone"
        yield (
            f"- Leaks, {how}: {one['over']:,} of {one['rows']:,} {one['side']} rows have a "
            f"near-duplicate that is trained on; the nearest is at {one['highest']:.2f}, "
            f"half are below {one['median']:.2f}."
        )


def _left_out(manifest: Mapping[str, Any]) -> Iterator[str]:
    counts, cut = manifest["counts"], manifest["truncation"]
    yield "## Left out"
    yield ""
    yield (
        f"- Approved examples: {counts['approved']:,}; left out as copies: "
        f"{counts['duplicates']:,}; refused by the gate: {sum(counts['refused'].values()):,}"
        + (f" ({_counts(counts['refused'])})." if counts["refused"] else ".")
    )
    for name, rows in counts["left_out"].items():
        wanted = manifest["settings"]["filters"].get(name)
        value = f" {_value(wanted)}" if wanted is not None and wanted is not True else ""
        yield f"- By {name.replace('_', ' ')}{value}: {rows:,}."
    yield f"- Longest sequence: {manifest['settings']['max_length'] or 'not limited'}" + (
        f"; cut off are {cut['tokens']:,} tokens of {cut['rows']:,} rows, "
        f"{cut['trained']:,} of them trained ones."
        if cut["rows"]
        else "."
    )
    if manifest["allowed_secrets"]:
        codes = sorted({code for found in manifest["allowed_secrets"].values() for code in found})
        yield (
            f"- What looks like a secret was let through by name in "
            f"{len(manifest['allowed_secrets']):,} rows: {', '.join(codes)}."
        )


def _notices(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["notices"]:
        yield "## To know"
        yield ""
    for one in manifest["notices"]:
        yield f"- {_plain(one['message'])}"


def _origin(manifest: Mapping[str, Any]) -> Iterator[str]:
    decisions = manifest["decisions"]
    yield f"Content hash: `{manifest['content_hash']}`; decisions: `{decisions['hash']}`."
    yield ""
    yield "It holds a person's own words. Look at it before giving it to anybody."


def _added(counts: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))


def _shares(counts: Mapping[str, int], *, unknown: str) -> str:
    total = sum(counts.values())
    shown = [
        f"{count / total:.0%} {_plain(name) or unknown}"
        for name, count in [*counts.items()][:_MOST]
    ]
    return ", ".join(shown) or unknown


def _counts(counts: Mapping[str, int]) -> str:
    shown = [f"{_plain(name) or 'none'} ({count:,})" for name, count in [*counts.items()][:_MOST]]
    return ", ".join(shown) + (", …" if len(counts) > _MOST else "")


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value}"


def _plain(text: str) -> str:
    """Return foreign text so that Markdown takes it for text."""
    return " ".join(text.split()).translate(_MARKUP)
