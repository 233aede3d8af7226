"""What Train says of an export: its course, its files, and the quantisations to choose from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from textual.content import Content

from engine.runs import verdict, verdict_words
from engine.runs.kept import Which
from tui.bridge.run_tail import JobState
from tui.widgets.rows import Part
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import file_size, fit, one_line, plain


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
    if result.get("step"):
        words = f"merged the {result.get('adapter')} adapter, of step {result['step']}"
        blocks.append(Block(text(one_line(words), "$text-muted")))
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
            ("usual · " if self.default else "", "success"),
            (self.note, "row"),
        ]


def export_note(run: JobState) -> list[Content]:
    """Return what to know before a run is exported.

    Args:
        run: The run; one that never beat its base is called that.
    """
    lines = [Content(f"Base and tuned of run {run.short}, both at:")]
    if verdict(run.view) == "worse-than-base":
        words = f"! this run {verdict_words(run.view)}"
        lines.insert(0, Content.styled(words, "$text-warning"))
    return lines


def adapter_of(export: JobState) -> Which | None:
    """Return which adapter an export took; None where it does not say."""
    which = export.spec.get("which")
    return "best" if which == "best" else "last" if which == "last" else None


def quant_of(job: JobState) -> str | None:
    """Return the quantisation of an export, the first where it has several; None for a run."""
    return re.split(r"[,+ ]", job.quant)[0] if job.quant else None


def quant_choices(base: str) -> list[QuantChoice]:
    """Return every quantisation, with the one that is usual for a base marked.

    Reads the base's record, so call it off the event loop.
    """
    from engine.export.quants import QUANTS, usual_quant

    usual = usual_quant(base)
    return [
        QuantChoice(quant.name, quant.bits, quant.note, quant.name == usual)
        for quant in QUANTS.values()
    ]
