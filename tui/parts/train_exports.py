"""What Train says of an export: its course, its files, and the quantisations to choose from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual.content import Content

from engine.errors import UsageError
from engine.runs import verdict, verdict_words
from tui.bridge.run_tail import JobState
from tui.widgets.rows import Part
from tui.widgets.textpane import BLANK, Block, text
from tui.widgets.words import file_size, fit, one_line, plain

if TYPE_CHECKING:
    from engine.export.start import Options

KEEPS: tuple[Literal["none", "merged", "f16", "all"], ...] = ("none", "merged", "f16", "all")


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
    if job.view.status == "failed" and result.get("gates"):
        return [*blocks, BLANK, *_gate_blocks(result)]
    if job.view.status != "finished":
        return blocks
    blocks.append(BLANK)
    if result.get("step"):
        words = f"merged the {result.get('adapter')} adapter, of step {result['step']}"
        blocks.append(Block(text(one_line(words), "$text-muted")))
    blocks += _gate_blocks(result)
    for quant, side, told in _files(result):
        blocks += _file_blocks(f"{side} {quant}".strip(), told)
    for name in ("card", "modelfile", "imatrix", "merged"):
        if result.get(name):
            blocks += [Block(text(name, "bold")), _path_block(str(result[name]))]
    blocks += _ollama_blocks(result)
    blocks += _update_blocks(result)
    tuned = result.get("tuned")
    if isinstance(tuned, Mapping) and tuned.get("answer"):
        blocks += [BLANK, Block(text("asked", "$text-muted"))]
        blocks.append(Block(plain(str(result.get("prompt", ""))), indent=2))
        blocks += [Block(text("it answers", "$text-muted"))]
        blocks.append(Block(plain(str(tuned["answer"])), indent=2))
    return blocks


def _files(result: Mapping[str, object]) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Yield each file with its quantisation and side; earlier exports had one of each."""
    files = result.get("files")
    for file in files if isinstance(files, list) else [result]:
        for side in ("tuned", "base"):
            told = file.get(side) if isinstance(file, Mapping) else None
            if isinstance(told, Mapping):
                quant = str(file["quant"]) if file is not result else ""
                yield quant, side, told
                if side == "tuned" and file.get("model"):
                    yield "models folder,", quant, {"path": file["model"]}


def _ollama_blocks(result: Mapping[str, object]) -> list[Block]:
    """Return what to know before it is used with Ollama, and how it gets there."""
    told = result.get("ollama")
    remarks = told.get("remarks") if isinstance(told, Mapping) else None
    if not isinstance(remarks, list):
        return []
    words = f"for Ollama: O, or finetui ollama {result.get('run', 'RUN')} --create"
    noted = [Block(text(f"! {one_line(str(said))}", "$text-warning")) for said in remarks]
    return [Block(text(one_line(words), "$text-muted")), *noted]


_GATE_SIGNS = {
    "passed": ("✓", "$text-success"),
    "failed": ("✗", "$text-error"),
    "overridden": ("!", "$text-warning"),
}


def _gate_blocks(result: Mapping[str, object]) -> list[Block]:
    gates = result.get("gates")
    blocks = []
    for gate in gates if isinstance(gates, list) else []:
        if isinstance(gate, Mapping):
            sign, style = _GATE_SIGNS.get(str(gate.get("state")), ("–", "$text-muted"))
            words = f"{gate.get('name')}: {gate.get('says')}"
            blocks.append(Block(Content.assemble((f"{sign} ", style), one_line(words))))
    return [*blocks, BLANK] if blocks else []


def _update_blocks(result: Mapping[str, object]) -> list[Block]:
    updates = result.get("updates")
    blocks = []
    for update in updates if isinstance(updates, list) else []:
        if isinstance(update, Mapping):
            head = f"{update.get('key')} {'is not set' if update.get('message') else 'is set in'}"
            blocks += [Block(text(one_line(head), "bold")), _path_block(str(update.get("file")))]
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
    needs_imatrix: bool = False

    def row(self, *, marked: bool = False) -> list[Part]:
        """Return its row in the dialog."""
        return [
            ("✓ " if marked else "  ", "success"),
            (fit(self.name, 10), "strong" if self.default else "row"),
            (f"{self.bits:>5.1f} bits   ", "muted"),
            ("usual · " if self.default else "", "success"),
            ("needs an importance matrix · " if self.needs_imatrix else "", "warning"),
            (self.note, "row"),
        ]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an export is told beside its quantisations, as the dialog has it; empty is unset."""

    imatrix: bool = False
    merge_into: str = ""
    keep: str = ""
    allow: str = ""
    models_dir: str = ""
    file: str = ""
    key: str = ""
    value: str = "path"

    def words(self) -> list[str]:
        """Return what is other than usual, for people."""
        words = []
        if self.imatrix:
            words.append("importance matrix")
        if self.merge_into:
            words.append(f"merged into {self.merge_into}")
        if self.keep and self.keep != "none":
            words.append(f"keeps {self.keep}")
        if self.allow:
            words.append(f"may fail: {self.allow}")
        if self.models_dir:
            words.append(f"into {self.models_dir}")
        if self.file and self.key:
            words.append(f"sets {self.key} in {self.file}")
        return words

    def options(self) -> Options:
        """Return it as the engine takes it.

        Raises:
            UsageError: A file without a key, or a key without a file.
        """
        from engine.export.spec import Update
        from engine.export.start import Options

        if bool(self.file) != bool(self.key):
            raise UsageError(
                "a configuration file is pointed at the export by its path and a key",
                hint="give both, or neither",
            )
        update = Update(
            file=Path(self.file), key=self.key, value="name" if self.value == "name" else "path"
        )
        keep = next((one for one in KEEPS if one == self.keep), None)
        return Options(
            imatrix=self.imatrix,
            allow=tuple(self.allow.replace(",", " ").split()),
            keep=keep,
            models_dir=Path(self.models_dir) if self.models_dir else None,
            updates=(update,) if self.file else (),
            merge_into=self.merge_into,
        )


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
        QuantChoice(quant.name, quant.bits, quant.note, quant.name == usual, quant.needs_imatrix)
        for quant in QUANTS.values()
    ]
