"""A look at what may be an instruction set: layouts, columns, and how sure they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.sources.base import Detection, Survey
from engine.sources.columns import ROLES, Columns, fold, known
from engine.sources.files import Item, Refused
from engine.sources.instructions.exact import conversations, told_by
from engine.sources.instructions.guess import MAX_SHOWN, columns_of
from engine.sources.instructions.layout import is_data
from engine.sources.instructions.plan import Plan, looked_ahead, made
from engine.sources.marked import style_of
from engine.sources.messages import speaks
from engine.sources.refusals import OTHER_DATA
from engine.sources.tables import FORMATS, Format, rows
from engine.sources.tables.formats import TEXT_SUFFIXES, suffix_inside
from engine.sources.turns import made_of

SAMPLE_FILES = 30
ROWS_OF_ONE = 500
ROWS_OF_MANY = 50

_OWN = 1.0
_PAIR = 0.95
_MESSAGES = 0.66
_AKIN = 0.6
_OTHER = 0.3
_UNCLEAR = 0.2
_HALVES = {"no-answer": "questions without answers", "no-question": "answers without questions"}
_NO_TURNS = ("no-turns", "labels-only", "token-ids", *_HALVES)
_NOTES = (".md", ".markdown")
_SAVED = ("dataset_dict.json", "state.json")
_PAPERS = ("readme", "license", "changelog", "contributing")


@dataclass(slots=True)
class Look:
    """What the looked-at rows are.

    Attributes:
        rows: How many there are.
        files: How many files of rows were looked at.
        layouts: How many rows there are of each layout.
        other: How many rows, or whole files, are data of another sort, by code.
        reasons: Why whole files are not read.
        weight: The rows that can be read, each as sure as its layout.
        columns: The columns seen.
        used: Which columns ask and answer, as often as they do.
        formats: The files' formats.
    """

    rows: int = 0
    files: int = 0
    layouts: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    weight: float = 0.0
    columns: dict[str, None] = field(default_factory=dict)
    used: Counter[Columns] = field(default_factory=Counter)
    formats: Counter[Format] = field(default_factory=Counter)


def detected(kind: str, survey: Survey) -> Detection | None:
    """Return what a surveyed path holds, if it is an instruction set."""
    items = list(_candidates(survey))
    look = Look()
    for item in items[:SAMPLE_FILES]:
        _at_file(item, look, ROWS_OF_ONE if len(items) == 1 else ROWS_OF_MANY)
    if not look.rows and not look.other and not look.reasons:
        return None
    readable = sum(look.layouts.values())
    if readable:
        akin = sum(count for code, count in look.other.items() if code not in _NO_TURNS)
        sure = (look.weight + _AKIN * akin) / look.rows * _share(survey, len(items))
    elif look.other or look.reasons:
        other = sum(look.other.values())
        sure = _OTHER * other / look.rows if other else _UNCLEAR
    else:
        return None
    saved = any(item.name.rpartition("/")[2] in _SAVED for item in survey.items)
    return Detection(
        kind,
        round(min(sure, 1.0), 2),
        ("a saved datasets folder; " if saved else "")
        + _why(look, readable, len(items) if len(items) > SAMPLE_FILES else look.files),
        _options(look),
        {role: tuple(look.columns)[:MAX_SHOWN] for role in ROLES} if look.columns else {},
    )


def _candidates(survey: Survey) -> Iterator[Item]:
    for item in survey.items:
        if survey.is_file or is_data(item.name) or suffix_inside(item.name) in TEXT_SUFFIXES:
            yield item


def _share(survey: Survey, files: int) -> float:
    """Return how far the rows make up a folder, in which notes may be the main thing."""
    notes = sum(
        item.suffix in _NOTES and item.name.rpartition("/")[2].split(".")[0].lower() not in _PAPERS
        for item in survey.items
    )
    return 1.0 if notes <= 2 * files else max(0.3, 2 * files / notes)


def _at_file(item: Item, look: Look, limit: int) -> None:
    try:
        found, stream = rows(item, lambda *_: None)
        first, rest = looked_ahead(stream, limit)
        del rest
    except Refused as refused:
        if refused.code in OTHER_DATA or refused.code == "no-header":
            look.files += 1
            look.reasons.append(refused.reason)
        return
    if not first:
        return
    fields = [record.fields for record in first]
    try:
        plan = made(fields, found, {})
    except Refused as refused:
        if refused.code in OTHER_DATA:
            look.other[refused.code] += len(first)
        elif "can't be told" in refused.reason:
            look.reasons.append(refused.reason)
        else:
            return
        look.rows += len(first)
        look.files += 1
        look.columns.update(dict.fromkeys(columns_of(fields)))
        return
    _at_rows(fields, plan, look, found)


def _at_rows(fields: Sequence[Mapping[str, Any]], plan: Plan, look: Look, found: Format) -> None:
    look.rows += len(fields)
    before = sum(look.layouts.values()) + sum(look.other.values())
    for row in fields:
        columns = plan.columns or known(row)
        try:
            made_of(row, columns) if plan.columns and columns else conversations(row)
        except Refused as refused:
            if refused.code in OTHER_DATA:
                look.other[refused.code] += 1
                continue
            if columns is None:
                if refused.code in _HALVES:
                    look.other[refused.code] += 1
                continue
            # A row with an empty answer or a tool's call is a row of its layout all the same.
        if columns is None:
            columns = Columns(messages="chat")
        look.layouts[_label(row, columns, plan)] += 1
        look.used[columns] += 1
        if told_by(row):
            look.weight += _OWN
        else:
            look.weight += plan.sure if plan.columns else _MESSAGES if columns.messages else _PAIR
    if sum(look.layouts.values()) + sum(look.other.values()) > before:
        look.files += 1
        look.formats[found] += 1
        look.columns.update(dict.fromkeys(columns_of(fields)))


def _label(row: Mapping[str, Any], columns: Columns, plan: Plan) -> str:
    """Return what a row's layout is called, with its columns."""
    if plan.columns and (columns.prompt or columns.answer):
        others = f" (or is it one of {', '.join(plan.others[:4])}?)" if plan.others else ""
        return f"{columns.prompt} asks and {columns.answer} answers, by {plan.by}{others}"
    if columns.messages:
        messages = row.get(columns.messages)
        names = [name for name in speaks(messages[0] if isinstance(messages, list) and messages
                                         else None) if name]  # fmt: skip
        called = "ShareGPT" if names[:1] == ["from"] else "messages"
        return f"{called}: {columns.messages}" + (f" ({', '.join(names)})" if names else "")
    if columns.text:
        text = row.get(columns.text)
        style = style_of(text) if isinstance(text, str) else None
        return f"{style.name if style else 'turn'} markers: {columns.text}"
    if not columns.answer:
        return f"self-instruct: {columns.prompt}, instances"
    named = [columns.system, columns.history, columns.prompt, columns.input, columns.answer]
    called = "alpaca" if fold(columns.prompt) == "instruction" else "prompt and answer"
    return f"{called}: {', '.join(name for name in named if name)}"


