"""Runs that are made ready without starting them, here or for another machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from engine.bases import Base, resolve
from engine.dataset import load
from engine.dataset.frozen import read_frozen, verify
from engine.errors import BaseMissing, DatasetRefused, RunActive, RunError
from engine.modes import fit_tree
from engine.paths import require_free
from engine.runs import RunSummary, check_free, find, make_run_dir, summarise, wait_until_gone
from engine.runs.queue import wake
from engine.runs.waiting import may_start
from engine.setup import require
from engine.tokens import Tokenizer
from engine.train.checkpoints import all_checkpoints
from engine.train.devices import environment
from engine.train.launching import DATASET_DIR, RECIPE, begin
from engine.train.plan import adapter_weights, disk_needed, sample
from engine.train.preflight import preflight
from engine.train.spec import TrainSpec, changed, load_spec, write_spec
from engine.train.start import check_machine, new_directory
from engine.train.warm_start import adopted
from engine.trust import agree, require_inside, require_plain, run_items
from engine.trust import require as require_trust
from engine.workspace import Workspace


def prepare(workspace: Workspace, spec: TrainSpec) -> RunSummary:
    """Make a run's folder, with its dataset and specification, and start nothing.

    Its base need not be on this machine: it is looked for where the run is started.

    Raises:
        WorkspaceUntrusted: A link would lead the run out of the workspace.
        DatasetMissing: The workspace has no such dataset.
        DatasetRefused: The dataset has no example to train on, or was changed.
        BaseMissing: The base is neither here nor a name that another machine would know.
        DiskFull: There is no room for it.
    """
    require_inside(workspace.root, workspace.runs_dir)
    dataset = load(workspace, spec.dataset)
    if not dataset.train:
        raise DatasetRefused(
            f"the dataset {dataset.name} has no example to train on",
            hint="approve more examples and freeze again",
        )
    spec = adopted(spec, workspace)
    try:
        base: Base | None = resolve(spec.base)
    except BaseMissing:
        if spec.base.startswith(("/", ".", "~")):
            raise
        base = None
    if base is not None:
        preflight(spec, base, Tokenizer.load(base.directory), sample(dataset.train_rows()))
        return summarise(new_directory(workspace, spec, base, dataset))
    directory = make_run_dir(workspace.runs_dir)
    try:
        shutil.copytree(dataset.directory, directory / DATASET_DIR)
        fit_tree(directory)
        write_spec(directory, changed(spec, dataset_dir=str(dataset.directory.resolve())))
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return summarise(directory)


def start_prepared(
    workspace: Workspace, id_or_prefix: str, *, queue: bool = False, force: bool = False
) -> RunSummary:
    """Start a run that was prepared, or one that ended before it saved a checkpoint.

    Args:
        workspace: Where the run is.
        id_or_prefix: The run, or a part of its id.
        queue: Wait for the device behind the runs that are there already.
        force: Pass over one that was heard elsewhere lately and holds no lock.

    Raises:
        RunMissing: There is no such run.
        RunActive: It is still going.
        RunError: It has trained already; its base is another one than it was made for.
        WorkspaceUntrusted: The workspace came with the run, and it would load or reach something,
            or write through a link.
        PathUnusable: A pipe or a device is in the run's folder.
        BaseMissing: Its base is not on this machine.
        DependencyMissing: What the spec asks for is not installed.
        DiskFull: There is no room for the run.
        DeviceBusy: Another run holds the GPU, and this one shall not wait.
    """
    run = find(workspace, id_or_prefix)
    require_plain(workspace.root, run.dir)
    check_startable(run)
    if not run.view.active:
        wait_until_gone(run.dir)
    check_free(
        run.dir, what=f"run {run.id}", hint=f"follow it with: finetui runs follow {run.id}",
        force=force,
    )  # fmt: skip
    spec = load_spec(run.dir)
    require_trust(workspace.root, run_items(spec.base_dir, spec.report_to))
    base = _same_base(run.id, spec)
    require("training")
    cards = check_machine(workspace, spec, base.directory, queue=queue)
    dataset = run.dir / DATASET_DIR
    if not (dataset / "manifest.json").is_file():
        raise RunError(f"run {run.id} has no dataset", hint="import it again, or start another run")
    frozen = verify(read_frozen(dataset))
    preflight(spec, base, Tokenizer.load(base.directory), sample(frozen.train_rows()))
    needed = disk_needed(spec, frozen, adapter_weights(base.directory, spec))
    require_free(workspace.root, needed, "the run")
    complete_base(workspace, run.dir, spec, base)
    begin(run.dir, cards, queue=queue, force=force)
    return summarise(run.dir)


def check_startable(run: RunSummary) -> None:
    """Raise unless a run can be started from nothing. Looks at files alone, and is quick.

    Raises:
        RunActive: It is still going.
        RunError: It has trained already.
    """
    if run.view.active and run.view.status != "queued":
        raise RunActive(
            f"run {run.id} is still going",
            hint=f"follow it with: finetui runs follow {run.id}",
        )
    if run.view.status == "queued" and run.view.waits:
        raise RunActive(
            f"run {run.id} waits in the queue",
            hint=f"make it the next one with: finetui runs queue --first {run.id}",
        )
    if run.view.status == "finished" or (run.dir / "adapter").exists():
        raise RunError(
            f"run {run.id} has trained already", hint="start another run with: finetui train"
        )
    if all_checkpoints(run.dir):
        raise RunError(
            f"run {run.id} has checkpoints",
            hint=f"go on from them with: finetui runs resume {run.id}",
        )


def start_queue(workspace: Workspace) -> list[str]:
    """Start the waiting process of each queued run that has none, as after a restart.

    Returns:
        The ids of the runs that wait again.

    Raises:
        WorkspaceUntrusted: A link would lead the runs out of the workspace.
    """
    require_inside(workspace.root, workspace.runs_dir)
    woken = wake(
        workspace.runs_dir.resolve(),
        RECIPE,
        allowed=may_start,
        by_hand=True,
        environment=environment(os.environ),
    )
    return [path.name for path in woken]


def _same_base(run_id: str, spec: TrainSpec) -> Base:
    """Return the base of a run, by its folder, else by its name.

    Raises:
        BaseMissing: It is not here.
        RunError: It is another one than the run was made for.
    """
    here = spec.base_dir and Path(spec.base_dir).is_dir()
    base = resolve(spec.base_dir if here else spec.base)
    if spec.base_fingerprint and base.fingerprint != spec.base_fingerprint:
        raise RunError(
            f"the base {base.name} here is not the one that run {run_id} was made for "
            f"({base.fingerprint}, not {spec.base_fingerprint})",
            hint="bring the same files here, or start another run on this base",
        )
    return base


def complete_base(workspace: Workspace, run_dir: Path, spec: TrainSpec, base: Base) -> None:
    """Write down where a run's base is on this machine, where its specification does not say.

    The person who starts the run names the base by that; nothing else of the spec changes.
    """
    directory = str(base.directory.resolve())
    if spec.base_dir == directory and spec.base_fingerprint == base.fingerprint:
        return
    whole = changed(spec, base_dir=directory, base_fingerprint=base.fingerprint)
    write_spec(run_dir, whole)
    for item in run_items(directory, "none"):
        agree(workspace.root, item)
