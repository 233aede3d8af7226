"""What a person asks before a run: whether it fits, here or on a GPU that isn't, by part.

Nothing heavy is loaded, and nothing needs to be here: of a known base that isn't, the shape is
known; without a dataset every example is taken to be as long as the maximum length allows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from engine.bases import Base, resolve
from engine.bases.presets import preset_for
from engine.dataset import Frozen, Row, load, require_dataset
from engine.errors import BaseMissing, RunTooLarge
from engine.sizes import size_words
from engine.telemetry import Gpu, snapshot, visible_gpus
from engine.tokens import Tokenizer
from engine.train.backends import backend_name
from engine.train.data import TokenRows, render_rows
from engine.train.fit.fit import Fit, Model, fit, model_of
from engine.train.fit.parts import PART_WORDS
from engine.train.fit.sizes import ATTENTION_LAYERS, FUSED_LAYERS, MLP_LAYERS
from engine.train.fit.target import Target, of_gpu, processor
from engine.train.gpu import known_problem
from engine.train.layers import match_layers
from engine.train.preflight import check_layers, require_layers
from engine.train.spec import TrainSpec
from engine.workspace import Workspace

_SAMPLE = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer: the fit, and what it was told from.

    Attributes:
        fit: Whether it fits.
        backend: What would train.
        base_here: Whether the base is on this machine.
        dataset: The dataset whose examples it was told from; empty where none was there.
    """

    fit: Fit
    backend: str
    base_here: bool
    dataset: str


def ask(workspace: Workspace, spec: TrainSpec, target: Target | None = None) -> Asked:
    """Say whether a run fits.

    Args:
        workspace: Where its dataset is; the spec's may be empty, for none.
        spec: The run.
        target: What it would compute on; this machine's first GPU, else its processor, by default.

    Raises:
        BaseMissing: The base is neither on this machine nor known by name.
        BaseInvalid: The base has no layer of a name that the run asks for.
        SettingsError: The run names no layer.
        DatasetMissing: The workspace has no such dataset.
        TemplateError: The base's template can't render an example.
    """
    if spec.dataset:
        require_dataset(workspace, spec.dataset)
    base: Base | None
    try:
        base = resolve(spec.base)
        check_layers(spec, base)
        model = model_of(base.directory, parameters=base.parameters)
    except BaseMissing:
        known = preset_for(spec.base)
        if known is None:
            raise
        _check_known_layers(spec)
        base, model = None, Model(known.shape, known.parameters)
    rows: Sequence[tuple[int, int]] = ()
    if spec.dataset and base is not None:
        rows = lengths(spec, base, load(workspace, spec.dataset))
    target = target or here(workspace)
    backend, _ = backend_name(spec, cuda=target.cuda)
    made = fit(model, spec, target, unsloth=backend == "unsloth", rows=rows)
    return Asked(made, backend, base is not None, spec.dataset if rows else "")


def _check_known_layers(spec: TrainSpec) -> None:
    """Look for the layers that a run names among those that every known base has."""
    require_layers(spec)
    named = [name for name in spec.target_modules if name not in FUSED_LAYERS]
    if named:
        match_layers((*ATTENTION_LAYERS, *MLP_LAYERS), named, base=spec.base)


def here(workspace: Workspace) -> Target:
    """Return what a run would compute on here: the first usable GPU, or the processor."""
    cards = visible_gpus(snapshot(workspace.root).gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if cards and known_problem() is None:
        return of_gpu(cards[0])
    return processor()


def fit_here(
    spec: TrainSpec,
    base: Base,
    rows: Sequence[tuple[int, int]],
    cards: tuple[Gpu, ...],
    *,
    unsloth: bool,
) -> Fit:
    """Say whether a run fits this machine.

    Args:
        spec: The run.
        base: Its base, which is here.
        rows: Length and trained tokens of its longest examples.
        cards: The GPUs that may train; empty for the processor.
        unsloth: Whether unsloth trains it.
    """
    target = of_gpu(cards[0]) if cards else processor()
    model = model_of(base.directory, parameters=base.parameters)
    return fit(model, spec, target, unsloth=unsloth, rows=rows)


def does_not_fit(found: Fit) -> str:
    """Return what to say of a run that doesn't fit."""
    there = "GPU" if found.target.cuda else "free memory"
    offer = f"; fits with {found.nearest[0].words}" if found.nearest else ""
    return (
        f"the run takes about {size_words(found.parts.total)}, more than the {there} of "
        f"{size_words(found.limit)}{offer}"
    )


def lengths(spec: TrainSpec, base: Base, dataset: Frozen) -> list[tuple[int, int]]:
    """Return length and trained tokens of a dataset's longest examples.

    Of many examples those with most characters are looked at.
    """
    rows = sorted(dataset.train_rows(), key=_characters, reverse=True)[:_SAMPLE]
    return lengths_of(render_rows(Tokenizer.load(base.directory), rows, spec.max_length))


def lengths_of(rendered: TokenRows) -> list[tuple[int, int]]:
    """Return length and trained tokens of rendered examples."""
    return [(len(row.ids), row.trained) for row in rendered.rows]


def _characters(row: Row) -> int:
    return sum(len(turn.content) for turn in row.turns)


def refuse_too_large(spec: TrainSpec, base: Base, dataset: Frozen, cards: tuple[Gpu, ...]) -> None:
    """Refuse a run that a GPU can't hold even when it is empty. On a processor the form warns.

    Raises:
        RunTooLarge: It takes more than the GPU has.
    """
    if not cards or not cards[0].vram_total:
        return
    backend, _ = backend_name(spec, cuda=True)
    rows = lengths(spec, base, dataset)
    found = fit_here(spec, base, rows, cards, unsloth=backend == "unsloth")
    if not found.fits:
        largest = found.parts.largest
        offers = found.nearest
        raise RunTooLarge(
            f"the run takes about {size_words(found.parts.total)}, and {found.target.name} has "
            f"{size_words(found.limit)}; the largest part is {PART_WORDS[largest]}, "
            f"{size_words(getattr(found.parts, largest))}",
            hint=(f"try: {offers[0].flags}" if offers else "take a smaller base")
            + ", or start it all the same with --force",
        )
