"""Rows that stand inside one JSON object, as tables written by columns or by splits do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.sources.columns import known
from engine.sources.messages import ROLE_KEYS, ROLES
from engine.sources.records import Record


def unboxed(record: Record) -> Iterator[Record]:
    """Yield the rows of a record that holds several, or the record itself.

    Understood are columns of values (as ``datasets`` and pandas write them), rows by
    their index or split, and the tables of pandas with ``orient="split"``.
    """
    found = _rows(record.fields)
    if found is None:
        yield record
        return
    for number, fields in enumerate(found, record.number):
        yield replace(record, fields=fields, number=number)


def _rows(fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    values = list(fields.values())
    if not values or isinstance(values[0], str):
        return None
    told, tasks = fields.get("Definition"), fields.get("Instances")
    if isinstance(told, list) and told and isinstance(tasks, list):
        # Natural Instructions: one task a file, and what it is about in each instance.
        held = (task for task in tasks if isinstance(task, dict))
        return [{"instruction": told[0], **task} for task in held]
    names, data = fields.get("columns"), fields.get("data")
    if (
        isinstance(names, list)
        and isinstance(data, list)
        and all(isinstance(row, list) and len(row) == len(names) for row in data)
    ):
        return [dict(zip(map(str, names), row, strict=True)) for row in data]
    if len(values) > 1 and all(_is_column(value) for value in values):
        return _of_columns(fields)
    if all(isinstance(value, dict) and _is_row(value) for value in values):
        return values
    if all(_is_rows(value) for value in values):
        return [{**row, "split": name} for name, rows in fields.items() for row in rows]
    return None


def _is_row(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    columns = known(value)
    return columns is not None and columns.whole


def _is_rows(value: Any) -> bool:
    if not isinstance(value, list) or not value or not _is_row(value[0]):
        return False
    if _is_said(value[0]):
        # A message whose text holds markers looks like a row; its list is one conversation.
        return False
    return all(isinstance(row, dict) for row in value)


def _is_said(value: Mapping[str, Any]) -> bool:
    speakers = (value.get(key) for key in ROLE_KEYS)
    return any(isinstance(name, str) and name.strip().lower() in ROLES for name in speakers)


def _is_column(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and not isinstance(value[0], dict | list)
    return isinstance(value, dict) and value.keys() >= {"0"}


def _of_columns(fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    columns = known(fields)
    if columns is None or not columns.answer:
        return None
    held = {name: value if isinstance(value, list) else list(value.values())
            for name, value in fields.items()}  # fmt: skip
    lengths = {len(value) for value in held.values()}
    if len(lengths) != 1:
        return None
    return [{name: value[at] for name, value in held.items()} for at in range(lengths.pop())]
