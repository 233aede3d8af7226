"""What gates get and give: the contract between an export and what it has to prove."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from engine.errors import GateFailed
from engine.export.progress import Progress
from engine.export.spec import ExportSpec
from engine.runs.child import Job
from engine.tokens import Tokenizer

State = Literal["passed", "failed", "skipped", "overridden"]
GATES = ("answers", "tokens", "fidelity", "stops", "recall")
"""The names of all gates, in the order in which they run."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate found.

    Attributes:
        name: One of :data:`GATES`.
        state: Whether the export passed it. Skipped is what could not be looked at, which
            ``says`` gives the reason for; overridden is failed, and published all the same.
        says: What was found, in a sentence for people.
        hint: What to do where it failed.
        figures: What was measured, as JSON values; by quantisation where that applies.
    """

    name: str
    state: State
    says: str
    hint: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values, for a job's result and ``--json``."""
        return {
            "name": self.name,
            "state": self.state,
            "says": self.says,
            "hint": self.hint,
            "figures": dict(self.figures),
        }


TEMPLATE_REFUSED = "template-refused-by-server"
"""The ``code`` in the figures of "tokens" where llama.cpp's server can't load a file for it."""


def template_refused(gates: Iterable[Gate]) -> bool:
    """Say whether llama.cpp's server refused the chat template of the files."""
    return any(gate.figures.get("code") == TEMPLATE_REFUSED for gate in gates)


@dataclass(frozen=True, slots=True)
class GateInput:
    """The files of an export before they are published.

    Attributes:
        spec: The export.
        job: Is asked whether to stop, and gets warnings.
        directory: The job's folder, for what a gate writes for a while.
        tokenizer: The base's, with the template of the training.
        f16: The merged model's unquantised GGUF.
        tuned: The tuned model's GGUFs by quantisation, under their temporary names.
        base_f16: The base's unquantised GGUF.
        base: The base's GGUFs by quantisation.
        progress: Is told how far each gate is.
    """

    spec: ExportSpec
    job: Job
    directory: Path
    tokenizer: Tokenizer
    f16: Path
    tuned: Mapping[str, Path]
    base_f16: Path
    base: Mapping[str, Path]
    progress: Progress


def refuse(gates: Sequence[Gate], allow: Collection[str]) -> tuple[Gate, ...]:
    """Return the gates, with those that failed and were allowed as overridden.

    Args:
        gates: What :func:`engine.export.gates.run_gates` found.
        allow: Names of gates whose failure is accepted.

    Raises:
        GateFailed: Another one failed.
    """
    failed = [gate for gate in gates if gate.state == "failed" and gate.name not in allow]
    if failed:
        raise GateFailed(
            "; ".join(f"{gate.name}: {gate.says}" for gate in failed),
            hint=" ".join(
                [
                    *(f"{gate.name}: {gate.hint}." for gate in failed if gate.hint),
                    "To publish it all the same: "
                    + " ".join(f"--allow {gate.name}" for gate in failed),
                ]
            ),
        )
    return tuple(
        replace(gate, state="overridden") if gate.state == "failed" else gate for gate in gates
    )
