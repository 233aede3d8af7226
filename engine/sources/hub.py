"""Data sets of the Hugging Face hub, read over the network as they stream; nothing is kept.

The library takes a token from the environment (``HF_TOKEN``) by itself. It is never
asked for, stored or shown here.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, BinaryIO, TypeVar

from engine.errors import (
    FinetuiError,
    SourceEmpty,
    SourceMissing,
    SourceUnreadable,
    UsageError,
)
from engine.sources.base import Reading
from engine.sources.files import Item, Refused
from engine.sources.instructions.layout import is_data, split_of
from engine.sources.tables.formats import suffix_inside

SCHEME = "hub"
CONVERTED = "refs/convert/parquet"
"""The revision under which the hub keeps what it converted to Parquet itself."""

_ADDRESS = re.compile(
    r"(?P<id>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[^#\s]+))?(?:#(?P<part>[^\s]+))?"
)
_HOW = "write it as hub:owner/name, hub:owner/name@revision or hub:owner/name#config/split"
_BLOCK = 4_000_000
_PREFERRED = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HubAddress:
    """What a ``hub:`` address names: a data set, and which of its parts."""

    id: str
    revision: str = ""
    config: str = ""
    split: str = ""

    @staticmethod
    def of(address: str) -> HubAddress:
        """Return an address taken apart.

        Raises:
            UsageError: It is not written as such an address.
        """
        match = _ADDRESS.fullmatch(address.strip().partition(":")[2].strip())
        if match is None or ".." in match["id"]:
            raise UsageError(f"{address} names no data set of the hub", hint=_HOW)
        config, _, split = (match["part"] or "").partition("/")
        return HubAddress(match["id"], match["revision"] or "", config, split)

    def said(self) -> str:
        """Return what is named, for a person."""
        part = "/".join(filter(None, (self.config, self.split)))
        return (
            f"the data set {self.id} of the Hugging Face hub"
            + (f", revision {self.revision}" if self.revision else "")
            + (f", {part}" if part else "")
        )


class HubItem(Item):
    """A file of a data set on the hub. The hub's own hash of it stands for its content."""

    __slots__ = ("oid", "split")

    def __init__(
        self, name: str, size: int, oid: str, split: str, open_stream: Callable[[], BinaryIO]
    ) -> None:
        # A file with another hash looks like one that was written at another time.
        super().__init__(name, size, _stamp(oid), open_stream)
        self.oid = oid
        self.split = split

    def digest(self) -> str:
        """Return a hash that tells this content from others, without fetching it."""
        return "b2-" + hashlib.blake2b(self.oid.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Part:
    """Some files of a data set, as its card declares them."""

    config: str
    split: str
    patterns: tuple[str, ...]


def list_hub(address: str, reading: Reading) -> Iterator[Item]:
    """Yield the files of a data set of the hub that hold rows; report the others.

    Args:
        address: ``hub:owner/name[@revision][#config/split]``.
        reading: Where what is left out is reported.

    Raises:
        SourceMissing: There is no such data set, revision, configuration or split.
        SourceUnreadable: The hub can't be reached, or does not give the data set.
        SourceEmpty: No file of it holds rows.
        UsageError: The address is not written as one; or it has to name a configuration.
    """
    wanted = HubAddress.of(address)
    info = _guarded(wanted, lambda: _info(wanted.id, wanted.revision))
    files = _guarded(wanted, lambda: _tree(wanted.id, info.sha))
    revision = str(info.sha)
    declared = _declared(info.card_data)
    data = [file for file in files if is_data(file.path)]
    if not data and not wanted.revision:
        # Data sets that need a program to be read; the hub may have run it.
        converted = _guarded(wanted, lambda: _converted(wanted.id))
        data = [file for file in converted if is_data(file.path)]
        declared = [_folder_part(file.path) for file in data]
        revision = CONVERTED
    if not data:
        raise SourceEmpty(
            f"no file of {wanted.id} holds rows of JSON, CSV or Parquet",
            hint="download and convert it, then name the folder",
        )
    chosen = _chosen(data, declared, wanted)
    for file in files if revision != CONVERTED else data:
        split = chosen.get(file.path)
        if split is None:
            reading.skip(file.path, 0, *_left_out(file.path))
            continue
        yield _item(wanted.id, revision, file, split)


def _info(identifier: str, revision: str) -> Any:
    from huggingface_hub import HfApi  # 0.3 s

    return HfApi().dataset_info(identifier, revision=revision or None)


def _tree(identifier: str, revision: str) -> list[Any]:
    from huggingface_hub import HfApi, RepoFile

    listed = HfApi().list_repo_tree(
        identifier, recursive=True, revision=revision, repo_type="dataset"
    )
    return sorted((f for f in listed if isinstance(f, RepoFile)), key=lambda file: file.path)


def _converted(identifier: str) -> list[Any]:
    from huggingface_hub.errors import RevisionNotFoundError

    try:
        return _tree(identifier, CONVERTED)
    except RevisionNotFoundError:
        return []


def _declared(card: Any) -> list[_Part]:
    """Return the parts that a data set's card declares under ``configs``."""
    configs = card.get("configs") if card is not None and hasattr(card, "get") else None
    found: list[_Part] = []
    for config in configs if isinstance(configs, list) else []:
        if not isinstance(config, dict):
            continue
        name = str(config.get("config_name", "default"))
        held = config.get("data_files")
        if isinstance(held, dict):
            held = [{"split": split, "path": path} for split, path in held.items()]
        for entry in held if isinstance(held, list) else [held]:
            if isinstance(entry, dict):
                found.append(_Part(name, str(entry.get("split", "")), _texts(entry.get("path"))))
            elif entry:
                found.append(_Part(name, "", _texts(entry)))
    return found


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(text) for text in (value if isinstance(value, list) else [value]) if text)


