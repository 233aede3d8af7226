"""Where a note's frontmatter ends, and whether what stands between two rules is any.

A line of three dashes also divides prose, as CommonMark's thematic break. So what stands
between the first two is frontmatter only where it is a mapping of data; else it is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from engine.sources.yamlblock import MAX_LENGTH, Load, Loaded, load_block

_SIMPLE_LINE = re.compile(r"^([A-Za-z][\w -]{0,60}):[ \t]*(.*)$")
_YAML_LINE = re.compile(
    r"^(?:[ \t#%\]}]|[-?:](?:\s|$)|"
    r"(?:\"[^\"]{1,80}\"|'[^']{1,80}'|[^\W\d][\w .@/-]{0,60}):(?:\s|$))"
)
_TOML_LINE = re.compile(r"^(?:[ \t#\[\]}]|\"?[\w.-]{1,60}\"?\s*=)")
_WITHIN = 200
_BLANK = "\ufeff\u200b \t"  # what editors leave before the first mark
_BORDERS = {
    "---": "yaml", "---yaml": "yaml", "---yml": "yaml", "---json": "json", "---toml": "toml",
    "+++": "toml", ";;;": "json",
}  # fmt: skip
_ENDS = {"yaml": ("---", "..."), "json": ("---", ";;;"), "toml": ("---", "+++")}
_MARKS = ("---", "+++", ";;;")
_SAID = (
    "title titel titlu titre título subtitle description beschreibung descriere descripción "
    "descrição summary zusammenfassung rezumat résumé resumen resumo excerpt abstract headline "
    "citation quote prompt instructions lead teaser tagline tags keywords aliases"
)
_DESCRIPTIONS = frozenset(_SAID.split())
"""Keys whose value may be a sentence or a long list, and is data all the same."""
_SENTENCE_WORDS, _LONG_WORDS, _SHORT_WORDS = 12, 20, 3
_NOTHING = Loaded()


class Parts(NamedTuple):
    """A note split: its frontmatter if it has any, its body, and the body's first line.

    ``loaded`` is what the frontmatter says, and what is wrong with it or its borders.
    """

    block: str | None
    body: str
    body_line: int = 1
    loaded: Loaded = _NOTHING


def split(text: str, load: Load | None = None) -> Parts:
    """Split off the frontmatter: YAML, TOML between ``+++``, or JSON. Never raises.

    Args:
        text: The note.
        load: Loads YAML that is not plain, with the loader that it is given.
    """
    if text[:4] == "---\n":
        # The usual case: nothing in the block looks like anything else than YAML.
        end = text.find("\n---", 3)
        after = text.find("\n", end + 4) if end > 0 else -1
        if after < 0:
            after = len(text)
        if end > 0 and not text[end + 4 : after].strip():
            block = text[3:end]
            if "\n#" not in block and "\n ..." not in block and "\n..." not in block:
                loaded = load_block(block, load)
                if _is_front(block, loaded):
                    line = text.count("\n", 0, after) + 2
                    return Parts(block, text[after + 1 :], line, loaded)
    head = text[:_WITHIN].lstrip(f"{_BLANK}\n")
    if head.startswith(_MARKS):
        return _split_lines(text.split("\n"), text, load)
    return _split_object(text) if head[:1] == "{" else Parts(None, text)


def _split_lines(lines: list[str], text: str, load: Load | None) -> Parts:
    start = 0
    while start < len(lines) and not lines[start].strip(_BLANK):
        start += 1
    form = _BORDERS.get(lines[start].strip(_BLANK), "") if start < len(lines) else ""
    if not form:
        return Parts(None, text)
    mark = lines[start].strip(_BLANK)[:3]
    for end in range(start + 1, len(lines)):
        line = lines[end]
        if line[:3] in (mark, "...") and line.rstrip() in _ENDS[form]:
            block = "\n" * (start + 1) + "\n".join(lines[start + 1 : end])
            loaded = _LOADS[form](block, load)
            if _is_front(block, loaded, form):
                return Parts(block, "\n".join(lines[end + 1 :]), end + 2, loaded)
            break
        if line[:2] == "##" and line.lstrip("#")[:1] in (" ", "\t"):
            break
    return _never_closed(lines, start, text, load) if form == "yaml" else Parts(None, text)


def _never_closed(lines: list[str], start: int, text: str, load: Load | None) -> Parts:
    """Take the plain lines behind a rule for frontmatter, where they are data."""
    if start + 1 >= len(lines) or not _SIMPLE_LINE.match(lines[start + 1]):
        return Parts(None, text)
    end = start + 1
    while end < len(lines) and (_SIMPLE_LINE.match(lines[end]) or lines[end][:1] in (" ", "-")):
        if lines[end].rstrip() == "---":
            break
        end += 1
    block = "\n" * (start + 1) + "\n".join(lines[start + 1 : end])
    loaded = load_block(block, load)
    if not loaded.values or _is_written(f"\n{block}", loaded.values):
        return Parts(None, text)
    problem = "the frontmatter is never closed with ---"
    loaded = Loaded(loaded.values, problem, start + 1, "broken-yaml")
    return Parts(block, "\n".join(lines[end:]), end + 1, loaded)


def _split_object(text: str) -> Parts:
    """Split off frontmatter that is a JSON object, as Hugo takes it."""
    start = text.index("{")
    try:
        values, end = json.JSONDecoder().raw_decode(text[: MAX_LENGTH + start], start)
    except (ValueError, RecursionError):
        return Parts(None, text)
    rest, _, body = text[end:].partition("\n")
    if not isinstance(values, dict) or not values or rest.strip():
        return Parts(None, text)
    line = text.count("\n", 0, end) + 2
    return Parts(text[start:end], body, line, Loaded(_flat(values)))


def _load_toml(block: str, _: Load | None) -> Loaded:
    import tomllib

    if len(block) > MAX_LENGTH:
        return _bad("it is longer than any that is written by hand", 1, "toml")
    try:
        return Loaded(_flat(tomllib.loads(block)))
    except (ValueError, RecursionError) as error:
        found = re.search(r"line (\d+)", str(error))
        return _bad(str(error), int(found[1]) if found else 1, "toml")


def _load_json(block: str, _: Load | None) -> Loaded:
    bare = block.strip()
    try:
        # Hexo leaves the braces out.
        values = json.loads(bare if bare[:1] == "{" else f"{{{bare}}}")
    except json.JSONDecodeError as error:
        return _bad(error.msg, block[: block.find(bare)].count("\n") + error.lineno, "json")
    except (ValueError, RecursionError):
        return _bad("it is nested too deeply or has too large a number", 1, "json")
    return Loaded(_flat(values)) if isinstance(values, dict) else _NOTHING


def _bad(what: str, line: int, form: str) -> Loaded:
    problem = f"the frontmatter is not valid {form.upper()}: {what}"
    return Loaded({}, problem, line, f"broken-{form}")


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those of Zola's and Hugo's tables for tags among them."""
    inner = values.get("taxonomies")
    return {**inner, **values} if isinstance(inner, dict) else dict(values)


