"""Records as conversations: the layouts of messages and instructions that are understood."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from engine.models import Role, Turn
from engine.sources.files import Refused
from engine.sources.notes import date_in

_ROLES: dict[str, Role] = {
    **dict.fromkeys(("user", "human", "prompter", "me", "question"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "bot", "chatgpt", "model", "ai", "chatbot", "answer"), "assistant"
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(
        ("tool", "function", "function_call", "function_response", "observation", "tool_call"),
        "tool",
    ),
}
_MESSAGE_KEYS = ("messages", "conversations", "conversation", "chat_messages", "turns", "dialog")
_ROLE_KEYS = ("role", "from", "sender", "author", "speaker")
_CONTENT_KEYS = ("content", "value", "text", "message")
_MEDIA_KEYS = ("images", "videos", "audios", "image", "audio", "video")
_PREFERENCE_KEYS = ("chosen", "rejected", "chosen_messages", "rejected_messages")
_PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("query", "response"),
    ("input", "output"),
)
_ANSWER_KEYS = ("output", "response", "answer", "completion")
_DATE_KEYS = ("date", "created_at", "create_time", "timestamp", "created", "generated_at", "time")
_TITLE_KEYS = ("title", "name", "topic", "subject")
_MARKER = re.compile(r"<\|(?:im_start\|>)?(system|user|assistant)(?:\|>)?[ \t]*\n?")
_END_MARKER = re.compile(r"\s*(?:<\|im_end\|>|<\|end\|>|<\|endoftext\|>|<\|eot_id\|>|</s>)\s*$")
_MAX_METADATA = 500


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation that can be trained on.

    It begins with at most one system turn; then user and assistant take turns,
    and the assistant has the last word. ``dropped`` holds code and reason of each
    part that was left out; ``layout`` names how the record was written.
    """

    turns: tuple[Turn, ...]
    layout: str
    dropped: tuple[tuple[str, str], ...] = ()


def clean(text: str) -> str:
    r"""Return text that can be stored and tokenised.

    Line ends become ``\n``; NUL and halves of surrogate pairs, which are no
    characters, become U+FFFD.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def has_messages(fields: Mapping[str, Any]) -> bool:
    """Say whether a record holds a list of messages."""
    return _messages(fields) is not None


def has_instruction(fields: Mapping[str, Any]) -> bool:
    """Say whether a record holds a prompt and its answer, or a text with turn markers."""
    if "instruction" in fields and (fields.keys() & {*_ANSWER_KEYS, "instances"}):
        return True
    if any(first in fields and second in fields for first, second in _PAIRS):
        return True
    text = fields.get("text")
    return isinstance(text, str) and _MARKER.search(text) is not None


def dialogues(fields: Mapping[str, Any]) -> list[Dialogue]:
    """Return the conversations of a record: one, or one for each of its ``instances``.

    Raises:
        Refused: No conversation can be made of it; the code and reason say why.
    """
    _check(fields)
    messages = _messages(fields)
    if messages is not None:
        turns = [_turn(message, number) for number, message in enumerate(messages, 1)]
        return [tidy(_with_system(fields, turns), "messages")]
    instruction = fields.get("instruction")
    instances = fields.get("instances")
    if isinstance(instruction, str) and isinstance(instances, list) and instances:
        return _instances(instruction, instances)
    if "instruction" in fields:
        return [_instruction(fields)]
    for first, second in _PAIRS:
        if first in fields and second in fields:
            return [_pair(fields, first, second)]
    if isinstance(fields.get("text"), str):
        return [_marked(fields["text"])]
    names = ", ".join(str(key) for key in list(fields)[:6]) or "none"
    raise Refused("unknown-layout", f"neither messages nor an instruction; its fields: {names}")


def _check(fields: Mapping[str, Any]) -> None:
    if any(key in fields for key in _PREFERENCE_KEYS):
        raise Refused("preference", "it holds a preferred and a rejected answer, not one answer")
    if fields.get("label") is False:
        raise Refused("rejected-answer", "its label says that the answer is not wanted")
    if any(fields.get(key) for key in _MEDIA_KEYS):
        raise Refused("not-text", "images, sound or video belong to it")


def _messages(fields: Mapping[str, Any]) -> Sequence[Any] | None:
    for key in _MESSAGE_KEYS:
        value = fields.get(key)
        if isinstance(value, list) and (not value or isinstance(value[0], dict)):
            return value
    inner = fields.get("chat")
    return _messages(inner) if isinstance(inner, dict) and "chat" not in inner else None


def _turn(message: Any, number: int) -> Turn:
    if not isinstance(message, dict):
        raise Refused("unknown-layout", f"message {number} is not a JSON object")
    named = next((message[key] for key in _ROLE_KEYS if message.get(key) is not None), None)
    if isinstance(named, dict):
        named = named.get("role") or named.get("name")
    role = _ROLES.get(str(named).strip().lower()) if named is not None else None
    if role is None:
        said = f"the role {str(named)[:40]!r}" if named is not None else "no role"
        raise Refused("unknown-role", f"message {number} has {said}")
    if role == "tool" or message.get("tool_calls") or message.get("function_call"):
        raise Refused("tool-calls", f"message {number} calls a tool or is a tool's result")
    content = next((message[key] for key in _CONTENT_KEYS if message.get(key) is not None), "")
    return Turn(role, clean(_content(content, number)))


def _content(value: Any, number: int) -> str:
    """Return a message's text, which may come in parts; thoughts among them are left out."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        parts = value.get("parts")
        return _content(parts if isinstance(parts, list) else [value], number)
    if not isinstance(value, list):
        raise Refused("not-text", f"message {number} is not text")
    texts: list[str] = []
    for part in value:
        if isinstance(part, str):
            texts.append(part)
            continue
        kind = part.get("type", "text") if isinstance(part, dict) else None
        if kind in ("reasoning", "thinking"):
            continue
        if kind in ("tool_call", "tool_use", "tool_result", "function_call"):
            raise Refused("tool-calls", f"message {number} calls a tool or is a tool's result")
        text = next((part[key] for key in _CONTENT_KEYS if key in part), None) if kind else None
        if kind != "text" or not isinstance(text, str):
            raise Refused("not-text", f"message {number} holds something other than text")
        texts.append(text)
    return "".join(texts)


