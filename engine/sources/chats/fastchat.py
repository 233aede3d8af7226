"""FastChat's logs: a line for each answer, with the state of the conversation at that time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.sources.chats.talk import Conversation, Message, Tally, compose
from engine.sources.chats.words import about, day_of, dict_of, list_of, text_of, without_thoughts
from engine.sources.files import Refused

NAME = "FastChat"
HOLDS = ("logged conversation", "logged conversations")


def recognise(fields: Mapping[str, Any]) -> bool:
    """Say whether a record is a line of FastChat's log."""
    return isinstance(fields.get("states"), list) or isinstance(
        dict_of(fields.get("state")).get("messages"), list
    )


def conversations(
    fields: Mapping[str, Any], *, every_branch: bool = False
) -> Iterator[Conversation]:
    """Yield the conversation of a record.

    Raises:
        Refused: It is a vote between two answers, or an answer that was voted down.
    """
    if isinstance(fields.get("states"), list):
        raise Refused("preference", "it is a vote between two answers, not one answer")
    if fields.get("type") == "downvote":
        raise Refused("not-wanted", "its answer was voted down")
    state = dict_of(fields["state"])
    roles = [text_of(role) for role in list_of(state.get("roles"))]
    asks = roles[0] if roles else "USER"
    tally = Tally()
    messages = [Message("system", text_of(state.get("system_message") or state.get("system")))]
    # What stands before the offset are examples that the model was shown, said by nobody.
    offset = state.get("offset")
    for pair in list_of(state.get("messages"))[offset if isinstance(offset, int) else 0 :]:
        if isinstance(pair, list) and len(pair) == 2:
            messages.append(_message(pair[0] == asks, pair[1]))
    talk = compose(messages, tally)
    facts = about(
        conversation_id=state.get("conv_id"), model=fields.get("model") or state.get("model_name")
    )
    date = day_of(fields.get("tstamp"))
    yield Conversation((talk,) if talk is not None else (), tally, "", date, facts)


def _message(asks: bool, content: Any) -> Message:
    shows = isinstance(content, list) and len(content) > 1 and bool(content[1])
    text = text_of(content[0] if isinstance(content, list) and content else content)
    if asks:
        return Message("user", text, blocks="not-text" if shows else "")
    answer, thoughts = without_thoughts(text)
    return Message("assistant", answer, parts=thoughts)
