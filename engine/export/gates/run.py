"""Running all gates of an export, each apart from the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from engine.errors import DatasetMissing, DependencyMissing, FinetuiError
from engine.export.gates import answers, fidelity, recall, stops, tokens
from engine.export.gates.model import Gate, GateInput
from engine.export.gates.skip import Skipped
from engine.export.progress import TOTAL

GateFunction = Callable[[GateInput, Callable[[int, int], None]], Gate]

_GATES: tuple[tuple[str, str, GateFunction], ...] = (
    ("answers", "see whether the files answer", answers.run),
    ("tokens", "compare tokens with those of the training", tokens.run),
    ("fidelity", "compare the files with what was trained", fidelity.run),
    ("stops", "see whether answers end", stops.run),
    ("recall", "look for what was learnt by heart", recall.run),
)


def run_gates(given: GateInput) -> tuple[Gate, ...]:
    """Run every gate; one that fails keeps no other from running.

    Args:
        given: The files.

    Returns:
        What each found, in the order of :data:`engine.export.gates.model.GATES`.

    Raises:
        JobStopped: The job was asked to stop.
    """
    found = []
    for number, (name, phase, gate) in enumerate(_GATES):
        given.job.check_stop()
        found.append(_run(given, name, phase, gate, number))
    return tuple(found)


def _run(given: GateInput, name: str, phase: str, gate: GateFunction, number: int) -> Gate:
    if name in given.spec.gates.off:
        return Gate(name, "skipped", "it is turned off", "take it out of the setting gates.off")
    whole = TOTAL * len(_GATES)
    enter = given.progress.enter("gates", phase, whole)

    def report(done: int, total: int) -> None:
        enter(TOTAL * number + TOTAL * done // max(total, 1), whole)

    report(0, 1)
    try:
        return gate(given, report)
    except (Skipped, DependencyMissing, DatasetMissing) as error:
        return Gate(name, "skipped", error.message, error.hint)
    except FinetuiError as error:
        return Gate(name, "failed", error.message, error.hint, {"code": error.code})
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        # A fault of the gate's own must not lose hours of work, nor pass for proof.
        traceback.print_exception(error)
        says = f"the gate itself failed: {type(error).__name__}"
        return Gate(name, "failed", says, "please report it; stdout.log has the whole story")
