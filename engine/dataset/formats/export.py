"""Writing a frozen dataset in a format that other trainers read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from engine.dataset.formats.base import Format
from engine.dataset.formats.containers import (
    CONTAINERS,
    Rows,
    require,
    save_to_disk,
    schema_of,
    write_arrow,
    write_jsonl,
    write_parquet,
)
from engine.dataset.formats.convert import Choices, Tally, shape_of, written
from engine.dataset.formats.files import Stage, named, staged
from engine.dataset.formats.registry import format_of
from engine.dataset.frozen import Frozen, load, read_frozen, verify
from engine.dataset.gate import Refusal
from engine.dataset.rows import Row, iter_rows
from engine.errors import DatasetRefused, UsageError
from engine.paths import require_free, shorten
from engine.trust import require_inside
from engine.workspace import Workspace

SPLITS = ("all", "train", "validation", "test")
_PARTS = SPLITS[1:]
_SUFFIXES = {".jsonl": "jsonl", ".parquet": "parquet"}
_ENDS = {container: suffix for suffix, container in _SUFFIXES.items()}
_OTHER_SUFFIXES = frozenset({".json", ".txt", ".csv", ".tsv", ".ndjson", ".arrow", ".pq", ".gz"})
_SAVED = re.compile(
    r"(?:(?:train|validation|test)/)?(?:dataset_dict\.json|dataset_info\.json|state\.json"
    r"|data-\d+-of-\d+\.arrow|cache-\w+\.arrow)"
)
_MOST_BYTES = 512_000_000


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote.

    Args:
        files: The files and how many rows each got; folders of a saved dataset by split.
        refused: Rows that the format can't hold.
        notes: What was written otherwise than it was, or is read back otherwise, and in
            how many rows.
        warnings: What is to be known about the whole.
    """

    files: Mapping[Path, int]
    refused: tuple[Refusal, ...]
    notes: Mapping[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows were written."""
        return sum(self.files.values())


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which splits go where.

    Attributes:
        out: What was asked for.
        container: The container.
        targets: The files, or parts of a saved folder, with the splits that go there.
        single: Whether one split is written alone.
    """

    out: Path
    container: str
    targets: Mapping[Path, tuple[str, ...]]
    single: bool


def default_path(workspace: Workspace, name: str, format: str, container: str = "") -> Path:
    """Return where an export goes that names no path: in the workspace's exports folder.

    Args:
        workspace: The workspace.
        name: The dataset's name.
        format: One of :data:`FORMATS`.
        container: One of :data:`CONTAINERS`; the format's own, or JSONL, where it is empty.

    Raises:
        FormatUnknown: There is no such format.
    """
    chosen = container or format_of(format).container or "jsonl"
    return workspace.exports_dir / f"{name}-{format}{_ENDS.get(chosen, '')}"


def export(
    workspace_or_dir: Workspace | Path,
    name: str,
    format: str,
    out: Path,
    *,
    split: str = "all",
    metadata: bool = False,
    overwrite: bool = False,
    container: str = "",
    system: bool = True,
    system_prompt: str = "",
) -> ExportReport:
    """Write a frozen dataset in a format that other trainers read.

    Args:
        workspace_or_dir: The workspace, or the dataset's own folder (then ``name`` is not used).
        name: The dataset's name.
        format: One of :data:`FORMATS`.
        out: A file that ends in ``.jsonl`` or ``.parquet``, for the rows of ``split``
            together; any other path is a folder, for a file of each split, or for what
            ``datasets`` saves.
        split: "train", "validation", "test" or "all".
        metadata: Whether each row also says where it comes from.
        overwrite: Whether what an export wrote there before is replaced.
        container: One of :data:`CONTAINERS`; by the end of ``out`` where it is empty.
        system: Whether system messages are written.
        system_prompt: Put before conversations that have no system message; with
            ``system`` off, in the place of the ones that they had.

    Raises:
        FormatUnknown: There is no such format.
        WorkspaceUntrusted: A link of the workspace would lead the file out of it.
        DatasetMissing: There is no such dataset.
        DatasetRefused: The dataset was changed after the freeze, or no row fits the format.
        UsageError: A file is there already, can't be written, or the words don't go together.
        DiskFull: There is no room.
        DependencyMissing: The package that writes the container is not installed.
    """
    found = format_of(format)
    if split not in SPLITS:
        raise UsageError(f"there is no split {split!r}", hint=f"choose one of: {', '.join(SPLITS)}")
    kind = _container(container, out, found)
    if metadata and not found.metadata:
        raise UsageError(
            f"rows of the format {found.name} can't have metadata: its reader refuses other fields",
            hint="leave out --metadata, or choose another format",
        )
    require(kind)
    if isinstance(workspace_or_dir, Path):
        frozen = verify(read_frozen(workspace_or_dir))
    else:
        require_inside(workspace_or_dir.root, out)
        frozen = load(workspace_or_dir, name)
    plan = _planned(frozen, out, split, kind)
    with named(out):
        _see_free(plan, overwrite=overwrite)
        size = sum((frozen.directory / f"{part}.jsonl").stat().st_size for part in _parts(plan))
        require_free(out.parent, size * (2 if kind == "hf" else 1), "the export")
        return _Export(frozen, found, plan, Choices(system, system_prompt, metadata)).run()


class _Export:
    """One export under way."""

    def __init__(self, frozen: Frozen, format: Format, plan: _Plan, choices: Choices) -> None:
        self._frozen = frozen
        self._format = format
        self._plan = plan
        self._choices = choices
        self._tally = Tally()
        parts = tuple(_parts(plan))
        self._shape = shape_of(lambda: self._rows(parts), format, choices)

    def run(self) -> ExportReport:
        with staged() as stage:
            write = self._saved if self._plan.container == "hf" else self._files
            counts = write(stage)
            if not any(counts.values()):
                raise self._nothing()
        return ExportReport(
            counts,
            tuple(self._tally.refused),
            dict(self._tally.notes),
            self._warnings(sum(counts.values())),
        )

    def _rows(self, parts: Iterable[str]) -> Iterator[Row]:
        files = (self._frozen.directory / f"{part}.jsonl" for part in parts)
        return chain.from_iterable(map(iter_rows, files))

    def _written(self, parts: Iterable[str]) -> Rows:
        rows = self._rows(parts)
        return written(rows, self._format, self._choices, self._shape, self._tally)

    def _files(self, stage: Stage) -> dict[Path, int]:
        counts = {}
        for path, parts in self._plan.targets.items():
            place, rows = stage.place(path), self._written(parts)
            if self._plan.container == "parquet":
                counts[path] = write_parquet(rows, place, schema_of(self._shape))
            else:
                counts[path] = write_jsonl(rows, place)
        return counts

    def _saved(self, stage: Stage) -> dict[Path, int]:
        out = self._plan.out
        place = stage.place(out)
        streams: dict[str, Path] = {}
        counts = {}
        for path, (part,) in self._plan.targets.items():
            stream = stage.scratch(out.with_name(f"{out.name}.{part}.arrow"))
            counts[path] = write_arrow(self._written((part,)), stream, schema_of(self._shape))
            streams[part] = stream
        if any(counts.values()):
            save_to_disk(streams, place, single=self._plan.single)
        return counts

    def _nothing(self) -> DatasetRefused:
        if not self._tally.refused:
            return DatasetRefused(
                f"{self._frozen.name} has no row there", hint="name another split"
            )
        reason = self._tally.refused[0].reason
        return DatasetRefused(
            f"no row of {self._frozen.name} fits the format {self._format.name}: {reason}",
            hint="choose another format",
        )

    def _warnings(self, rows: int) -> tuple[str, ...]:
        said = []
        if rows < self._format.smallest:
            said.append(
                f"{rows} rows: the service that reads {self._format.name} takes "
                f"{self._format.smallest} or more"
            )
        if self._format.container:
            large = [p for p in self._plan.targets if p.stat().st_size > _MOST_BYTES]
            said += [
                f"{shorten(p)} is larger than the 512 MB that the service takes" for p in large
            ]
        return tuple(said)


def _container(named: str, out: Path, format: Format) -> str:
    """Return the container that was named, or that the path's end means."""
    by_name = _SUFFIXES.get(out.suffix.lower(), "")
    if named and named not in CONTAINERS:
        near = difflib.get_close_matches(named.lower(), CONTAINERS, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no container {named!r}", hint=f"{meant}they are: {', '.join(CONTAINERS)}"
        )
    if out.suffix.lower() in _OTHER_SUFFIXES and not out.is_dir():
        raise UsageError(
            f"{shorten(out)} would be a folder, by its name it is a file",
            hint="end the file's name in .jsonl or .parquet, or name a folder",
        )
    if named and by_name and named != by_name:
        raise UsageError(
            f"{shorten(out)} is no name for {CONTAINERS[named]}",
            hint="leave out --as, or name a folder",
        )
    kind = named or by_name or "jsonl"
    if format.container and kind != format.container:
        raise UsageError(
            f"the format {format.name} is read from {CONTAINERS[format.container]} alone",
            hint=f"leave out --as, or choose the format chat for {CONTAINERS[kind]}",
        )
    return kind


def _planned(frozen: Frozen, out: Path, split: str, container: str) -> _Plan:
    there = tuple(part for part in _PARTS if f"{part}.jsonl" in frozen.manifest["files"])
    parts = there if split == "all" else (split,)
    if not set(parts) <= set(there):
        raise UsageError(
            f"{frozen.name} has no split {split!r}", hint=f"it has: {', '.join(there)}"
        )
    single = split != "all"
    if container == "hf":
        targets = {out: parts} if single else {out / part: (part,) for part in parts}
        return _Plan(out, container, targets, single)
    if out.suffix.lower() in _SUFFIXES:
        return _Plan(out, container, {out: parts}, single)
    return _Plan(out, container, {out / f"{p}.{container}": (p,) for p in parts}, single)


def _parts(plan: _Plan) -> Iterator[str]:
    return chain.from_iterable(plan.targets.values())


def _see_free(plan: _Plan, *, overwrite: bool) -> None:
    """Refuse to write over what is there, and over what no export wrote at all."""
    places = [plan.out] if plan.container == "hf" else list(plan.targets)
    for path in places:
        if not path.exists():
            continue
        empty = path.is_dir() and not any(path.iterdir())
        if not overwrite and not (empty and plan.container == "hf"):
            raise UsageError(
                f"{shorten(path)} is there already",
                hint="choose another path, or replace it with --force",
            )
        if (path.is_dir() or plan.container == "hf") and not empty and not _is_saved(path):
            raise UsageError(
                f"{shorten(path)} is there, and is not a saved dataset alone",
                hint="choose another path: what no export wrote is not replaced",
            )


def _is_saved(folder: Path) -> bool:
    """Say whether a folder holds what ``datasets`` saves and nothing else."""
    files = [path for path in folder.rglob("*") if not path.is_dir()]
    return bool(files) and all(_SAVED.fullmatch(p.relative_to(folder).as_posix()) for p in files)