def _options(look: Look) -> dict[str, str]:
    """Return the columns, where all rows agree on them as far as they have them."""
    found: dict[str, str] = {}
    for columns in look.used:
        for role in ROLES:
            name = getattr(columns, role)
            if name and found.setdefault(role, name) != name:
                return {}
    if len([role for role in ("messages", "text", "prompt") if role in found]) > 1:
        return {}
    return found if "prompt" not in found or "answer" in found else {}


def _why(look: Look, readable: int, files: int) -> str:
    parts = [f"{name} in {count:,}" for name, count in look.layouts.most_common(3)]
    more = len(look.layouts) - 3
    if more > 0:
        parts.append(f"{more} more layouts")
    of = f" of {look.rows:,} rows" if look.rows else ""
    where = "" if files < 2 else f" looked at in {files:,} files"
    formats = [FORMATS[name] for name, _ in look.formats.most_common() if name != "json"]
    written = f" ({', '.join(dict.fromkeys(formats))})" if formats else ""
    said = "; ".join(parts)
    if readable:
        said += f"{of}{where}{written}"
    called = {**OTHER_DATA, **_HALVES}
    others = [f"{called[code]} in {count:,}" for code, count in look.other.most_common(3)]
    if others:
        said += ("; " if said else "") + f"{', '.join(others)}{'' if readable else of + where}"
        said += ", which are not read"
    if look.reasons and not readable:
        said += ("; " if said else "") + look.reasons[0]
    return said
