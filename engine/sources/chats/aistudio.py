"""Google AI Studio's prompts: chunks of what was asked, thought and answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.talk import Conversation, Message, Tally, compose
from engine.sources.chats.words import about, day_of, dict_of, fenced, list_of, role_of, text_of
from engine.sources.turns import title_of

NAME = "Google AI Studio"
HOLDS = ("prompt with its answers", "prompts with their answers")

_MEDIA = ("drive", "inline", "youtube", "file")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a prompt of Google AI Studio."""
    return isinstance(dict_of(fields.get("chunkedPrompt")).get("chunks"), list)


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record. Each branch is a file of its own."""
    tally = Tally()
    messages = [Message("system", _system(fields.get("systemInstruction")))]
    chunks = list_of(dict_of(fields["chunkedPrompt"]).get("chunks"))
    messages += [_message(dict_of(chunk)) for chunk in chunks]
    talk = compose(messages, tally)
    model = text_of(dict_of(fields.get("runSettings")).get("model")).removeprefix("models/")
    first = dict_of(chunks[0]) if chunks else {}
    date = day_of(first.get("createTime"))
    talks = (talk,) if talk is not None else ()
    yield Conversation(talks, tally, title_of(fields), date, about(model=model))


def _system(instruction: Any) -> str:
    fields = dict_of(instruction)
    parts = [text_of(dict_of(part).get("text")) for part in list_of(fields.get("parts"))]
    return text_of(fields.get("text")) or "".join(parts) or text_of(instruction)


def _message(chunk: Mapping[str, Any]) -> Message:
    role = role_of(chunk.get("role"))
    parts = [dict_of(part) for part in list_of(chunk.get("parts"))]
    spoken = [text_of(part.get("text")) for part in parts if not part.get("thought")]
    text = text_of(chunk.get("text")) or "".join(spoken)
    thoughts = sum(bool(part.get("thought")) for part in parts)
    if thoughts and not chunk.get("isThought"):
        text = "".join(spoken)
    if role is None:
        return Message("tool", text, out="unknown-role" if text else "")
    if chunk.get("isThought"):
        return Message(role, text, out="thoughts")
    if role == "user":
        shows = any(key.startswith(_MEDIA) for key in chunk)
        return Message(role, text, blocks="not-text" if shows else "")
    if "codeExecutionResult" in chunk:
        return Message(role, text, out="tool-calls")
    code = dict_of(chunk.get("executableCode"))
    if code:
        language = text_of(code.get("language")).lower()
        text = fenced(text_of(code.get("code")), language)
        return Message(role, text, out="tool-calls")
    media = ["media"] * any(key.startswith(_MEDIA) for key in chunk)
    return Message(role, text, parts=[*media, *["thoughts"] * thoughts])
