"""Starting a run, and going on with one: everything is checked before anything heavy begins."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.bases import Base, resolve
from engine.dataset import Frozen, load
from engine.errors import (
    DatasetRefused,
    FinetuiError,
    RunError,
)
from engine.modes import fit_tree
from engine.paths import require_free
from engine.runs import (
    RunSummary,
    check_free,
    find,
    look,
    make_run_dir,
    run_dirs,
    state,
    summarise,
    wait_until_gone,
)
from engine.runs.locks import holder
from engine.runs.tickets import read_ticket, waits
from engine.setup import require
from engine.telemetry import Gpu, snapshot, visible_gpus
from engine.tokens import Tokenizer
from engine.train.backends import backend_name, base_bits, check_installed
from engine.train.checkpoints import (
    Checkpoint,
    Choice,
    Refused,
    all_damaged,
    choose,
    damage,
    newest_first,
)
from engine.train.fit.asking import refuse_too_large
from engine.train.gpu import known_problem
from engine.train.launching import DATASET_DIR, begin, device_busy
from engine.train.plan import adapter_weights, disk_needed, sample
from engine.train.preflight import preflight
from engine.train.reporting import check_reporting
from engine.train.spec import TrainSpec, changed, load_spec, write_spec
from engine.train.warm_start import adopted
from engine.trust import agree, require_inside, require_plain, run_items
from engine.trust import require as require_trust
from engine.workspace import Workspace


def start(
    workspace: Workspace, spec: TrainSpec, *, queue: bool = False, force: bool = False
) -> RunSummary:
    """Start a training run as a detached child, and return at once.

    The run's folder gets its own copy of the dataset and a specification that
    nothing changes afterwards.

    Args:
        workspace: Where the run will be.
        spec: What it shall do.
        queue: Wait for the GPU or the processor behind the runs that are there already.
        force: Start it also where it is predicted not to fit the GPU.

    Raises:
        RunTooLarge: It takes more memory than the GPU has.
        WorkspaceUntrusted: A link would lead the run out of the workspace.
        DatasetMissing: The workspace has no such dataset.
        DatasetRefused: The dataset has no example to train on, or was changed.
        BaseMissing: The base is not on this machine.
        BaseError: It, or the adapter to start from, can't be used.
        TemplateError: The base's template can't render an example.
        DependencyMissing: What the spec asks for is not installed.
        DiskFull: There is no room for the run.
        DeviceBusy: Another run holds the GPU, and this one shall not wait.
    """
    require_inside(workspace.root, workspace.runs_dir)
    dataset = load(workspace, spec.dataset)
    if not dataset.train:
        raise DatasetRefused(
            f"the dataset {dataset.name} has no example to train on",
            hint="approve more examples and freeze again",
        )
    base, spec = resolve(spec.base), adopted(spec, workspace)
    preflight(spec, base, Tokenizer.load(base.directory), sample(dataset.train_rows()))
    require("training")
    cards = check_machine(workspace, spec, base.directory, queue=queue)
    if not force:
        refuse_too_large(spec, base, dataset, cards)
    needed = disk_needed(spec, dataset, adapter_weights(base.directory, spec))
    require_free(workspace.root, needed, "the run")
    directory = new_directory(workspace, spec, base, dataset)
    try:
        begin(directory, cards, queue=queue)
    except FinetuiError:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return summarise(directory)


def check_resume(run: RunSummary, *, force: bool = False) -> Checkpoint:
    """Return the checkpoint that a run would be resumed from. Looks at files alone, and is quick.

    Args:
        run: The run.
        force: Pass over one that was heard elsewhere lately and holds no lock.

    Raises:
        RunActive: It is still going.
        RunElsewhere: It may be going on another host, or in a container.
        RunError: It is finished, or has no checkpoint.
        CheckpointDamaged: None of its checkpoints is whole, at a glance.
    """
    if run.view.active:
        _check_free(run, force)
    if run.view.status == "finished":
        raise RunError(
            f"run {run.id} is finished; there is nothing to resume",
            hint="start another run with more epochs",
        )
    refused = []
    for checkpoint in newest_first(run.dir, run.view.superseded):
        reason = damage(checkpoint, thorough=False)
        if not reason:
            return checkpoint
        refused.append(Refused(checkpoint, reason))
    if refused:
        raise all_damaged(refused)
    raise _no_checkpoint(run)


def _no_checkpoint(run: RunSummary) -> RunError:
    trained = (run.dir / "adapter").exists()
    again = "start another run with: finetui train"
    return RunError(
        f"run {run.id} has no checkpoint to resume from",
        hint=again if trained else f"start it again with: finetui runs start {run.id}",
    )


def _check_free(run: RunSummary, force: bool) -> None:
    hint = (
        f"follow it with: finetui runs follow {run.id}, or stop it with: finetui runs stop {run.id}"
    )
    check_free(run.dir, what=f"run {run.id}", hint=hint, force=force)


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that goes on, and the choice of the checkpoint that it goes on from."""

    run: RunSummary
    choice: Choice


