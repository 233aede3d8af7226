"""Starting an export."""

from __future__ import annotations

from pathlib import Path

from engine.bases.adapters import check_fit, read_adapter
from engine.errors import RunActive, RunUnfinished
from engine.export.artifacts import exports_dir
from engine.export.convert import require_converter
from engine.export.merge.bases import base_of_run, check_form, original_of
from engine.export.merge.checking import check_adapter
from engine.export.merge.source import into_fields
from engine.export.quants import QUANTS, check_quant
from engine.export.spec import ExportSpec, write_spec
from engine.paths import bases_dir, require_free
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
from engine.trust import require_inside, run_items
from engine.workspace import Workspace

MODULE = "engine.export.recipe"


def start(
    workspace: Workspace,
    run_id: str,
    quant: str | None = None,
    adapter: Which | None = None,
    merge_into: str = "",
) -> Path:
    """Check what an export needs and start it as a detached job.

    Args:
        workspace: Where the run is.
        run_id: The run, or a prefix of its id.
        quant: The quantisation; None takes the one that fits the base.
        adapter: The run's best adapter or its last; None takes the best where one was kept.
        merge_into: The base in 16 bits into which a run on a packed base is merged; where it is
            empty, the packed base's original if it is here, else the packed base, de-quantised.

    Returns:
        The job's directory, to be followed like a run's.

    Raises:
        RunMissing: There is no such run.
        RunActive: The run trains still, or this export is under way, here or elsewhere.
        RunUnfinished: The run left no adapter, or not the one that is asked for.
        QuantUnknown: There is no quantisation of that name.
        BaseMissing: The base model is not on this machine any more.
        BaseInvalid: It is damaged, or stored in a form that can't be merged into.
        AdapterInvalid: The run's adapter is damaged.
        AdapterMismatch: It was trained on another base.
        WorkspaceUntrusted: The workspace came with the run, and its base would be loaded.
        ExportError: The base model is not the one that the run was trained on.
        DependencyMissing: What an export needs is not installed.
        DiskFull: There is no room.
    """
    run = find(workspace, run_id)
    named = check_quant(quant) if quant else ""
    taken = check_run(run, adapter)
    require("export")
    require_converter()
    spec = read_spec(run.dir)
    require_trust(workspace.root, run_items(str(spec.get("base_dir", "")), "none"))
    base = base_of_run(spec)
    original = original_of(base, merge_into)
    if original is None:
        check_form(base)
    found = read_adapter(taken.path)
    check_adapter(found.directory)
    check_fit(found, original or base)
    chosen = named or base.default_quant
    job_dir = exports_dir(run.dir) / chosen
    require_inside(workspace.root, job_dir)
    name = f"the export of run {run.id} at {chosen}"
    check_free(job_dir, what=name, hint="wait for it, or stop it first")
    job = ExportSpec(
        run_dir=run.dir.resolve(),
        base=base.name,
        base_dir=base.directory.resolve(),
        base_fingerprint=base.fingerprint,
        cache_dir=bases_dir() / base.name / "gguf",
        quant=chosen,
        template=base.chat_template,
        context=workspace.settings.chat.context,
        which=taken.which,
        step=taken.step or 0,
        **into_fields(original, named=bool(merge_into)),
    )
    check_room(job, base.parameters)
    write_spec(job, job_dir)
    launch(job_dir, MODULE)
    return job_dir


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


def check_room(spec: ExportSpec, parameters: int) -> None:
    """Raise unless both disks have room for what the export will write.

    Args:
        spec: The export.
        parameters: How many weights the model has.

    Raises:
        DiskFull: A disk has too little room.
    """
    half = int(parameters * 2.2)  # Two bytes a weight; an untied output matrix may come on top.
    final = int(parameters * QUANTS[spec.quant].bits / 8 * 1.2)
    # The merged model and its f16 stay beside the quantised file; of the base only GGUFs.
    run_side = 2 * half + final
    base_side = 0 if spec.base_file.is_file() else half + final
    if _same_disk(spec.run_dir, spec.cache_dir):
        require_free(spec.run_dir, run_side + base_side, "the export")
    else:
        require_free(spec.run_dir, run_side, "the export")
        require_free(spec.cache_dir, base_side, "the base model's GGUF")


def _same_disk(one: Path, other: Path) -> bool:
    def device(path: Path) -> int:
        while not path.exists():
            path = path.parent
        return path.stat().st_dev

    return device(one) == device(other)
