"""What the Train screen says of a run's specification, an export's result, and an empty list."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from tui.bridge.run_tail import JobState
from tui.widgets.frame import Kind
from tui.widgets.rows import Part
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import ago, counted, file_size, fit, one_line, plain

if TYPE_CHECKING:
    from engine.train import Plan
    from engine.workspace import Workspace

_LABEL = 9

NO_CARD = "no NVIDIA GPU: trains on the CPU with transformers + peft + trl"


def now() -> float:
    """Return the time, in seconds since the epoch."""
    return time.time()


def _row(label: str, value: str, style: str = "") -> Block:
    return Block(Content.assemble((f"{label:<{_LABEL}}", "$text-muted"), (one_line(value), style)))


def spec_blocks(
    job: JobState, plan: Plan | None, other: JobState | None, now: float
) -> list[Block]:
    """Return what a run is made of, what it was planned to take, and how another one differs.

    Args:
        job: The run or export.
        plan: Its plan, once it is known.
        other: The run whose curves are held beside it.
        now: Seconds since the epoch.
    """
    if job.quant:
        return _export_spec(job, now)
    blocks = [_row(label, value) for label, value in _summary(job.spec)]
    blocks.append(_row("began", ago(job.view.started, now)))
    if plan is not None:
        blocks += [BLANK, *plan_blocks(plan)]
    if job.view.warnings:
        blocks += [BLANK, *(Block(plain(f"! {word}")) for word in job.view.warnings[-3:])]
    if other is not None:
        blocks += [BLANK, *_difference_blocks(job, other)]
    return blocks


def _summary(spec: Mapping[str, object]) -> list[tuple[str, str]]:
    def word(name: str) -> str:
        return value_words(spec.get(name))

    layers = word("target_modules").replace("_proj", "")
    epochs = f"{word('epochs')} epoch{'' if word('epochs') == '1' else 's'}"
    memory = " · 4-bit base" if spec.get("load_in_4bit") else ""
    return [
        ("base", word("base")),
        ("dataset", word("dataset")),
        ("preset", word("preset")),
        ("adapter", f"r {word('r')} · alpha {word('alpha')} · {layers}"),
        ("rate", f"{word('learning_rate')} · {word('scheduler')}"),
        ("batches", f"{word('batch_size')} x {word('accumulation')} · {epochs}"),
        ("length", f"up to {word('max_length')} tokens{memory}"),
    ]


def value_words(value: object) -> str:
    """Return a hyperparameter as a person writes it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def plan_blocks(plan: Plan) -> list[Block]:
    """Return a plan as blocks of a pane."""
    return [Block(line) for line in plan_lines(plan)]


def plan_lines(plan: Plan) -> list[Content]:
    """Return what a run takes, on what it trains, and what should be known before it starts."""
    about = "about " if plan.sampled else ""
    takes = [
        f"{counted(plan.examples, 'example')}, {plan.validation:,} for validation",
        f"{about}{plan.trained_tokens:,} trained tokens",
        counted(plan.steps, "step"),
    ]
    if plan.minutes is not None:
        takes.append(f"about {_minutes(plan.minutes)}")
    lines = [
        Content(" · ".join(takes)),
        Content.styled(_means(plan), "$text-muted"),
    ]
    return lines + [Content.styled(f"! {one_line(note)}", "$text-warning") for note in plan.notes]


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "1 min"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} hours"


def _means(plan: Plan) -> str:
    if plan.device.startswith("processor"):
        return f"{NO_CARD} ({plan.device.partition(', ')[2]})"
    libraries = "unsloth" if plan.backend == "unsloth" else "transformers + peft + trl"
    return f"trains on {one_line(plan.device)} with {libraries}"


def _difference_blocks(job: JobState, other: JobState) -> list[Block]:
    found = differences(job.spec, other.spec)
    head = f"against run {other.short} (≈)"
    if not found:
        return [Block(text(head, "bold")), Block(text("the same settings", "$text-muted"))]
    return [
        Block(text(head, "bold")),
        *(
            Block(
                Content.assemble(
                    (f"{fit(name, 15)} ", "$text-muted"),
                    one_line(here),
                    (f"  ≈ {there}", "$text-muted"),
                )
            )
            for name, here, there in found
        ),
    ]


