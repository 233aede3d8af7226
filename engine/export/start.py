"""Starting an export."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.bases import Base
from engine.bases.adapters import PICKLED, WEIGHTS, check_fit, read_adapter
from engine.errors import AdapterInvalid, AdapterMismatch, RunActive, RunUnfinished, UsageError
from engine.export.artifacts import exports_dir
from engine.export.convert import require_converter
from engine.export.merge.bases import base_of_run, check_form, original_of
from engine.export.merge.checking import check_adapter
from engine.export.merge.complete import check_complete
from engine.export.merge.source import into_fields
from engine.export.merge.targets import REMEDY
from engine.export.metadata import dataset_info, licence_of, model_name
from engine.export.models_dir import require_models_dir
from engine.export.pointing import check
from engine.export.quants import QUANTS, check_quants, require_imatrix
from engine.export.room import check_memory, check_room
from engine.export.spec import ExportSpec, Keep, Update, load_spec, update_value, write_spec
from engine.paths import bases_dir
from engine.runs import (
    Kept,
    RunSummary,
    check_free,
    choose_adapter,
    find,
    launch,
    look,
    read_spec,
    verdict,
    verdict_words,
)
from engine.runs.kept import Which
from engine.setup import require
from engine.trust import require as require_trust
from engine.trust import require_plain, run_items
from engine.workspace import Workspace

MODULE = "engine.export.recipe"
_LONGEST_FOLDER = 100


@dataclass(frozen=True, slots=True)
class Options:
    """What an export may be told beside the run, its quantisations and its adapter.

    Attributes:
        imatrix: Whether an importance matrix is computed from the training text.
        allow: Gates whose failure is accepted, by name.
        keep: Which intermediate files stay; None takes the setting.
        models_dir: The folder that gets the finished files; None takes the setting.
        updates: Configuration files that are pointed at the first file.
        merge_into: The base in 16 bits into which a run on a packed base is merged; where it is
            empty, the packed base's original if it is here, else the packed base, de-quantised.
    """

    imatrix: bool = False
    allow: tuple[str, ...] = ()
    keep: Keep | None = None
    models_dir: Path | None = None
    updates: tuple[Update, ...] = ()
    merge_into: str = ""


def start(
    workspace: Workspace,
    run_id: str,
    quant: str | Sequence[str] | None = None,
    adapter: Which | None = None,
    options: Options | None = None,
) -> Path:
    """Check what an export needs and start it as a detached job.

    Args:
        workspace: Where the run is.
        run_id: The run, or a prefix of its id.
        quant: The quantisation or several of them; None takes the one that fits the base.
        adapter: The run's best adapter or its last; None takes the best where one was kept.
        options: What else it is told.

    Returns:
        The job's directory, to be followed like a run's.

    Raises:
        RunMissing: There is no such run.
        RunActive: The run trains still, or this export is under way, here or elsewhere.
        RunUnfinished: The run left no adapter, or not the one that is asked for.
        QuantUnknown: There is no quantisation of that name.
        ImatrixMissing: A quantisation needs an importance matrix, and none was asked for.
        UsageError: There is no gate of a name that is allowed to fail.
        UpdateRefused: A configuration file can't be pointed at the export.
        BaseMissing: The base model is not on this machine any more.
        BaseInvalid: It is damaged, or stored in a form that can't be merged into.
        AdapterInvalid: The run's adapter is damaged.
        AdapterMismatch: It was trained on another base.
        WorkspaceUntrusted: The workspace came with the run, and its base would be loaded.
        ExportError: The base model is not the one that the run was trained on, or the models
            folder can't be written to.
        DependencyMissing: What an export needs is not installed.
        ExportTooLarge: There is not the memory.
        DiskFull: There is no room.
    """
    options = options or Options()
    run = find(workspace, run_id)
    require_plain(workspace.root, run.dir)
    named = check_quants([quant] if isinstance(quant, str) else quant or ())
    require_imatrix(named, imatrix=options.imatrix)
    allow = check_gates(options.allow)
    for update in options.updates:
        check(update.file, update.key)
    taken = check_run(run, adapter)
    require("export")
    require_converter()
    spec = read_spec(run.dir)
    require_trust(workspace.root, run_items(str(spec.get("base_dir", "")), "none"))
    base = base_of_run(spec)
    original = original_of(base, options.merge_into)
    check_merge(taken.path, base, original)
    chosen = named or (base.default_quant,)
    job_dir = exports_dir(run.dir) / folder_name(chosen)
    name = f"the export of run {run.id} at {words(chosen)}"
    check_free(job_dir, what=name, hint="wait for it, or stop it first")
    preferences = workspace.settings.export
    models_dir = options.models_dir or (
        Path(preferences.models_dir) if preferences.models_dir else None
    )
    job = ExportSpec(
        run_dir=run.dir.resolve(),
        base=base.name,
        base_dir=base.directory.resolve(),
        base_fingerprint=base.fingerprint,
        cache_dir=bases_dir() / base.name / "gguf",
        quants=chosen,
        template=base.chat_template,
        context=workspace.settings.chat.context,
        which=taken.which,
        step=taken.step or 0,
        name=model_name(run.dir, base.name),
        licence=licence_of(base),
        dataset_hash=dataset_info(run.dir).content_hash,
        imatrix=options.imatrix,
        allow=allow,
        keep=options.keep or preferences.keep,
        models_dir=None if models_dir is None else models_dir.expanduser().absolute(),
        updates=tuple(
            update.model_copy(update={"file": update.file.expanduser().absolute()})
            for update in options.updates
        ),
        gates=workspace.settings.gates,
        **into_fields(original, named=bool(options.merge_into)),
    )
    require_models_dir(job)
    for update in job.updates:  # what it will get may be what can't be written there
        check(update.file, update.key, update_value(job, update, job_dir))
    check_memory(job, base)
    check_room(job, base.parameters, job_dir)
    write_spec(job, job_dir)
    launch(job_dir, MODULE)
    return job_dir


def again(workspace: Workspace, job_dir: Path) -> Path:
    """Start an export once more, told what it was told; it goes on from what is finished.

    Args:
        workspace: Where the run is.
        job_dir: The export's folder.

    Returns:
        The job's directory.

    Raises:
        FinetuiError: As :func:`start`, or the export's spec can't be read.
    """
    spec = load_spec(job_dir)
    named = spec.into_dir if spec.into_named else ""
    options = Options(spec.imatrix, spec.allow, spec.keep, spec.models_dir, spec.updates, named)
    return start(workspace, job_dir.parent.parent.name, spec.quants, spec.which, options)


def folder_name(quants: Sequence[str]) -> str:
    """Return what the folder of an export is called: its quantisations, whatever their order."""
    ordered = [name for name in QUANTS if name in quants]
    name = "+".join(ordered)
    if len(name) <= _LONGEST_FOLDER:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{ordered[0]}+{len(ordered) - 1}-more-{digest}"


def words(quants: Sequence[str]) -> str:
    """Return quantisations for people: ``q8_0 and q4_k_m``."""
    *before, last = quants
    return f"{', '.join(before)} and {last}" if before else last


def check_gates(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of gates, each once.

    Raises:
        UsageError: There is no gate of a name.
    """
    from engine.export.gates.model import GATES  # it needs the tokenizers, 0.1 s

    for name in names:
        if name not in GATES:
            near = difflib.get_close_matches(name, GATES, n=1)
            raise UsageError(
                f"there is no gate {name!r}",
                hint=f"did you mean {near[0]}?" if near else f"choose of {', '.join(GATES)}",
            )
    return tuple(name for name in GATES if name in names)


