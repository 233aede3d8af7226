"""The gate "tokens": what other programs make of a conversation are the ids of the training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import DatasetMissing, TemplateError
from engine.export.gates.files import distinct
from engine.export.gates.hard import HARD
from engine.export.gates.model import Gate, GateInput
from engine.export.gates.rows import sample
from engine.export.gates.witness import Refused, Witness, witness
from engine.models import Turn
from engine.runs.child import Job
from engine.text import inert
from engine.tokens import Tokenizer, prompt_ids, render

_OF_OTHERS = 8
_SHOWN = 4
_HINT = (
    "the base's tokenizer or template says something that llama.cpp reads otherwise; compare its "
    "tokenizer_config.json with its chat template, or choose another base. Chats in finetui send "
    "ids and are not affected"
)

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt as training saw it: its turns, its ids, and what a person calls it."""

    label: str
    turns: tuple[Turn, ...]
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a file makes other ids than training did.

    Attributes:
        label: The conversation or text.
        position: The first token position that differs.
        says: Both pieces, or why there are none.
    """

    label: str
    position: int
    says: str


def run(given: GateInput, report: Report) -> Gate:
    """Compare ids on conversations of the dataset and on hard texts, for every file.

    Raises:
        DependencyMissing: llama.cpp's own server is not installed.
        GgufDamaged: A file can't be loaded.
    """
    tokenizer = given.tokenizer
    told, joined, missing = _conversations(given)
    cases = [*told, *_hard(tokenizer)]
    files = distinct(given)
    found: dict[str, list[Difference]] = {}
    compared = 0
    for done, (name, path) in enumerate(files.items()):
        chosen = cases if name.endswith(" f16") else [*told[:_OF_OTHERS], *_hard(tokenizer)]

        def tell(part: int, whole: int, done: int = done) -> None:
            report(done * whole + part, len(files) * whole)

        with witness(path, given.job) as server:
            found[name] = list(differences(server, tokenizer, chosen, given.job, tell))
        compared += len(chosen)
    return _gate(found, joined, missing, len(told), compared)


def differences(
    server: Witness, tokenizer: Tokenizer, cases: Sequence[Case], job: Job, report: Report
) -> Iterator[Difference]:
    """Yield the cases of which a server makes other ids.

    Raises:
        JobStopped: The job was asked to stop.
    """
    for done, case in enumerate(cases):
        report(done, len(cases))
        job.check_stop()
        # As others send them, with a system message of its own.
        messages = [tokenizer.chat.message(turn) for turn in case.turns]
        try:
            theirs = server.ids(server.prompt(messages))
        except Refused as error:
            yield Difference(case.label, 0, error.message)
            continue
        if theirs != list(case.ids):
            yield _difference(tokenizer, case, theirs)


def case_of(tokenizer: Tokenizer, label: str, turns: Sequence[Turn]) -> Case:
    """Return a case of turns that end with a question.

    Raises:
        TemplateError: The template refuses them.
    """
    return Case(label, tuple(turns), prompt_ids(tokenizer, turns))


def _difference(tokenizer: Tokenizer, case: Case, theirs: list[int]) -> Difference:
    ours = list(case.ids)
    at = next(
        (i for i, pair in enumerate(zip(theirs, ours, strict=False)) if pair[0] != pair[1]),
        min(len(theirs), len(ours)),
    )
    return Difference(
        case.label,
        at,
        f"from token {at} on it makes {_pieces(tokenizer, theirs[at:])} where training had "
        f"{_pieces(tokenizer, ours[at:])}",
    )


def _pieces(tokenizer: Tokenizer, ids: Iterable[int]) -> str:
    shown = [f"{inert(tokenizer.token(index))!r} ({index})" for index in list(ids)[:_SHOWN]]
    return " ".join(shown) or "nothing"


def _conversations(given: GateInput) -> tuple[list[Case], int, str]:
    """Return cases of the dataset, how many training joined otherwise, and why there are none."""
    cases, joined = [], 0
    try:
        chosen = sample(given.spec.run_dir, given.spec.gates.conversations)
    except DatasetMissing as error:
        return [], 0, error.message
    for row in chosen:
        given.job.check_stop()
        name = f"example {row.id[:12]}" if row.id else "a conversation"
        try:
            case = case_of(given.tokenizer, name, row.turns[:-1])
            trained = render(given.tokenizer, row.turns)
        except TemplateError:
            continue  # it was not trained on either
        cases.append(case)
        text = given.tokenizer.chat.text(
            given.tokenizer.prepared(case.turns), generation_prompt=True
        )
        same = trained.ids[: len(case.ids)] == case.ids
        joined += trained.text.startswith(text) and not same
    return cases, joined, "" if cases else "the dataset has no conversation"


def _hard(tokenizer: Tokenizer) -> list[Case]:
    cases = []
    for number, text in enumerate(HARD, 1):
        try:
            cases.append(case_of(tokenizer, f"hard text {number}", (Turn("user", text),)))
        except TemplateError:
            continue
    return cases


def _gate(
    found: dict[str, list[Difference]], joined: int, missing: str, told: int, compared: int
) -> Gate:
    total = sum(len(differing) for differing in found.values())
    figures: dict[str, Any] = {
        "conversations": told,
        "hard_texts": len(HARD),
        "prompts_compared": compared,
        "different": {name: len(items) for name, items in found.items()},
        "joined_in_training": joined,
    }
    if missing:
        figures["conversations_missing"] = missing
    if not total:
        says = f"{compared} prompts are the same ids in {len(found)} files as in training"
        return Gate("tokens", "passed", says, figures=figures)
    name, first = next((name, items[0]) for name, items in found.items() if items)
    figures["first"] = {"file": name, "case": first.label, "position": first.position}
    return Gate(
        "tokens",
        "failed",
        f"{total} of {compared} prompts are other ids than in training: in the file "
        f"{name} at {first.label}, {first.says}",
        hint=_HINT,
        figures=figures,
    )