def differences(
    spec: Mapping[str, object], other: Mapping[str, object]
) -> list[tuple[str, str, str]]:
    """Return the settings in which two specs differ: name, here, there."""
    names = dict.fromkeys([*spec, *other])
    return [
        (name, value_words(spec.get(name)), value_words(other.get(name)))
        for name in names
        if spec.get(name) != other.get(name) and not name.endswith(("_dir", "_fingerprint"))
    ]


# -- exports --------------------------------------------------------------------------


def _export_spec(job: JobState, now: float) -> list[Block]:
    return [
        _row("run", job.short),
        _row("base", job.base),
        _row("at", job.quant),
        _row("began", ago(job.view.started, now)),
        BLANK,
        Block(text("The base goes the same way, so that both are compared alike.", "$text-muted")),
    ]


def export_blocks(job: JobState, phases: tuple[tuple[str, float], ...] = ()) -> list[Block]:
    """Return an export's course and, once it is done, its files and the model's answer.

    Args:
        job: The export.
        phases: What it did, each with the time when it began.
    """
    # A process that has not spoken yet has no phase; those of its predecessor are not its own.
    begun = bool(job.view.phase) or not job.view.active
    blocks = _phase_blocks(job, phases if begun else ())
    result = job.view.result
    if job.view.status != "finished":
        return blocks
    blocks.append(BLANK)
    for side in ("tuned", "base"):
        told = result.get(side)
        if isinstance(told, Mapping):
            blocks += _file_blocks(side, told)
    for name in ("modelfile", "merged"):
        if result.get(name):
            blocks += [Block(text(name, "bold")), _path_block(str(result[name]))]
    tuned = result.get("tuned")
    if isinstance(tuned, Mapping) and tuned.get("answer"):
        blocks += [BLANK, Block(text("asked", "$text-muted"))]
        blocks.append(Block(plain(str(result.get("prompt", ""))), indent=2))
        blocks += [Block(text("it answers", "$text-muted"))]
        blocks.append(Block(plain(str(tuned["answer"])), indent=2))
    return blocks


def _file_blocks(side: str, told: Mapping[str, object]) -> list[Block]:
    size, rate = told.get("bytes"), told.get("tokens_per_s")
    words = file_size(size) if isinstance(size, int) else ""
    if isinstance(rate, int | float):
        words += f" · {rate:.0f} tokens/s"
    head = Block(text(side, "bold"), right=Content.styled(words, "$text-muted"))
    path = told.get("path") or told.get("file")
    return [head, _path_block(str(path))] if path else [head]


def _path_block(path: str) -> Block:
    # Whole, so that it can be copied.
    return Block(text(one_line(path), "$text-muted"), indent=2)


def _phase_blocks(job: JobState, phases: tuple[tuple[str, float], ...]) -> list[Block]:
    blocks: list[Block] = []
    for index, (phase, began) in enumerate(phases):
        last = index == len(phases) - 1
        end = phases[index + 1][1] if not last else job.view.ended
        if last and job.view.active:
            sign, style, took = "▶", "$text-accent", ""
        elif last and job.view.status in ("failed", "died"):
            sign, style, took = "✗", "$text-error", ""
        elif last and job.view.status in ("stopped", "killed"):
            sign, style, took = "■", "$text-muted", ""
        else:
            sign, style, took = "✓", "$text-success", f"{max(0.0, end - began):.1f} s"
        blocks.append(
            Block(
                Content.assemble((f"{sign} ", style), one_line(phase)),
                right=Content.styled(took, "$text-muted") if took else None,
            )
        )
    return blocks


@dataclass(frozen=True, slots=True)
class QuantChoice:
    """A quantisation that can be taken."""

    name: str
    bits: float
    note: str
    default: bool

    def row(self) -> list[Part]:
        """Return its row in the dialog."""
        return [
            (fit(self.name, 9), "strong" if self.default else "row"),
            (f"{self.bits:>5.1f} bits   ", "muted"),
            ("usual for this base · " if self.default else "", "success"),
            (self.note, "row"),
        ]


