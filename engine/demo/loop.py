"""The whole loop without a screen: from the bundled notes to two models that answer.

Every step is the stage's own function, the one that its screen and its verb call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import bases
from engine.dataset import Frozen, default_options, freeze
from engine.demo.bundle import prepare
from engine.demo.curator import curate
from engine.errors import RunFailed
from engine.evaluate.pair import Pair, Side, prompts
from engine.export.artifacts import ExportInfo, artifacts
from engine.export.start import start as start_export
from engine.quality.child import check_apart
from engine.runs import Monitor, RunSummary, RunView, runs
from engine.serve.client import Timing
from engine.train.spec import make_spec
from engine.train.start import start as start_training
from engine.workspace import Workspace, init_workspace, open_workspace

BASE = "smollm2-135m-instruct"
# The last one is what the chat opens on: F16, since so small a model loses much to quantisation.
QUANTS = ("q4_k_m", "f16")
QUESTIONS = 2
ANSWER_TOKENS = 160
POLL_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What both sides said to one held-out prompt, and how fast."""

    prompt: str
    base: str
    tuned: str
    base_timing: Timing
    tuned_timing: Timing


@dataclass(frozen=True, slots=True)
class Summary:
    """What the loop found, made and measured.

    Losses are mean negative log-likelihoods in nats a trained token, on held-out
    examples; that of the tuned one is its best adapter's, which is exported, and
    ``improvement`` is the share by which it is lower.
    """

    workspace: Path
    found: int
    skipped: int
    approved: int
    rejected: int
    train_examples: int
    validation_examples: int
    trained_tokens: int
    base_eval_loss: float
    tuned_eval_loss: float
    run_id: str
    run_dir: Path
    exports: tuple[ExportInfo, ...]
    answers: tuple[Answer, ...]
    seconds: tuple[tuple[str, float], ...]

    @property
    def improvement(self) -> float:
        """The share by which training lowered the loss on examples that were never seen."""
        return 1 - self.tuned_eval_loss / self.base_eval_loss


