"""Which model somebody means who asks a server for one, and whether it may be loaded.

A path may be loaded where it lies, with all links followed, inside one of these folders:

- the workspace's runs and exports;
- the person's own folder of models, the setting ``export.models_dir``;
- the folders that the server was started with;
- the folder of the file that was served first, whose person named it: a newer file beside it is
  what a reload is for. That file itself may also be a link, as in a cache of downloads.

It has to be a regular file with the ending ``.gguf``, or a folder with a ``config.json``; pipes and
devices are refused before they are opened, and the file is looked at once more when it is open. An
engine opens it by its path again: who may write into an allowed folder decides what is loaded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from engine.errors import (
    EngineUnfit,
    FinetuiError,
    ModelMissing,
    ModelOutside,
    RunUnfinished,
    UsageError,
)
from engine.export.artifacts import ExportInfo, artifacts, how_to_get
from engine.export.quants import check_quant
from engine.gateway.spec import ServeSpec, Wanted
from engine.near import did_you_mean
from engine.paths import shorten
from engine.runs import RunSummary, choose_adapter, find, read_spec, runs
from engine.serve.engines.base import EngineName, Served
from engine.trust import covers, link_item, require, require_inside, run_items
from engine.workspace import Workspace, open_workspace

SUFFIX = ".gguf"
FOLDER_ENGINES: tuple[EngineName, ...] = ("transformers", "vllm")
"""Engines that load a run's merged folder, or its base and adapter, and no quantisation of it."""
"""The engines that load a model in Hugging Face's form."""

_HINT = "start the server with --allow-dir DIR to load from there"


class Resolver:
    """Says which model is wanted; see the module for what may be loaded.

    Args:
        spec: How the server is started.
        models_dir: The person's own folder of models; None for none.
    """

    def __init__(self, spec: ServeSpec, models_dir: Path | None = None) -> None:
        self._spec = spec
        first = Path(spec.model.path) if spec.model.path else None
        own = None if first is None else (first if first.is_dir() else first.parent)
        root = spec.workspace
        within = [root / name for name in ("runs", "exports") if _is_own(root, root / name)]
        named = [*within, models_dir, own, *spec.folders]
        self._allowed = [Path(os.path.realpath(one)) for one in named if one is not None]
        self._first = None if first is None else Path(os.path.realpath(first))

    def __call__(self, wanted: Wanted) -> Served:
        """Return the model.

        Raises:
            UsageError: Neither a run nor a path is named, or both are.
            RunMissing: There is no such run.
            RunUnfinished: It has no export, or not at that quantisation.
            QuantUnknown: There is no quantisation of that name.
            EngineUnfit: A quantisation is named, and the engine takes folders.
            ModelOutside: The path lies outside of what may be loaded.
            ModelMissing: There is no such file.
            WorkspaceUntrusted: The run would load from a place that nobody agreed to.
        """
        if bool(wanted.run) == bool(wanted.path):
            raise UsageError(
                "a model is named by a run or by a path, one of both",
                hint='as in {"run": "last"} or {"path": "/models/brief.gguf"}',
            )
        if wanted.path:
            return of_path(Path(wanted.path), self._allowed, self._first)
        with open_workspace(self._spec.workspace) as workspace:
            return of_run(workspace, wanted.run, wanted.quant, self._spec.engine)


def first_wanted(workspace: Workspace, text: str, quant: str = "") -> Wanted:
    """Return what a person means who names a run, a GGUF or a folder on the command line.

    Args:
        workspace: Where runs are.
        text: What was written; empty means the newest run that has an export.
        quant: The quantisation.

    Raises:
        RunUnfinished: Nothing is named, and no run has an export.
        UsageError: A file is named, and a quantisation.
    """
    if not text:
        for run in runs(workspace):
            if artifacts(workspace, run.id):
                return Wanted(run=run.id, quant=quant)
        raise RunUnfinished(
            "no run of this workspace has an export yet",
            hint="export one with: finetui export RUN, or name a GGUF: finetui serve FILE",
        )
    named = Path(text).expanduser()
    if named.suffix.lower() == SUFFIX or os.sep in text or named.is_file():
        if quant:
            raise UsageError("a file has the quantisation it has", hint="leave out --quant")
        return Wanted(path=os.path.abspath(named))
    return Wanted(run=text, quant=quant)


