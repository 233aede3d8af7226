"""Files of an instruction set: which belong to it, and which split each is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from engine.models import Skipped
from engine.sources.base import Reading
from engine.sources.files import Item, Refused, refusal, visible, walk
from engine.sources.tables import TABLE_SUFFIXES
from engine.sources.tables.formats import TEXT_SUFFIXES, format_of, suffix_inside

DESCRIPTIONS = frozenset(
    {
        *("dataset_info.json", "dataset_dict.json", "dataset_infos.json", "state.json"),
        *("croissant.json", "datapackage.json"),
    }
)
"""Files that describe a data set and hold none of it."""

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_SHARD = re.compile(r"[-_]?\d{3,6}(?:[-_]of[-_]\d{3,6})?(?:[-_][0-9a-f]{16})?$")
_UNUSED = re.compile(r"^(?:cache-|tmp|indices)")
_WRITTEN = {
    ".xlsx": "a spreadsheet; save it as CSV",
    ".xls": "a spreadsheet; save it as CSV",
    ".ods": "a spreadsheet; save it as CSV",
    ".pkl": "a pickle, which can run code as it is read; save it as Parquet",
    ".pickle": "a pickle, which can run code as it is read; save it as Parquet",
    ".py": "a program; data sets that need one are not loaded",
    ".zst": "compressed with Zstandard; unpack it first",
    ".xz": "compressed with xz; unpack it first",
    ".zip": "an archive; name it by itself, or unpack it",
}


def is_data(name: str) -> bool:
    """Say whether a file may hold rows, by its name."""
    return suffix_inside(name) in TABLE_SUFFIXES and os.path.basename(name) not in DESCRIPTIONS


def split_of(name: str) -> str:
    """Return the split that a file's name or folder says it is: "train", "test", …, or ""."""
    *folders, last = name.split("/")
    stem = last.split(".")[0].lower()
    shard = _SHARD.search(stem)
    words = [word for word in re.split(r"[-_ ]", stem[: shard.start()] if shard else stem) if word]
    # "train_sft-00000-of-00003" begins with it, "customers_train" ends with it.
    for word in (*words[-1:], *(words[:1] if shard else ())):
        if word in _SPLITS:
            return _SPLITS[word]
    return next((_SPLITS[f.lower()] for f in reversed(folders) if f.lower() in _SPLITS), "")


def list_rows(root: str, reading: Reading) -> Iterator[Item]:
    """Yield the files of a folder that may hold rows, or the one file; report the others."""
    folder = Path(root)
    if not folder.is_dir():
        yield from walk(folder, reading)
        return
    saved = _saved_shards(folder)
    for item in _files(folder, reading):
        name = os.path.basename(item.name)
        if name in DESCRIPTIONS:
            reading.skip(item.name, 0, "description", "it describes the data and holds none")
        elif _is_unused(item.name, saved):
            reading.skip(item.name, 0, "cache", "a leftover of a computation, not of the data set")
        elif is_data(item.name) or _holds_rows(item):
            yield item
        else:
            what = _WRITTEN.get(item.suffix, "no JSON, CSV, Parquet or Arrow")
            reading.skip(item.name, 0, "not-rows", f"it is {what}")


def _holds_rows(item: Item) -> bool:
    """Say whether a text, or a file whose name has no ending, holds rows all the same."""
    if suffix_inside(item.name) not in (*TEXT_SUFFIXES, ""):
        return False
    try:
        return bool(format_of(item))
    except Refused:
        return False


def _saved_shards(root: Path) -> dict[str, set[str]]:
    """Return the files of each saved ``datasets`` directory at a root, by folder below it."""
    import json

    found: dict[str, set[str]] = {}
    for state in [root / "state.json", *root.glob("*/state.json")]:
        try:
            told = json.loads(state.read_text("utf-8"))
            names = {str(file["filename"]) for file in told["_data_files"]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        below = visible(state.parent.relative_to(root).as_posix())
        found["" if below == "." else below] = names
    return found


def _is_unused(name: str, saved: dict[str, set[str]]) -> bool:
    folder, _, last = name.rpartition("/")
    if not last.endswith(".arrow"):
        return False
    if folder in saved:
        return last not in saved[folder]
    return bool(_UNUSED.match(last)) and folder == ""


def _files(root: Path, reading: Reading) -> Iterator[Item]:
    """Yield the files below a folder; links of the hub's cache lead to its blobs."""
    blobs = _blobs(root)
    if blobs is None:
        yield from walk(root, reading)
        return
    links: list[Skipped] = []

    def on_skip(skipped: Skipped) -> None:
        if skipped.code in ("outside", "link"):
            links.append(skipped)
        else:
            reading.on_skip(skipped)

    current = _current(blobs.parent)

    def skip_folder(name: str) -> tuple[str, str] | None:
        path = root / name
        if path.parent == blobs.parent and path.name != "snapshots":
            return ("cache", "the hub's cache keeps it; it is read by its name")
        if path.parent == blobs.parent / "snapshots" and current and path.name != current:
            return ("cache", "another revision of the data set than the current one")
        return None

    items = list(walk(root, replace(reading, on_skip=on_skip), skip_folder=skip_folder))
    for link in links:
        path = root / link.path
        left_out = _refused(link.path, skip_folder)
        if left_out:
            reading.skip(link.path, 0, *left_out)
            continue
        try:
            if blobs not in path.resolve(strict=True).parents:
                reading.on_skip(link)
                continue
            items.append(Item.of(path, link.path))
        except OSError as error:
            why = refusal(error)
            reading.skip(link.path, 0, why.code, why.reason)
        except Refused as refused:
            reading.skip(link.path, 0, refused.code, refused.reason)
    yield from sorted(items, key=lambda item: item.name)


def _refused(
    name: str, skip_folder: Callable[[str], tuple[str, str] | None]
) -> tuple[str, str] | None:
    """Return why a link in a folder that is left out is not read, or None."""
    parts = name.split("/")[:-1]
    folders = ("/".join(parts[: at + 1]) for at in range(len(parts)))
    return next((why for folder in folders if (why := skip_folder(folder))), None)


def _blobs(root: Path) -> Path | None:
    """Return where the hub's cache keeps the content of a data set, if a folder is part of one."""
    for folder in (root, *root.parents):
        if folder.name.startswith("datasets--"):
            blobs = folder / "blobs"
            return blobs if blobs.is_dir() else None
    return None


def _current(cache: Path) -> str:
    """Return the revision that the hub's cache has as the main one, or ""."""
    try:
        return (cache / "refs" / "main").read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""
