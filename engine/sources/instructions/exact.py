r"""Rows that finetui exported, read back exactly as they were.

Whoever reads rows of anybody's has to tidy them: white space at the ends goes, turns of
one speaker are joined, tokens of a template are cut off. A row that finetui wrote with its
metadata names the id of its text. Where what stands in the row has that id, taken as it
is, it is what was written, and nothing is tidied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from engine.models import ROLES, Role, Turn, example_id
from engine.sources.answers import ListsAre
from engine.sources.files import Refused
from engine.sources.flags import NOT_A_ROW, NOT_TRAINED, is_row_trained
from engine.sources.turns import Dialogue, dialogues

SPEAKERS: Mapping[str, Role] = {"human": "user", "gpt": "assistant", "system": "system"}
"""Who speaks in ShareGPT's ``from``, as finetui writes it."""

TEXT_ID = "text_id"
_COMPLETION = re.compile(r"(?:^|\n)<\|(system|user|assistant)\|>\n")
_CHATML = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n", re.DOTALL)
_HEADED = re.compile(r"(?:^|\n\n)### (Instruction|Response):\n")
_OPEN = "\n<|assistant|>\n"


def told_by(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metadata that finetui wrote into a row; empty where it wrote none."""
    told = fields.get("metadata")
    if not isinstance(told, dict):
        return {}
    known = told.get(TEXT_ID)
    return told if isinstance(known, str) and known.startswith("b2-") else {}


def conversations(
    fields: Mapping[str, Any], *, lists: ListsAre | Literal[""] = ""
) -> list[Dialogue]:
    """Return the conversations of a row: exactly as finetui wrote it, else as it is understood.

    ``lists`` is what a list in the answer's place is, where a person said so.

    Raises:
        Refused: No conversation can be made of it.
    """
    if not is_row_trained(fields):
        raise Refused(NOT_TRAINED, NOT_A_ROW)
    found = exact(fields)
    return [found] if found is not None else dialogues(fields, lists=lists)


def exact(fields: Mapping[str, Any]) -> Dialogue | None:
    """Return the conversation that finetui wrote into a row; None where that is not proven."""
    wanted = told_by(fields).get(TEXT_ID)
    if wanted is None:
        return None
    for layout, turns in _readings(fields):
        if example_id(turns) == wanted:
            return Dialogue(turns, layout)
    return None


def _readings(fields: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Turn, ...]]]:
    """Yield what a row says by the definition of each format that its columns may be of."""
    said = fields.get("messages")
    if isinstance(said, list):
        yield from _of_messages(said, "role", "content", {role: role for role in ROLES})
    said = fields.get("conversations")
    if isinstance(said, list):
        yield from _of_messages(said, "from", "value", SPEAKERS)
    text = fields.get("text")
    if isinstance(text, str):
        for turns in (of_completion(text), of_chatml(text), of_headed(text)):
            if turns:
                yield "text", turns
    asked, told = fields.get("prompt"), fields.get("completion")
    if isinstance(asked, str) and isinstance(told, str):
        answer = Turn("assistant", told)
        yield "prompt", (Turn("user", asked), answer)
        if asked.endswith(_OPEN):
            yield "prompt", (*of_completion(asked.removesuffix(_OPEN)), answer)
    asked, told = fields.get("instruction"), fields.get("output")
    if isinstance(asked, str) and isinstance(told, str) and not fields.get("input"):
        yield "instruction", (*_before(fields), Turn("user", asked), Turn("assistant", told))


def _of_messages(
    said: list[Any], speaker: str, content: str, roles: Mapping[str, Role]
) -> Iterator[tuple[str, tuple[Turn, ...]]]:
    turns: list[Turn] = []
    for message in said:
        if not isinstance(message, dict):
            return
        role, text = message.get(speaker), message.get(content)
        if not isinstance(role, str) or role not in roles or not isinstance(text, str):
            return
        turns.append(Turn(roles[role], text))
    yield "messages", tuple(turns)


def _before(fields: Mapping[str, Any]) -> Iterator[Turn]:
    system = fields.get("system")
    if isinstance(system, str) and system:
        yield Turn("system", system)
    history = fields.get("history")
    for pair in history if isinstance(history, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair):
            yield Turn("user", pair[0])
            yield Turn("assistant", pair[1])


def of_completion(text: str) -> tuple[Turn, ...]:
    r"""Return the turns of ``<|user|>\n…\n<|assistant|>\n…``; empty where it is none."""
    before, *parts = _COMPLETION.split(text)
    return () if before else _paired(parts, {role: role for role in ROLES})


def of_chatml(text: str) -> tuple[Turn, ...]:
    r"""Return the turns of ``<|im_start|>user\n…<|im_end|>\n…``; empty where it is none."""
    before, *parts = _CHATML.split(text)
    if before or any(parts[2::3]):
        return ()
    spread = [part for at, part in enumerate(parts) if at % 3 != 2]
    return _paired(spread, {role: role for role in ROLES})


def of_headed(text: str) -> tuple[Turn, ...]:
    r"""Return the turns of ``### Instruction:\n…\n\n### Response:\n…``; empty where it is none."""
    before, *parts = _HEADED.split(text)
    first = (Turn("system", before),) if before else ()
    said = _paired(parts, {"Instruction": "user", "Response": "assistant"})
    return (*first, *said) if said else ()


def _paired(parts: list[str], roles: Mapping[str, Role]) -> tuple[Turn, ...]:
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    if any(name not in roles for name, _ in pairs):
        return ()
    return tuple(Turn(roles[name], content) for name, content in pairs)