def _instances(instruction: str, instances: Sequence[Any]) -> list[Dialogue]:
    """Return a dialogue for each answer to one instruction; a bad one costs itself alone."""
    found: list[Dialogue] = []
    refused: list[tuple[str, str]] = []
    for number, instance in enumerate(instances, 1):
        fields = instance if isinstance(instance, dict) else {}
        try:
            found.append(_instruction({**fields, "instruction": instruction}))
        except Refused as error:
            refused.append((error.code, f"instance {number}: {error.reason}"))
    if not found:
        raise Refused(*refused[0])
    return [replace(found[0], dropped=(*found[0].dropped, *refused)), *found[1:]]


def _with_system(fields: Mapping[str, Any], turns: list[Turn]) -> list[Turn]:
    system = fields.get("system") or fields.get("system_prompt")
    if isinstance(system, str) and system.strip() and not any(t.role == "system" for t in turns):
        return [Turn("system", clean(system)), *turns]
    return turns


def _instruction(fields: Mapping[str, Any]) -> Dialogue:
    instruction = _text(fields, "instruction")
    extra = _text(fields, "input") if fields.get("input") else ""
    answer_key = next((key for key in _ANSWER_KEYS if key in fields), "output")
    turns: list[Turn] = []
    history = fields.get("history")
    for pair in history if isinstance(history, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair):
            turns += [Turn("user", clean(pair[0])), Turn("assistant", clean(pair[1]))]
    question = "\n\n".join(part for part in (instruction.strip(), extra.strip()) if part)
    turns += [Turn("user", question), Turn("assistant", _text(fields, answer_key))]
    return tidy(_with_system(fields, turns), "instruction")


def _pair(fields: Mapping[str, Any], first: str, second: str) -> Dialogue:
    prompt, answer = fields[first], fields[second]
    if isinstance(prompt, list) or isinstance(answer, list):
        both = [*(prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}])]
        both += answer if isinstance(answer, list) else [{"role": "assistant", "content": answer}]
        turns = [_turn(message, number) for number, message in enumerate(both, 1)]
    else:
        turns = [Turn("user", _text(fields, first)), Turn("assistant", _text(fields, second))]
    return tidy(_with_system(fields, turns), "prompt")


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    if not isinstance(value, str):
        raise Refused("not-text", f"the field {key} is not text")
    return clean(value)


