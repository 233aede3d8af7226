"""Plain lists of messages: OpenAI's fine-tuning rows, ShareGPT, Ollama, apps' own JSON files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.appmarks import without_numbers
from engine.sources.chats.panels import NONE, Panels, canvas_call, changed, is_canvas_call
from engine.sources.chats.talk import Conversation, Message, Tally, compose
from engine.sources.chats.words import day_of, dict_of, list_of, role_of, text_of, without_thoughts
from engine.sources.files import Refused
from engine.sources.flags import NOT_TRAINED, THOUGHT_KEYS, Unread, is_trained
from engine.sources.refusals import is_preference
from engine.sources.turns import metadata_of, title_of

NAME = "message list"
HOLDS = ("list of messages", "lists of messages")

LIST_KEYS = (
    "messages",
    "conversations",
    "conversation",
    "history",
    "chat_history",
    "turns",
    "dialog",
    "dialogue",
    "exchanges",
)
"""The fields that may hold a record's messages."""

_ROLE_KEYS = ("role", "from", "sender", "author", "speaker")
_CONTENT_KEYS = ("content", "value", "text", "message", "parts")
_MEDIA_KEYS = ("images", "image", "audio", "audios", "video", "videos", "files", "attachments")
_SOURCE_KEYS = ("citations", "sources", "search_results", "web_results", "references")
_PAIRS = (
    ("user", "assistant"),
    ("user", "bot"),
    ("user", "ai"),
    ("user_message", "assistant_message"),
    ("user_message", "ai_response"),
    ("user_message", "bot_response"),
    ("user_input", "response"),
    ("human", "assistant"),
    ("human", "ai"),
    ("question", "answer"),
    ("query", "response"),
    ("prompt", "response"),
    ("input", "output"),
)
_SPOKEN_PAIRS = _PAIRS[:9]
_TIMES = ("date", "created_at", "create_time", "timestamp", "created", "time", "updated_at")
_SHAREGPT = frozenset(("from", "value"))
_SAVED = frozenset(("title", "name", "created_at", "create_time", "updated_at", "timestamp"))


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record holds a list of messages, or of questions with their answers."""
    return bool(_key(fields)) or any(
        isinstance(fields.get(q), str) and isinstance(fields.get(a), str) for q, a in _SPOKEN_PAIRS
    )


def variant(fields: Mapping[str, Any]) -> str:
    """Return what the way is called in which a record holds its messages."""
    key = _key(fields)
    listed = list_of(fields.get(key)) if key else [fields]
    first = dict_of(listed[0]) if listed else {}
    if first.keys() >= _SHAREGPT:
        return "ShareGPT"
    if "model" in fields and ("created_at" in fields or "images" in first):
        return "Ollama"
    if fields.keys() & _SAVED or len(fields.keys() & {"id", "session_id"}) or not first.get("role"):
        return "saved messages"
    if first.keys() & {"timestamp", "time", "created_at", "date"}:
        return "saved messages"
    return "OpenAI messages" if key == "messages" else NAME


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record, whose messages have no branches.

    Raises:
        Refused: It holds two answers to choose from, or it is not said who speaks.
    """
    if is_preference(fields):
        raise Refused("preference", "it holds a preferred and a rejected answer, not one answer")
    key = _key(fields)
    listed = list_of(fields.get(key)) if key else [fields]
    tally = Tally()
    messages: list[Message] = []
    for number, held in enumerate(listed, 1):
        messages += _messages(held, number)
    _put_back(messages)
    system = fields.get("system") or fields.get("system_prompt") or fields.get("systemPrompt")
    if isinstance(system, str) and not any(message.role == "system" for message in messages):
        messages.insert(0, Message("system", system))
    if any(fields.get(name) for name in _MEDIA_KEYS if name != "files"):
        first = next((message for message in messages if message.role == "user"), None)
        if first is not None:
            first.blocks = "not-text"
    talk = compose(messages, tally)
    first_said = dict_of(listed[0]) if listed else {}
    facts = metadata_of({name: value for name, value in fields.items() if name != key})
    title = title_of(fields) if key else ""
    yield Conversation(
        (talk,) if talk is not None else (),
        tally,
        title,
        day_of(*(place.get(key) for place in (fields, first_said) for key in _TIMES)),
        facts,
        chat=variant(fields) == "saved messages",
    )


def unread() -> Unread:
    """Return what counts the keys of messages that are not read here."""
    pairs = {name for pair in _PAIRS for name in pair}
    return Unread(*_ROLE_KEYS, *_CONTENT_KEYS, *_MEDIA_KEYS, *_SOURCE_KEYS, *pairs, "isThought")


def listed_in(fields: Mapping[str, Any]) -> list[Any]:
    """Return the messages of a record as they are written."""
    key = _key(fields)
    return list_of(fields.get(key)) if key else []