class _Clock:
    """Names the steps, and keeps what each took."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._began = self._last = time.monotonic()
        self.laps: list[tuple[str, float]] = []

    def lap(self, name: str, text: str) -> None:
        """End a step: say what it came to, and keep its seconds."""
        now = time.monotonic()
        self.laps.append((name, now - self._last))
        self._say(f"{now - self._began:6.0f} s  {text}")
        self._last = now


def run_headless(
    folder: Path,
    *,
    say: Say,
    data: Path | None = None,
    quants: Sequence[str] = QUANTS,
    questions: int = QUESTIONS,
    answer_tokens: int = ANSWER_TOKENS,
    training: Mapping[str, Any] | None = None,
) -> Summary:
    """Run the whole loop in a workspace, which is made if need be.

    Args:
        folder: The workspace's folder.
        say: Takes a line of progress.
        data: A folder of sources to use in place of the bundled ones.
        quants: The quantisations to export; both models answer at the last one.
        questions: How many held-out prompts both models answer.
        answer_tokens: The most tokens of an answer.
        training: Fields of the run's specification that differ from the base's preset.

    Raises:
        FinetuiError: A stage failed; what was made before stays, and doing it
            again goes on from there.
    """
    clock = _Clock(say)
    with open_workspace(init_workspace(folder)) as workspace:
        reports = prepare(workspace, data=data)
        skipped = sum(len(report.skipped) for report in reports)
        counts = workspace.store.counts()
        clock.lap("sources", f"{counts.total} examples found, {skipped} items skipped")

        base = bases.add(BASE)
        clock.lap("base", f"{base.name}, {base.parameters / 1e6:.0f}M parameters")

        checked = check_apart(workspace.root)
        flags = ", ".join(f"{number} {kind}" for kind, number in checked.flags.items())
        clock.lap("checks", f"{checked.looked} examples checked; flagged: {flags or 'none'}")

        curate(workspace)
        counts = workspace.store.counts()
        what = f"{counts.approved} approved, {counts.rejected} near-copies rejected"
        clock.lap("curation", what)

        frozen = _freeze(workspace, base)
        clock.lap("dataset", _describe(frozen))

        run, view = _train(workspace, base, frozen, say, training or {})
        clock.lap("training", f"{view.total_steps} steps")

        exports = _export(workspace, run, quants, say)
        clock.lap("export", ", ".join(_size(info) for info in exports))

        answers = asyncio.run(_ask(workspace, run, quants[-1], questions, answer_tokens))
        clock.lap("chat", f"both sides answered {len(answers)} held-out prompts")
        return Summary(
            workspace=workspace.root,
            found=counts.total,
            skipped=skipped,
            approved=counts.approved,
            rejected=counts.rejected,
            train_examples=frozen.train,
            validation_examples=frozen.validation,
            trained_tokens=_number(view, "trained_tokens"),
            base_eval_loss=float(str(view.result["base_eval_loss"])),
            tuned_eval_loss=float(str(view.result["best_eval_loss"])),  # of what is exported
            run_id=run.id,
            run_dir=run.dir,
            exports=exports,
            answers=answers,
            seconds=tuple(clock.laps),
        )


def follow(directory: Path, *, say: Say) -> RunView:
    """Wait for a job to end, saying its phases and losses as they come.

    Raises:
        RunFailed: The job ended other than by finishing.
    """
    monitor = Monitor(directory)
    phase = ""
    while True:
        view, events = monitor.poll()
        if view.phase and view.phase != phase:
            phase = view.phase
            say(f"          {phase}")
        for event in events:
            if event.type == "eval":
                loss = event.data.get("loss")
                say(f"          held-out loss at step {event.data.get('step')}: {loss:.3f}")
        if not view.active:
            break
        time.sleep(POLL_SECONDS)
    if view.status != "finished":
        raise RunFailed(f"{directory.name} {view.status}: {view.message}", hint=view.hint)
    return view


def _freeze(workspace: Workspace, base: bases.Base) -> Frozen:
    longest = make_spec(base.name, "", base.preset).max_length
    options = replace(default_options(workspace), near_duplicates="now", max_length=longest)
    return freeze(workspace, base=base, drop_refused=True, options=options)


def _describe(frozen: Frozen) -> str:
    return f"{frozen.name}: {frozen.train} for training, {frozen.validation} held out"


def _train(
    workspace: Workspace,
    base: bases.Base,
    frozen: Frozen,
    say: Say,
    fields: Mapping[str, Any],
) -> tuple[RunSummary, RunView]:
    """Train, or go on with the run that an earlier call began on the same examples."""
    for run in runs(workspace):
        same = (run.dataset, run.base, run.preset) == (frozen.name, base.name, base.preset)
        if same and (run.view.active or run.view.status == "finished"):
            say(f"          run {run.id} is there already")
            return run, follow(run.dir, say=say)
    run = start_training(workspace, make_spec(base.name, frozen.name, base.preset, **fields))
    say(f"          run {run.id}; it goes on if this command is interrupted")
    return run, follow(run.dir, say=say)


def _export(
    workspace: Workspace, run: RunSummary, quants: Sequence[str], say: Say
) -> tuple[ExportInfo, ...]:
    there = {info.quant for info in artifacts(workspace, run.id)}
    for quant in quants:
        if quant not in there:
            follow(start_export(workspace, run.id, quant), say=say)
    return tuple(artifacts(workspace, run.id))


def _size(info: ExportInfo) -> str:
    return f"{info.quant} {info.tuned_bytes / 1e6:.0f} MB"


async def _ask(
    workspace: Workspace, run: RunSummary, quant: str, questions: int, max_tokens: int
) -> tuple[Answer, ...]:
    """Put the first held-out prompts to both sides."""
    answers = []
    with Pair.open(workspace, run.id, quant) as pair:
        for prompt in prompts(workspace, run.id)[:questions]:
            texts: dict[Side, str] = {"base": "", "tuned": ""}
            timings: dict[Side, Timing] = {}
            async for chunk in pair.ask(prompt.turns, max_tokens=max_tokens):
                if chunk.error is not None:
                    raise chunk.error
                texts[chunk.side] += chunk.text
                if chunk.timing is not None:
                    timings[chunk.side] = chunk.timing
            answers.append(
                Answer(
                    prompt=prompt.turns[-1].content,
                    base=texts["base"],
                    tuned=texts["tuned"],
                    base_timing=timings["base"],
                    tuned_timing=timings["tuned"],
                )
            )
    return tuple(answers)


def _number(view: RunView, name: str) -> int:
    return int(str(view.result[name]))