_LOADS: dict[str, Callable[[str, Load | None], Loaded]] = {
    "yaml": load_block,
    "toml": _load_toml,
    "json": _load_json,
}


def _is_front(block: str, loaded: Loaded, form: str = "yaml") -> bool:
    """Say whether a block is frontmatter: a mapping of data, or empty, or meant as one."""
    if loaded.problem:
        return _is_meant(block, form)
    if not loaded.values:
        return not block.strip()
    return form != "yaml" or not _is_written(block, loaded.values)


def _is_meant(block: str, form: str) -> bool:
    """Say whether a block that can't be parsed was meant as data, by the look of its lines."""
    lines = [line for line in block[:MAX_LENGTH].split("\n") if line.strip()]
    if form == "json":
        return lines[0].lstrip()[:1] in ("{", '"') if lines else False
    pattern = _TOML_LINE if form == "toml" else _YAML_LINE
    keyed = lines and lines[0][:1] not in "-#" and lines[0][:1].strip() != ""
    return bool(keyed) and all(map(pattern.match, lines)) and not _runs_on(lines)


def _runs_on(lines: Sequence[str]) -> bool:
    """Say whether every line with a key is a sentence."""
    pairs = [match for line in lines if (match := _SIMPLE_LINE.match(line))]
    return bool(pairs) and all(_is_sentence(pair[1], pair[2], _SENTENCE_WORDS) for pair in pairs)


def _is_written(block: str, values: Mapping[str, Any]) -> bool:
    """Say whether a mapping is prose with a colon in it: nothing stands there but sentences."""
    if not all(_is_sentence(key, value, _SHORT_WORDS) for key, value in values.items()):
        return False
    # No tool writes an empty line between a border and the first key.
    apart = block[:2] == "\n\n"
    if not apart and not any(_is_sentence(*pair, _SENTENCE_WORDS) for pair in values.items()):
        return False
    return all(
        match is None or match[2][:1] not in "\"'|>[{&!"
        for match in map(_SIMPLE_LINE.match, block.split("\n"))
        if match is None or match[2]
    )


def _is_sentence(key: str, value: object, least: int) -> bool:
    if not isinstance(value, str) or key.strip().lower() in _DESCRIPTIONS:
        return False
    count = len(value.split())
    ends = value.rstrip("\"'”“»)*_ ")[-1:] in (".", "!", "?", "…", "。", "！", "？")
    return count >= _LONG_WORDS or (ends and (count >= least or len(value) > 80))
