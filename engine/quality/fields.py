"""What an example says besides its conversation: title, path, heading, tags, columns.

A dataset's files carry these texts too, so that the checks for secrets and personal data look
at them. A finding names its field (``title``, ``column author``) and never quotes it.

What the source says stays in the workspace as it is. Redaction of these texts takes place
where they leave it: :mod:`engine.dataset.metadata` is the one place that rows of datasets get
their metadata from. A redaction of an example is an edit of the journal; while it stands, the
example's fields count as redacted, and an undo brings their findings back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.models import Card, Example, Flag, Turn
from engine.quality.base import Check
from engine.quality.personal.columns import column_code
from engine.quality.placeholders import PLACEHOLDER
from engine.quality.secrets.names import is_secret_name
from engine.store import Store
from engine.store.fold import effective

CHECKED_BY = ("secrets", "personal")
"""The checks that look at fields; the others judge the conversation alone."""

# Those of files that are read; ".md" and ".zip" are domains, too, which an address may end in.
_SUFFIX = re.compile(
    r"(?<=.)(?:\.(?:md|markdown|mdx|txt|text|org|rst|html?|jsonl?|ndjson|csv|tsv|xlsx|parquet|arrow"
    r"|feather|ya?ml|toml|sqlite3?|db|duckdb|canvas|conversation|log|gz|zip|tar|zst|bz2|xz))+\Z",
    re.IGNORECASE,
)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,+Z-]{0,24})?\Z|[0-9]{9,13}\Z")
_MOST_ENTRIES = 1_000
_PLAIN_NAME = re.compile(r"(?=[^\W\d_])(?:[^\W\d]{1,24}[0-9]{0,3}(?:[ .-](?=\w)|\Z)){1,4}\Z")


@dataclass(frozen=True, slots=True)
class Field:
    """A text of an example besides its conversation.

    Args:
        place: What it is called to a person: "title", "tag", "path", "column author".
        text: The text.
        lead: What stands before it when it is looked at, by which a check knows what it is:
            a column's name, as in a sentence ``phone: 0722…``.
        secret: Whether its name says that it holds a secret.
        personal: The code of the personal data that its name says it holds, or "".
    """

    place: str
    text: str
    lead: str = ""
    secret: bool = False
    personal: str = ""


def fields_of(example: Example) -> tuple[Field, ...]:
    """Return the texts of an example besides its conversation, in the order of a card."""
    return tuple(field for field in _fields(example) if field.text.strip())


def _fields(example: Example) -> Iterator[Field]:
    where = example.provenance
    for piece in path_pieces(where.path):
        yield Field("path", bare(piece))
    yield Field("heading", where.heading)
    yield Field("title", where.title)
    for tag in where.tags:
        yield Field("tag", tag)
    yield Field("date", where.date)
    for name, value in example.metadata.items():
        yield Field("a column's name", name)
        yield column(name, value)
    for number, other in enumerate(example.alternatives, 1):
        yield Field(f"other answer {number}", other.content)


def column(name: str, value: str) -> Field:
    """Return a column as a field."""
    # A name may hold what must not be quoted: only one that reads as a name is shown.
    label = f"column {name}" if _PLAIN_NAME.match(name) else "a column"
    return Field(label, value, f"{name}: ", is_secret_name(name), column_code(name, value))


def path_pieces(path: str) -> list[str]:
    """Return the folders and the file of a path, each looked at by itself; a URL stays whole."""
    return [path] if "://" in path else path.split("/")


def bare(piece: str) -> str:
    """Return a file's name without its suffix, which is no part of an address in it."""
    return _SUFFIX.sub("", piece)


def look_at_fields(check: Check, example: Example) -> tuple[Flag, ...]:
    """Return what a check finds in the fields of an example.

    Args:
        check: The check for secrets or for personal data.
        example: The example.

    Returns:
        Flags with ``turn`` -1 and the field's name as ``place``.
    """
    return tuple(flag for _, flag in flagged_fields(check, fields_of(example)))


def flagged_fields(check: Check, fields: Sequence[Field]) -> list[tuple[Field, Flag]]:
    """Return what a check finds in fields, with the field that it is in.

    Start and end of a flag are places in the field's text.
    """
    looked_at = [field for field in fields if not _TIME.match(field.text)]
    turns = [Turn("user", field.lead + field.text) for field in looked_at]
    found = [(looked_at[flag.turn], flag) for flag in check.look(turns).flags if flag.turn >= 0]
    # What is in the lead alone is found in the name's own field.
    found = [(of, flag) for of, flag in found if flag.end > len(of.lead) or not flag.end]
    places = [(field, _placed(field, flag)) for field, flag in found]
    if check.name == "secrets":
        named = {id(field) for field, _ in found}
        places += [
            (field, _named(field)) for field in fields if field.secret and id(field) not in named
        ]
    if check.name == "personal":
        whole = {id(field) for field in fields if _is_personal(check, field)}
        # One that covers the whole value takes the place of what is found inside of it.
        places = [(field, flag) for field, flag in places if id(field) not in whole]
        places += [(field, _by_name(field)) for field in fields if id(field) in whole]
    return places


def _is_personal(check: Check, field: Field) -> bool:
    rest = PLACEHOLDER.sub("", field.text)
    if not field.personal or not any(map(str.isalnum, rest)):
        return False
    # Who looks for no names at all wants none by the name of a column either.
    return field.personal != "person" or getattr(check, "names", "all") != "none"


def _by_name(field: Field) -> Flag:
    reason = "a column whose name says what it holds"
    size = len(field.text)
    return Flag("personal", field.personal, 0.8, reason, -1, 0, size, field.place)


def _placed(field: Field, flag: Flag) -> Flag:
    shift, size = len(field.lead), len(field.text)
    start, end = max(0, flag.start - shift), min(max(0, flag.end - shift), size)
    if flag.start == flag.end or start >= end:
        start, end = 0, size
    return replace(flag, turn=-1, start=start, end=end, place=field.place)


def _named(field: Field) -> Flag:
    reason = "a column whose name says that it holds a secret; it is never written"
    return Flag("secret", "api-key", 0.9, reason, -1, 0, len(field.text), field.place)


def is_redacted(card: Card) -> bool:
    """Return whether an edit put placeholders into an example, so that its fields have them too."""
    if not card.edited:
        return False
    before = {mark for turn in card.example.turns for mark in PLACEHOLDER.findall(turn.content)}
    return any(
        mark not in before for turn in card.turns for mark in PLACEHOLDER.findall(turn.content)
    )


def fields_are_redacted(store: Store, card: Card) -> bool:
    """Return whether a redaction of an example stands, also one that found its fields alone.

    Such a one is an edit to the text that was there: nothing else writes one.
    """
    if is_redacted(card):
        return True
    entries = store.journal(limit=_MOST_ENTRIES, example_id=card.example.id)
    text = card.example.turns
    for entry in effective(reversed(entries)):
        if entry.action == "edit":
            if entry.turns == text:
                return True
            text = entry.turns
    return False