def resume(
    workspace: Workspace,
    id_or_prefix: str,
    *,
    checkpoint: str = "",
    force: bool = False,
    queue: bool = False,
) -> Resumed:
    """Resume a run from its last checkpoint that is whole. All of that is read.

    Args:
        workspace: Where the run is.
        id_or_prefix: The run, or a part of its id.
        checkpoint: The checkpoint to take instead, by its name; see ``runs show --json``.
        force: Resume it also where it was heard elsewhere lately. Never where another
            process holds its folder.
        queue: Wait for the GPU or the processor behind the runs that are there already.

    Raises:
        RunMissing: There is no such run.
        RunActive: It is still going.
        DeviceBusy: Another run holds the GPU, and this one shall not wait.
        RunElsewhere: It may be going on another host, or in a container.
        RunError: It is finished, or has no checkpoint.
        CheckpointDamaged: The checkpoint that is asked for, or every one, is damaged.
        WorkspaceUntrusted: The workspace came with the run, and it would load or reach something,
            or write through a link.
        PathUnusable: A pipe or a device is in the run's folder.
        BaseMissing: Its base is not on this machine any more.
        DiskFull: There is no room for it.
    """
    run = find(workspace, id_or_prefix)
    require_plain(workspace.root, run.dir)
    if not run.view.active:
        wait_until_gone(run.dir)
    _check_free(run, force)
    if not checkpoint or run.view.status == "finished":
        check_resume(run, force=force)
    choice = choose(run.dir, superseded=run.view.superseded, wanted=checkpoint)
    if choice is None:
        raise _no_checkpoint(run)
    spec = load_spec(run.dir)
    require_trust(workspace.root, run_items(spec.base_dir, spec.report_to))
    if not Path(spec.base_dir).is_dir():
        resolve(spec.base)  # says how to get it
        raise RunError(
            f"the base of run {run.id} is not at {spec.base_dir} any more",
            hint="put it back there, or start a new run",
        )
    require("training")
    cards = check_machine(workspace, spec, Path(spec.base_dir), queue=queue)
    taken = choice.checkpoint.name if checkpoint else ""
    begin(run.dir, cards, resume=True, checkpoint=taken, queue=queue, force=force)
    return Resumed(summarise(run.dir), choice)


def check_machine(
    workspace: Workspace, spec: TrainSpec, base_dir: Path, *, queue: bool
) -> tuple[Gpu, ...]:
    """Return the machine's GPUs that can train, if a run can train here.

    Args:
        workspace: Where the run is.
        spec: What it shall do.
        base_dir: The base's directory.
        queue: Whether it may wait for a GPU that is in use.

    Raises:
        DependencyMissing: What the spec asks for is not installed.
        DeviceBusy: Another run holds the GPU, and this one shall not wait.
    """
    cards = visible_gpus(snapshot(workspace.root).gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if cards and known_problem() is not None:
        cards = ()  # the CPU will train, as the plan says
    _check_packages(spec, base_dir, cards)
    if not queue:
        _check_card(workspace, cards)
    return cards


def _check_packages(spec: TrainSpec, base_dir: Path, cards: tuple[Gpu, ...]) -> None:
    name, _ = backend_name(spec, cuda=bool(cards))
    check_installed(name, base_bits(spec, base_dir))
    check_reporting(spec.report_to)


def _check_card(workspace: Workspace, cards: tuple[Gpu, ...]) -> None:
    """Refuse to start beside a run that holds the card; without a card runs may share."""
    if not cards:
        return
    for directory in run_dirs(workspace):
        if waits(directory, read_ticket(directory)):
            continue  # it waits in the queue and holds nothing yet
        life = look(directory)
        # Where there are several GPUs, the lock below tells which of them a run here has.
        alone = life.where == "here" and len(snapshot(workspace.root).gpus) == 1
        elsewhere = life.alive and life.where != "here" and _computes_on(directory, cards[0])
        if alone or elsewhere:
            there = f" on {life.host}" if life.host else ""
            raise device_busy(cards[0], f"{directory.name}{there}")
    owner = holder(cards[0].uuid or "0")
    if owner:
        raise device_busy(cards[0], owner)


def _computes_on(directory: Path, card: Gpu) -> bool:
    """Say whether a run elsewhere, such as in a container of this machine, sees this card too."""
    seen = state(directory).last_gpu.get("gpus")
    return bool(card.uuid) and any(
        isinstance(gpu, dict) and gpu.get("uuid") == card.uuid
        for gpu in (seen if isinstance(seen, list) else [])
    )


def new_directory(workspace: Workspace, spec: TrainSpec, base: Base, dataset: Frozen) -> Path:
    """Make the folder of a run, with its specification and its own copy of the dataset."""
    whole = changed(
        spec,
        base_dir=str(base.directory.resolve()),
        base_fingerprint=base.fingerprint,
        dataset_dir=str(dataset.directory.resolve()),
    )
    for item in run_items(whole.base_dir, whole.report_to):
        agree(workspace.root, item)  # its person has just named it
    directory = make_run_dir(workspace.runs_dir)
    try:
        shutil.copytree(dataset.directory, directory / DATASET_DIR)
        fit_tree(directory)  # a copy has the modes of its source
        # Last, since a folder with a spec is a run.
        write_spec(directory, whole)
    except (OSError, FinetuiError):
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return directory