def _marked(text: str) -> Dialogue:
    r"""Take apart ``<|user|>\n…\n<|assistant|>\n…``."""
    marks = list(_MARKER.finditer(text))
    if not marks:
        raise Refused("no-turns", "a text without <|user|> and <|assistant|> markers")
    turns: list[Turn] = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        part = text[mark.end() : following.start() if following else len(text)]
        turns.append(Turn(_ROLES[mark[1]], clean(_END_MARKER.sub("", part))))
    return tidy(turns, "text")


def tidy(turns: Sequence[Turn], layout: str) -> Dialogue:
    """Bring turns into the order that a :class:`Dialogue` promises.

    Turns of one speaker in a row are joined. An answer that is empty goes, and its
    question with it; so do an answer without a question, a question without an
    answer at the end, and a system turn that is not the first.

    Raises:
        Refused: No answer is left.
    """
    dropped: list[tuple[str, str]] = []
    system = ""
    kept: list[Turn] = []
    for number, turn in enumerate(turns, 1):
        content = turn.content.strip()
        if turn.role == "system":
            if kept or system:
                if content:
                    dropped.append(("late-system", f"message {number}: a later system message"))
            else:
                system = content
        elif turn.role == "assistant" and not content:
            if not kept or kept[-1].role == "user":
                dropped.append(("empty-answer", f"message {number}: the answer is empty"))
                del kept[-1:]
        elif turn.role == "assistant" and not kept:
            dropped.append(("no-question", f"message {number}: an answer before any question"))
        elif kept and kept[-1].role == turn.role:
            kept[-1] = Turn(turn.role, f"{kept[-1].content}\n\n{content}".strip())
        elif content or turn.role == "user":
            kept.append(Turn(turn.role, content))
    while kept and kept[-1].role == "user":
        kept.pop()
        dropped.append(("no-answer", "its last question has no answer"))
    if not kept:
        code = dropped[0][0] if len(dropped) == 1 else "no-answer"
        reason = dropped[0][1] if len(dropped) == 1 else "no assistant message answers anything"
        raise Refused(code, reason)
    empty = next((turn for turn in kept if not turn.content), None)
    if empty is not None:
        raise Refused("empty-question", "a question in it is empty")
    first = (Turn("system", system),) if system else ()
    return Dialogue((*first, *kept), layout, tuple(dropped))


def title_of(fields: Mapping[str, Any]) -> str:
    """Return a record's title, where it has one."""
    for key in _TITLE_KEYS:
        value = fields.get(key)
        if isinstance(value, str) and value.strip():
            return " ".join(clean(value).split())[:300]
    return ""


def date_of(fields: Mapping[str, Any]) -> str:
    """Return a record's date as ``YYYY-MM-DD``, from text or seconds since 1970; else empty."""
    metadata = fields.get("metadata")
    for place in (fields, metadata if isinstance(metadata, dict) else {}):
        for key in _DATE_KEYS:
            value = place.get(key)
            if isinstance(value, str) and (found := date_in(value[:40])):
                return found
            if isinstance(value, int | float) and not isinstance(value, bool):
                seconds = value / 1000 if value > 1e11 else value
                # Smaller numbers are counters, not times.
                if 3e8 < seconds < 1e10:
                    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    return ""


def metadata_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return a record's further columns as text: numbers, words and flags, not its lists."""
    used = {*_CONTENT_KEYS, *_ANSWER_KEYS, *_MESSAGE_KEYS, "prompt", "instruction", "input"}
    used |= {"question", "query", "system", "system_prompt", "title"}
    inner = fields.get("metadata")
    kept: dict[str, str] = {}
    for place in (inner if isinstance(inner, dict) else {}, fields):
        for key, value in place.items():
            if isinstance(value, bool):
                kept[clean(str(key))] = "true" if value else "false"
            elif isinstance(value, str | int | float) and (place is inner or key not in used):
                try:
                    kept[clean(str(key))] = clean(str(value))[:_MAX_METADATA]
                except ValueError:
                    # Python refuses to print an integer of more than 4,300 digits.
                    continue
    return {key: value for key, value in kept.items() if value}