def _folder_part(path: str) -> _Part:
    """Return the part that a converted file is: ``config/split/0000.parquet``."""
    config, _, rest = path.partition("/")
    return _Part(config, rest.partition("/")[0].removeprefix("partial-"), (path,))


def _chosen(files: Sequence[Any], declared: Sequence[_Part], wanted: HubAddress) -> dict[str, str]:
    """Return the files to be read, with the split of each."""
    if not declared:
        return _by_name(files, wanted)
    configs = list(dict.fromkeys(part.config for part in declared))
    config, split = wanted.config, wanted.split
    if config and config not in configs and not split:
        config, split = "", config
    if config and config not in configs:
        raise _no_part(wanted, "configuration", config, configs)
    if not config and len(configs) > 1:
        if "default" not in configs:
            raise UsageError(
                f"{wanted.id} has several configurations: {', '.join(configs[:12])}",
                hint=f"name one, as in: hub:{wanted.id}#{configs[0]}",
            )
        config = "default"
    parts = [part for part in declared if config in ("", part.config)]
    splits = list(dict.fromkeys(part.split for part in parts if part.split))
    if split and split not in splits:
        raise _no_part(wanted, "split", split, splits)
    return {
        file.path: part.split or split_of(file.path)
        for part in reversed(parts)
        if split in ("", part.split)
        for file in files
        if any(_matches(file.path, pattern) for pattern in part.patterns)
    }


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or path.startswith(pattern.rstrip("/") + "/")


def _by_name(files: Sequence[Any], wanted: HubAddress) -> dict[str, str]:
    """Return the files of a data set without a card, by folder and name."""
    endings = Counter(suffix_inside(file.path) for file in files)
    most = max(endings.values())
    usual = next((end for end in _PREFERRED if endings[end] == most), max(endings, key=endings.get))  # type: ignore[arg-type]
    found = {f.path: split_of(f.path) for f in files if suffix_inside(f.path) == usual}
    config, split = wanted.config, wanted.split
    folders = sorted({path.split("/")[-2] for path in found if "/" in path})
    if config and config not in folders and not split:
        config, split = "", config
    if config and config not in folders:
        raise _no_part(wanted, "configuration", config, folders)
    found = {path: part for path, part in found.items()
             if not config or config in path.split("/")[:-1]}  # fmt: skip
    splits = sorted({part for part in found.values() if part})
    if split and split not in splits:
        raise _no_part(wanted, "split", split, splits)
    return {path: part for path, part in found.items() if split in ("", part)}


