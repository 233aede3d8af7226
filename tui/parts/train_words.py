"""What the Train screen says of a run's specification, an export's result, and an empty list."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from tui.bridge.run_tail import JobState
from tui.parts.train_charts import Compared
from tui.parts.train_fit import fit_lines
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import ago, counted, fit, one_line, plain

if TYPE_CHECKING:
    from engine.train import Plan
    from engine.workspace import Workspace

_LABEL = 9

NO_CARD = "no NVIDIA GPU: trains on the CPU with transformers + peft + trl"
_LIBRARIES = {"unsloth": "unsloth", "trl": "transformers + peft + trl"}


def now() -> float:
    """Return the time, in seconds since the epoch."""
    return time.time()


def _row(label: str, value: str, style: str = "") -> Block:
    return Block(Content.assemble((f"{label:<{_LABEL}}", "$text-muted"), (one_line(value), style)))


def spec_blocks(
    job: JobState, plan: Plan | None, other: Compared | None, now: float
) -> list[Block]:
    """Return what a run is made of, what it was planned to take, and how another one differs.

    Args:
        job: The run or export.
        plan: Its plan, once it is known.
        other: The run that it is set against.
        now: Seconds since the epoch.
    """
    if job.quant:
        return _export_spec(job, now)
    said = [("name", job.called), ("note", job.note)]
    blocks = [_row(label, one_line(value)) for label, value in said if value]
    blocks += [_row(label, value) for label, value in _summary(job.spec)]
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


def prompts_text(prompts: Sequence[str]) -> str:
    r"""Return prompts as one line: ``What now? | Yes, and then?``.

    A ``|`` of a prompt is written ``\|``, a backslash ``\\``, and a new line ``\n``.
    """
    return " | ".join(
        prompt.translate({ord("\\"): r"\\", ord("|"): r"\|", ord("\n"): r"\n"})
        for prompt in prompts
    )


def prompts_of(text: str) -> tuple[str, ...]:
    """Return the prompts that a line holds; the other way round of :func:`prompts_text`."""
    parts = [""]
    for sign in re.findall(r"\\.|.", text, re.DOTALL):
        if sign == "|":
            parts.append("")
        elif len(sign) == 2:
            parts[-1] += {r"\n": "\n", r"\|": "|", r"\\": "\\"}.get(sign, sign)
        else:
            parts[-1] += sign
    return tuple(part.strip() for part in parts if part.strip())


def _setting(name: str, value: object) -> str:
    if name == "sample_prompts" and isinstance(value, list | tuple) and value:
        return prompts_text([str(prompt) for prompt in value])
    return value_words(value)


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
    if plan.fit is not None:
        lines += fit_lines(plan.fit)
    return lines + [Content.styled(f"! {one_line(note)}", "$text-warning") for note in plan.notes]


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "1 min"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} hours"


def _means(plan: Plan) -> str:
    libraries = _LIBRARIES.get(plan.backend, plan.backend)
    bits = f", base in {plan.bits} bits" if plan.bits else ""
    if plan.device.startswith("processor"):
        cores = plan.device.partition(", ")[2]
        return f"no NVIDIA GPU: trains on the CPU with {libraries} ({cores}){bits}"
    return f"trains on {one_line(plan.device)} with {libraries}{bits}"


def _difference_blocks(job: JobState, other: Compared) -> list[Block]:
    found, mark = differences(job.spec, other.job.spec), other.sign.mark
    head = f"against run {other.job.short} ({mark})"
    if not found:
        return [Block(text(head, "bold")), Block(text("the same settings", "$text-muted"))]
    return [
        Block(text(head, "bold")),
        *(
            Block(
                Content.assemble(
                    (f"{fit(name, 15)} ", "$text-muted"),
                    one_line(here),
                    (f"  {mark} {there}", "$text-muted"),
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
        (name, _setting(name, spec.get(name)), _setting(name, other.get(name)))
        for name in names
        if spec.get(name) != other.get(name) and not name.endswith(("_dir", "_fingerprint"))
    ]


def _export_spec(job: JobState, now: float) -> list[Block]:
    return [
        _row("run", job.short),
        _row("base", job.base),
        _row("at", job.quant),
        _row("began", ago(job.view.started, now)),
        BLANK,
        Block(text("The base goes the same way, so that both are compared alike.", "$text-muted")),
    ]


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
    from engine.telemetry import snapshot, visible_gpus

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [card.name for card in visible_gpus(snapshot(workspace.root).gpus, visible)]
    if names:
        return bool(datasets(workspace)), f"trains on {names[0]}"
    return bool(datasets(workspace)), NO_CARD
