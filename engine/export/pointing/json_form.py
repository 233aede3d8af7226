"""JSON files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from engine.export.pointing.form import Change, NotThatForm
from engine.export.pointing.tree import Plain, find, only_changed

_BLANK = re.compile(r"[ \t\r\n]*")


class Json:
    """The form of JSON files, as Python's own parser reads them."""

    name = "JSON"
    most_bytes = 5_000_000

    def change(self, text: str, key: str, value: str) -> Change:
        """See :class:`~engine.export.pointing.form.Form`."""
        document = _read(text)
        found = find(Plain(), document, key)
        start, end = _span(text, found.names)
        changed = text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]
        if not only_changed(
            Plain(), document, _read(changed), found.path, lambda read: bool(read == value)
        ):
            raise NotThatForm("the value can't be changed by itself")
        return Change(found.node, changed)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotThatForm(f"it can't be read as JSON: {error}") from error


def _span(text: str, names: Sequence[str]) -> tuple[int, int]:
    """Return where a value begins and ends in a text that is known to be JSON."""
    decode = json.JSONDecoder().raw_decode
    at = _skip(text, 0)
    for wanted in names:
        is_object = text[at] == "{"
        place, index, at = None, 0, _skip(text, at + 1)
        while text[at] not in "]}":
            name: Any = str(index)
            if is_object:
                name, at = decode(text, at)
                at = _skip(text, _skip(text, at) + 1)
            if name == wanted:  # of a name that is there twice the last one counts
                place = at
            _, at = decode(text, at)
            at = _skip(text, at)
            if text[at] == ",":
                at = _skip(text, at + 1)
            index += 1
        assert place is not None
        at = place
    return at, decode(text, at)[1]


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