def _put_back(messages: list[Message]) -> None:
    """Put documents in the place of the calls that made them, which some exporters keep."""
    panels: Panels = NONE
    for message in messages:
        if message.role != "assistant" or message.out or not is_canvas_call(message.text):
            continue
        panel = canvas_call("", message.text, panels)
        if panel is not None:
            panels = changed(panels, panel)
            message.text, message.document = panel.text, panel.name
            message.missing = "" if panel.text else "all"
            message.shows = bool(panel.text)


def _key(fields: Mapping[str, Any]) -> str:
    for key in LIST_KEYS:
        value = fields.get(key)
        if isinstance(value, list) and value and _is_said(value[0]):
            return key
    return ""


def _is_said(value: Any) -> bool:
    """Say whether a value looks like a message, or like a question with its answer."""
    if isinstance(value, list):
        return len(value) == 2 and all(isinstance(part, str) for part in value)
    fields = dict_of(value)
    if any(key in fields for key in _ROLE_KEYS):
        return True
    return any(question in fields and answer in fields for question, answer in _PAIRS)


def _messages(held: Any, number: int) -> list[Message]:
    if isinstance(held, list) and len(held) == 2 and all(isinstance(part, str) for part in held):
        role = role_of(held[0])
        if role is not None:
            return [_said(role, held[1])]
        return [Message("user", held[0]), _said("assistant", held[1])]
    message = dict_of(held)
    if not message:
        raise Refused("unknown-layout", f"message {number} is not a JSON object")
    if not any(message.get(key) is not None for key in _ROLE_KEYS):
        for question, answer in _PAIRS:
            if question in message and answer in message:
                asked = Message("user", text_of(message[question]))
                return [asked, _said("assistant", text_of(message[answer]))]
    return [_message(message, number)]


def _said(role: Any, text: str) -> Message:
    if role != "assistant":
        return Message(role, text, out="tool-calls" if role == "tool" else "")
    answer, thoughts = without_thoughts(text)
    return Message(role, answer, parts=thoughts)


def _message(message: Mapping[str, Any], number: int) -> Message:
    named = next((message[key] for key in _ROLE_KEYS if message.get(key) is not None), None)
    if isinstance(named, dict):
        named = named.get("role") or named.get("name")
    role = role_of(named)
    if role is None:
        said = f"the role {named[:40]!r}" if isinstance(named, str) else "no role"
        raise Refused("unknown-role", f"message {number} has {said}")
    content = next((message[key] for key in _CONTENT_KEYS if message.get(key) is not None), "")
    text, parts, shows = _words(content)
    if role == "tool":
        return Message(role, text, out="tool-calls")
    shows += any(message.get(key) for key in _MEDIA_KEYS)
    if role == "user":
        return Message(role, text, parts=parts, blocks="not-text" if shows else "")
    if role == "system":
        return Message(role, text)
    if message.get("isThought"):
        return Message(role, text, out="thoughts")
    parts += ["tool-calls"] * bool(message.get("tool_calls") or _called(message))
    parts += ["thoughts"] * any(message.get(key) for key in THOUGHT_KEYS)
    parts += ["media"] * shows
    sources = max(len(list_of(message.get(key))) for key in _SOURCE_KEYS)
    text, thoughts = without_thoughts(without_numbers(text, sources))
    blocks = "" if is_trained(message) else NOT_TRAINED
    return Message(role, text, parts=(*parts, *thoughts), blocks=blocks)


def _called(message: Mapping[str, Any]) -> bool:
    # Where a column has a structure, each message has all of its parts, most of them empty.
    call = message.get("function_call")
    return any(call.values()) if isinstance(call, dict) else bool(call)


def _words(content: Any) -> tuple[str, list[str], int]:
    """Return a content's words, the codes of parts left out, and how many parts are media."""
    if isinstance(content, str):
        return content, [], 0
    if isinstance(content, dict):
        inner = content.get("parts")
        content = inner if isinstance(inner, list) else [content]
    texts: list[str] = []
    codes: list[str] = []
    shows = 0
    for part in list_of(content):
        if isinstance(part, str):
            texts.append(part)
            continue
        kind = text_of(dict_of(part).get("type")) or "text"
        text = next(
            (part[key] for key in (*_CONTENT_KEYS, "refusal") if dict_of(part).get(key)), None
        )
        if kind in ("reasoning", "thinking", "redacted_thinking"):
            codes.append("thoughts")
        elif "tool" in kind or kind == "function_call":
            codes.append("tool-calls")
        elif isinstance(text, str) and ("text" in kind or kind == "refusal"):
            texts.append(text)
        elif kind != "text":
            shows += 1
    return "".join(texts), codes, shows