def quant_choices(base: str) -> list[QuantChoice]:
    """Return every quantisation, with the one that is usual for a base marked.

    Reads the base's record, so call it off the event loop.
    """
    from engine.bases import resolve
    from engine.errors import FinetuiError
    from engine.export.quants import QUANTS

    try:
        usual = resolve(base).default_quant
    except FinetuiError:
        usual = ""  # starting the export says what is wrong with the base
    return [
        QuantChoice(quant.name, quant.bits, quant.note, quant.name == usual)
        for quant in QUANTS.values()
    ]


# -- what can be done -----------------------------------------------------------------


def stop_words(job: JobState) -> tuple[str, str]:
    """Return what is said once a job was asked to stop: what that saves, and what to do then."""
    from engine.train import leaves_when_stopped

    if job.quant:
        return f"{job.name} stops", "r exports it again"
    leaves = leaves_when_stopped(job.view)
    if leaves == "checkpoint":
        return f"{job.name} saves a checkpoint and stops", "r resumes it"
    if leaves == "adapter":
        return f"{job.name} saves its adapter and ends", ""
    if job.view.checkpoints:
        return f"{job.name} stops before it trains again", "its last checkpoint is kept"
    return f"{job.name} stops before its first step", "there is nothing to save yet"


def kill_words(job: JobState) -> str:
    """Return what ending a job at once loses, and what stopping it would keep."""
    from engine.train import leaves_when_stopped

    if job.quant:
        return "It can be exported again."
    if leaves_when_stopped(job.view) == "checkpoint":
        lost = (
            "Steps since its last checkpoint are lost."
            if job.view.checkpoints
            else "It has saved no checkpoint yet: all its steps are lost."
        )
        return f"{lost} s saves a checkpoint and stops it."
    if job.view.checkpoints:
        return "Its last checkpoint is kept."
    return "It has not begun to train, so nothing is lost."


def ended_words(job: JobState) -> tuple[str, str, Kind]:
    """Return what is said of a job that has just ended, with a hint and the kind of message."""
    view = job.view
    if view.status in ("failed", "died"):
        said = view.message.splitlines()[-1] if view.message else "it wrote no message"
        return f"{job.name} {view.status}: {said}", view.hint, "error"
    return f"{job.name} {view.status}", "", "done" if view.status == "finished" else "info"


def refusal(job: JobState | None, action: str) -> tuple[str, str]:
    """Return why something can't be done with a job, and what to do instead.

    Args:
        job: The job under the cursor; None where there is none.
        action: "stop", "kill", "resume", "export", or another action that needs a job.
    """
    if job is None:
        return "there is no run yet", "n starts one"
    if action in ("stop", "kill") and not job.living:
        return f"{job.name} is not running: it is {job.view.status}", ""
    if action == "resume":
        return job.resume_refused
    if action == "export":
        return job.export_refused
    return "", ""


# -- an empty list ----------------------------------------------------------------------


def teaching(datasets: bool | None, device: str) -> list[Block]:
    """Return what a newcomer needs to know before the first run.

    Args:
        datasets: Whether there is a dataset; None while that is not known.
        device: What a run would train on, in words; empty while that is not known.
    """
    if datasets is None:
        return []
    if not datasets:
        blocks = [
            Block(text("There is no dataset to train on yet.", "bold")),
            BLANK,
            Block(text("3 then z freezes one from what you approved.")),
        ]
    else:
        blocks = [
            Block(text("No run yet.", "bold")),
            BLANK,
            Block(text("n opens the form; ctrl+s there starts the run.")),
            Block(text("It goes on by itself when you leave finetui or close the terminal.")),
        ]
    return [*blocks, BLANK, Block(text(device, "$text-muted"))] if device else blocks


def means(workspace: Workspace) -> tuple[bool, str]:
    """Return whether there is a dataset, and on what a run would train.

    Reads files and asks the machine's cards; call it off the event loop.
    """
    from engine.dataset import datasets
    from engine.telemetry import snapshot

    names = [card.name for card in snapshot(workspace.root).gpus]
    if names:
        return bool(datasets(workspace)), f"trains on {names[0]}"
    return bool(datasets(workspace)), NO_CARD