def of_path(path: Path, allowed: Iterable[Path], first: Path | None = None) -> Served:
    """Return the model of a file or folder.

    Args:
        path: Its path, in full.
        allowed: The folders that may be loaded from, with links followed.
        first: The file that its person named at the start, with links followed.

    Raises:
        ModelOutside: It lies outside of them, or is neither a file nor a folder.
        ModelMissing: There is nothing.
    """
    if "\0" in str(path) or not path.is_absolute():
        raise ModelOutside("a model's path is given in full", hint="as in /models/brief.gguf")
    real = Path(os.path.realpath(path))
    if real == first:
        allowed = (real.parent,)
    _require_inside(real, allowed)
    try:
        mode = os.lstat(real).st_mode
    except OSError as error:
        raise ModelMissing(
            f"there is no model at {shorten(path, 80)}",
            hint=did_you_mean(path.name, _beside(real)) or "look at the path",
        ) from error
    if stat.S_ISDIR(mode):
        if not (real / "config.json").is_file():
            raise ModelOutside(
                f"{shorten(path, 80)} is a folder without a config.json",
                hint="name a GGUF, or a folder of a model in Hugging Face's form",
            )
        return Served(real.name, real)
    if not stat.S_ISREG(mode):
        raise ModelOutside(
            f"{shorten(path, 80)} is no regular file", hint="name a GGUF, not a pipe or a device"
        )
    # A link's name counts for the one file that was named: caches name files by their hashes.
    suffix = path.suffix if real == first else real.suffix
    if suffix.lower() != SUFFIX:
        raise ModelOutside(
            f"{shorten(path, 80)} is no GGUF file", hint="name a file that ends with .gguf"
        )
    _look_at_opened(real, allowed)
    return Served(path.stem if real == first else real.stem, real)


def of_run(
    workspace: Workspace, run_id: str, quant: str = "", engine: EngineName | None = None
) -> Served:
    """Return the model of a run: its export, or for engines that take folders what it left.

    Args:
        workspace: Where the run is.
        run_id: The run, or a part of its id.
        quant: The quantisation; empty takes the newest export. Engines that take folders have none.
        engine: The engine that will load it; None takes a GGUF.

    Raises:
        RunMissing: There is no such run.
        RunUnfinished: It has no export, or not at that quantisation, or no adapter.
        QuantUnknown: There is no quantisation of that name.
        EngineUnfit: A quantisation is named, and the engine takes folders.
        WorkspaceUntrusted: Its base would be loaded from a folder, or a link leads out of the
            workspace, and nobody agreed to that.
    """
    run = find(workspace, run_id)
    quant = check_quant(quant) if quant else ""
    if engine in FOLDER_ENGINES:
        if quant:
            raise EngineUnfit(
                f"{engine} serves a run's weights as they are, and no export at {quant}",
                hint="leave the quantisation out, or serve the export with --engine native",
            )
        base_dir = str(read_spec(run.dir).get("base_dir", ""))
        require(workspace.root, run_items(base_dir, "none"))
        require_inside(workspace.root, run.dir)
        return _folder_of(run, Path(base_dir))
    found = artifacts(workspace, run.id)
    export = next((one for one in found if not quant or one.quant == quant), None)
    if export is None:
        raise _no_export(run, quant, found)
    require_inside(workspace.root, export.tuned)
    name = f"{run.called}:{export.quant}"
    return Served(name, export.tuned, run=run.id, quant=export.quant, tokenizer_dir=export.base_dir)


def _no_export(run: RunSummary, quant: str, found: list[ExportInfo]) -> FinetuiError:
    has = ", ".join(one.quant for one in found)
    return RunUnfinished(
        f"run {run.id} has no export at {quant}, only at {has}"
        if found
        else f"run {run.id} has no export yet",
        hint=how_to_get(run.dir, quant),
    )


def _folder_of(run: RunSummary, base_dir: Path) -> Served:
    """Return the merged model that an export has kept, else base and adapter."""
    merged = run.dir / "merged"
    if (merged / "config.json").is_file():
        return Served(run.called, merged, run=run.id, tokenizer_dir=base_dir)
    adapter = choose_adapter(run.dir).path
    return Served(run.called, base_dir, adapter=adapter, run=run.id, tokenizer_dir=base_dir)


def _is_own(root: Path, folder: Path) -> bool:
    """Say whether a workspace's folder is in it, or somebody agreed to where it is."""
    item = link_item(root, folder)
    return item is None or covers(root, [item])


def _require_inside(path: Path, allowed: Iterable[Path]) -> None:
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(folder) for folder in allowed):
        raise ModelOutside(
            f"{shorten(path, 80)} lies outside of the folders that this server loads from",
            hint=_HINT,
        )


def _look_at_opened(real: Path, allowed: Iterable[Path]) -> None:
    """Look at a file once it is open: what was checked by its name may have been replaced."""
    try:
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ModelMissing(
            f"{shorten(real, 80)} can't be read: {error.strerror}", hint="look at its permissions"
        ) from error
    try:
        link = Path(f"/proc/self/fd/{handle}")
        where = Path(os.readlink(link)) if link.is_symlink() else real
        regular = stat.S_ISREG(os.fstat(handle).st_mode)
    finally:
        os.close(handle)
    if not regular:
        raise ModelOutside(f"{shorten(real, 80)} is no file", hint="name a GGUF file")
    _require_inside(where, allowed)


def _beside(real: Path) -> list[str]:
    """Return the names of the models beside a path; empty where the folder can't be read."""
    try:
        return [one.name for one in real.parent.iterdir() if one.suffix.lower() == SUFFIX]
    except OSError:
        return []