def _no_part(wanted: HubAddress, what: str, name: str, known: Sequence[str]) -> SourceMissing:
    return SourceMissing(
        f"{wanted.id} has no {what} {name}",
        hint=f"it has: {', '.join(known[:20])}" if known else f"leave the {what} out",
    )


def _left_out(path: str) -> tuple[str, str]:
    if is_data(path):
        return "not-chosen", "it belongs to another part of the data set, or repeats it"
    return "not-rows", "it is no JSON, CSV, Parquet or Arrow"


def _item(identifier: str, revision: str, file: Any, split: str) -> HubItem:
    oid = file.lfs.sha256 if file.lfs is not None else file.blob_id

    def open_stream() -> BinaryIO:
        return _Stream(_Remote(identifier, revision, file.path, file.size), _BLOCK)

    return HubItem(file.path, file.size, f"{oid} {file.path}", split, open_stream)


def _stamp(oid: str) -> int:
    return int(hashlib.blake2b(oid.encode(), digest_size=7).hexdigest(), 16)


class _Stream(io.BufferedReader):
    """A remote file. It can be read by place, so that Parquet's end is found at once."""

    by_place = True


class _Remote(io.RawIOBase):
    """The bytes of a remote file, fetched as they are wanted."""

    def __init__(self, identifier: str, revision: str, path: str, size: int) -> None:
        self._place = f"{identifier}/{path}"
        self._size = size
        quoted = revision.replace("/", "%2F")
        self._file = self._asked(lambda: _opened(f"datasets/{identifier}@{quoted}/{path}"))

    def _asked(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except Exception as error:
            # The library raises its own errors and those of three others.
            reason = f"the hub does not give it: {_first_line(error)}"
            raise Refused("unreachable", reason) from error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any, /) -> int:
        if self._file.tell() >= self._size:
            return 0
        data = self._asked(lambda: self._file.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


def _opened(path: str) -> Any:
    from huggingface_hub import HfFileSystem

    # Each file once, from the first byte to the last: a cache of other files is of no use.
    return HfFileSystem(skip_instance_cache=True).open(path, "rb", block_size=_BLOCK)


def _guarded(wanted: HubAddress, step: Callable[[], T]) -> T:
    """Run a step and turn the library's errors into named ones."""
    import httpx
    from huggingface_hub import errors

    try:
        return step()
    except FinetuiError:
        raise
    except errors.GatedRepoError as error:
        raise SourceUnreadable(
            f"{wanted.id} is given only to those who accepted its terms",
            hint="accept them on the data set's page, then set HF_TOKEN to a token of yours",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise SourceMissing(
            f"{wanted.id} has no revision {wanted.revision}", hint="leave the @revision out"
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise SourceMissing(
            f"the hub has no data set {wanted.id}",
            hint="look at the id's spelling; a private data set needs HF_TOKEN",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise SourceUnreadable(
            f"{wanted.id} is on the hub, and HF_HUB_OFFLINE says to stay off the network",
            hint="unset HF_HUB_OFFLINE, or name a folder with a copy of the data set",
        ) from error
    except errors.HfHubHTTPError as error:
        raise SourceUnreadable(
            f"the hub refused {wanted.id}: {_first_line(error)}", hint="try again later"
        ) from error
    except (httpx.HTTPError, OSError) as error:
        raise SourceUnreadable(
            f"the hub can't be reached for {wanted.id}: {_first_line(error)}",
            hint="look at the network, or name a folder with a copy of the data set",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:160] or type(error).__name__


__all__ = ["SCHEME", "HubAddress", "HubItem", "list_hub"]