def check_run(run: RunSummary, adapter: Which | None = None) -> Kept:
    """Return the adapter of a run that an export takes. Looks at files alone, and is quick.

    Args:
        run: The run.
        adapter: The one that is asked for; None takes the best where one was kept.

    Raises:
        RunActive: It trains still.
        RunUnfinished: It left no adapter, or not the one that is asked for.
    """
    if run.view.active and (life := look(run.dir)).alive:
        there = f" on {life.host}" if life.host else ""
        raise RunActive(
            f"run {run.id} is still training{there}",
            hint="wait for it, or stop it: its adapter is saved",
        )
    try:
        return choose_adapter(run.dir, adapter)
    except RunUnfinished as error:
        if adapter is not None:
            raise
        raise RunUnfinished(f"{error.message} (it is {run.view.status})", hint=error.hint) from None


def warning_of(run: RunSummary) -> str:
    """Return what to know before a run is exported; empty where there is nothing.

    A run that never beat its base is not refused: its person may want to hear it.
    """
    if verdict(run.view) != "worse-than-base":
        return ""
    return f"run {run.id} {verdict_words(run.view)}"


def check_merge(adapter: Path, base: Base, original: Base | None) -> None:
    """Raise where the small files tell that an adapter can't be merged.

    Args:
        adapter: The adapter's folder.
        base: The base that it was trained on.
        original: The one that it is merged into, where that is another.

    Raises:
        AdapterInvalid: The adapter is damaged, or of another kind than LoRA.
        AdapterMismatch: It was trained on another base.
        BaseInvalid: The base's weights are stored in a form that can't be merged into.
    """
    if original is None:
        check_form(base)
    try:
        found = read_adapter(adapter)
    except AdapterInvalid as error:
        # Its own hint is for one that a person got from elsewhere.
        pickled = not (adapter / WEIGHTS).is_file() and (adapter / PICKLED).is_file()
        raise AdapterInvalid(error.message, hint=error.hint if pickled else REMEDY) from error
    check_adapter(found.directory)
    try:
        check_fit(found, original or base)
    except AdapterMismatch as error:
        hint = REMEDY if original is None else "name another base with --merge-into"
        raise AdapterMismatch(error.message, hint=hint) from error
    check_complete(found.directory, (original or base).directory)
