"""YAML files, by PyYAML's graph of nodes.

A node that an alias names is one node in several places, and a mapping that is merged (``<<``) is a
child of the one that it is merged into. So comparing the graphs before and after shows whatever
else a change would reach, without following what a program makes of tags and merges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from engine.export.pointing.env_form import SAFE
from engine.export.pointing.form import Change, NoSuchKey, NotThatForm
from engine.export.pointing.tree import Found, find, only_changed

_MERGE = "tag:yaml.org,2002:merge"
_STR = "tag:yaml.org,2002:str"
_BY_HAND = "change it by hand"


class Yaml:
    """The form of YAML files."""

    name = "YAML"
    most_bytes = 500_000  # PyYAML reads some 100 kB a second

    def change(self, text: str, key: str, value: str) -> Change:
        """See :class:`~engine.export.pointing.form.Form`."""
        document, kind = _read(text), _Nodes()
        try:
            found = find(kind, document, key)
        except NoSuchKey:
            if _is_merged(document, key):
                said = "it comes from another place in the file, by a merge (<<)"
                raise NotThatForm(said, "change it there, or add the key here first") from None
            raise
        for changed in _changes(text, found.node, value):
            try:
                read = _read(changed)
            except NotThatForm:
                continue
            if only_changed(kind, document, read, found.path, lambda node: _says(node, value)):
                return Change(_constructed(found.node), changed)
        if _is_shared(document, found):
            said = "other places of the file take it from there, by an alias or a merge"
            raise NotThatForm(f"the value can't be changed by itself: {said}", _BY_HAND)
        raise NotThatForm("the value can't be changed by itself")


class _Nodes:
    """YAML's nodes; the children of a mapping are its keys and values in turn."""

    def label(self, node: Any) -> object:
        """See :class:`~engine.export.pointing.tree.Kind`."""
        return (node.id, node.tag, node.value if node.id == "scalar" else len(node.value))

    def children(self, node: Any) -> Sequence[Any] | None:
        """See :class:`~engine.export.pointing.tree.Kind`."""
        if node.id == "mapping":
            return [part for pair in node.value for part in pair]
        return node.value if node.id == "sequence" else None

    def names(self, node: Any) -> Sequence[str | None]:
        """See :class:`~engine.export.pointing.tree.Kind`. A key is named as it is written."""
        if node.id == "sequence":
            return [str(at) for at in range(len(node.value))]
        return [name for key, _ in node.value for name in (None, _name(key))]


def _name(key: Any) -> str | None:
    return key.value if key.id == "scalar" and key.tag != _MERGE else None


def _read(text: str) -> Any:
    import yaml

    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise NotThatForm(f"it can't be read as YAML: {said}") from error
    if document is None:
        raise NoSuchKey(())
    return document


def _says(node: Any, value: str) -> bool:
    return bool(node.id == "scalar" and node.tag == _STR and node.value == value)


def _constructed(node: Any) -> Any:
    """Return a single value as PyYAML reads it; as it is written where it does not."""
    import yaml

    try:
        return yaml.safe_load(yaml.serialize(node))
    except (yaml.YAMLError, ValueError):
        return node.value


def _changes(text: str, node: Any, value: str) -> Iterator[str]:
    """Yield texts with another value in a node's place."""
    start, end = _span(text, node)
    header = text[start:end].partition("\n")[0]
    if node.style in ("|", ">") and "#" in header:
        return  # a remark that would be lost
    before = "" if text[start - 1 : start].isspace() or start == 0 or start < end else " "
    for written in _quoted(value, text[start : start + 1]):
        yield f"{text[:start]}{before}{written}{text[end:]}"


def _span(text: str, node: Any) -> tuple[int, int]:
    """Return where the value of a node begins and ends, behind its anchor and its tag."""
    import yaml

    start, end = node.start_mark.index, node.end_mark.index
    if start < end:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.ScalarToken) and token.end_mark.index == end:
                start = token.start_mark.index
                break
    # A plain one may be said to end after blanks, a block after its last line.
    return start, start + len(text[start:end].rstrip())


def _quoted(value: str, quote: str) -> Iterator[str]:
    doubled = value.replace("'", "''")
    forms = {
        "'": f"'{doubled}'",
        '"': json.dumps(value, ensure_ascii=False),
        "": value if SAFE.fullmatch(value) else "",
    }
    for name in (quote if quote in forms else "", '"', "'"):
        if forms[name]:
            yield forms[name]


def _is_merged(document: Any, key: str) -> bool:
    """Say whether a key is there once merges are followed."""
    try:
        find(_Merged(), document, key)
    except NoSuchKey:
        return False
    except NotThatForm:
        pass
    return True


class _Merged(_Nodes):
    """YAML's nodes with what is merged into mappings as children of them."""

    def children(self, node: Any) -> Sequence[Any] | None:
        if node.id != "mapping":
            return super().children(node)
        return [value for _, value in _pairs(node)]

    def names(self, node: Any) -> Sequence[str | None]:
        if node.id != "mapping":
            return super().names(node)
        return [_name(key) for key, _ in _pairs(node)]


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    """Return the keys and values of a mapping, those that are merged into it first."""
    found: list[tuple[Any, Any]] = []
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.id == "sequence":
            waiting += one.value
        elif one.id == "mapping":
            found[:0] = [pair for pair in one.value if pair[0].tag != _MERGE]
            waiting += [value for key, value in one.value if key.tag == _MERGE]
    return found


def _is_shared(document: Any, found: Found) -> bool:
    """Say whether a value, or something that holds it, is in more than one place."""
    kind, node = _Nodes(), document
    on_the_way = set()
    for step in found.path:
        node = (kind.children(node) or ())[step]
        on_the_way.add(id(node))
    uses: dict[int, int] = {}
    waiting, seen = [document], {id(document)}
    while waiting:
        for child in kind.children(waiting.pop()) or ():
            uses[id(child)] = uses.get(id(child), 0) + 1
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
    return any(uses.get(one, 0) > 1 for one in on_the_way) or id(document) in uses
