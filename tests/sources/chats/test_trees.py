"""Random trees of messages: what is read of them, and that no message is lost without a word."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.sources.chats import Conversation, chatgpt
from engine.sources.files import Refused

_ROLES = st.sampled_from(["user", "user", "assistant", "assistant", "assistant", "system", "tool"])
_FLAGS = st.sampled_from(
    ["", "", "", "", "", "hidden", "image", "call", "thoughts", "empty", "none"]
)
_WORD = re.compile(r"word\d+")


@st.composite
def _mappings(draw: st.DrawFn, *, circles: bool) -> dict[str, Any]:
    """Return a record of ChatGPT whose messages answer any others, each with a word of its own."""
    count = draw(st.integers(1, 14))
    mapping: dict[str, Any] = {}
    for number in range(count):
        last = count - 1 if circles else number - 1
        parent = draw(st.integers(-1, last))
        if not circles and number and draw(st.booleans()):
            parent = number - 1
        name = f"n{parent}" if parent >= 0 else draw(st.sampled_from(["", "gone", None]))
        mapping[f"n{number}"] = {"parent": name, "message": _message(draw, number)}
    current = draw(st.sampled_from([*mapping, None, "gone", 7]))
    return {"mapping": mapping, "current_node": current}


def _message(draw: st.DrawFn, number: int) -> dict[str, Any] | None:
    role, flag = draw(_ROLES), draw(_FLAGS)
    if flag == "none":
        return None
    parts: list[Any] = ["" if flag == "empty" else f"word{number}"]
    if flag == "image":
        parts.append({"content_type": "image_asset_pointer"})
    return {
        "author": {"role": role},
        "create_time": draw(st.none() | st.integers(0, 9)),
        "content": {"content_type": "thoughts" if flag == "thoughts" else "text", "parts": parts},
        "recipient": "python" if flag == "call" else "all",
        "metadata": {"is_visually_hidden_from_conversation": flag == "hidden"},
    }


def _read(fields: dict[str, Any], *, every_branch: bool) -> Conversation:
    (found,) = chatgpt.conversations(fields, every_branch=every_branch)
    return found


def _way(fields: dict[str, Any]) -> list[str]:
    """Return the ids on the way to the message shown last, by a walk of its own."""
    mapping = fields["mapping"]
    node = fields["current_node"]
    if node not in mapping:
        parents = {held["parent"] for held in mapping.values()}
        leaves = [name for name in mapping if name not in parents]
        times = {name: (mapping[name]["message"] or {}).get("create_time") or 0 for name in leaves}
        node = max(leaves, key=lambda name: (times[name], leaves.index(name)))
    way: list[str] = []
    while node in mapping:
        way.insert(0, node)
        node = mapping[node]["parent"]
    return way


def _words(texts: list[str]) -> list[str]:
    return [word for text in texts for word in _WORD.findall(text)]


@given(_mappings(circles=False))
def test_the_way_shown_is_the_way_up_from_the_last_message(fields: dict[str, Any]) -> None:
    found = _read(fields, every_branch=False)
    assert len(found.talks) <= 1
    said = _words([turn.content for talk in found.talks for turn in talk.turns])
    order = [f"word{name[1:]}" for name in _way(fields)]
    # What is kept stands in the order of the way, and nothing else is kept.
    assert said == [word for word in order if word in said]
    assert found.tally.kept == len(said)


@given(_mappings(circles=False))
def test_each_message_is_kept_counted_or_an_alternative(fields: dict[str, Any]) -> None:
    found = _read(fields, every_branch=False)
    tally = found.tally
    on_way = {f"word{name[1:]}" for name in _way(fields)}
    others = _words([other.content for talk in found.talks for other in talk.alternatives])
    spare = {word for word in others if word not in on_way}
    counted = tally.kept + tally.empty + tally.messages.total()
    assert counted + len(spare) == len(fields["mapping"])


@given(_mappings(circles=False))
def test_with_all_branches_each_message_is_counted_once(fields: dict[str, Any]) -> None:
    found = _read(fields, every_branch=True)
    tally = found.tally
    assert tally.kept + tally.empty + tally.messages.total() == len(fields["mapping"])
    assert "other-branch" not in tally.messages
    numbers = [talk.branch for talk in found.talks]
    assert numbers == sorted(set(numbers))
    shown = {word for talk in found.talks for word in _words([t.content for t in talk.turns])}
    # A question without an answer on the way shown may have one on another.
    assert len(shown) >= tally.kept


@given(_mappings(circles=False))
def test_what_is_read_can_be_trained_on(fields: dict[str, Any]) -> None:
    for every_branch in (False, True):
        for talk in _read(fields, every_branch=every_branch).talks:
            assert talk.turns or talk.mine
            for turns in (talk.turns, talk.mine):
                spoken = [turn.role for turn in turns if turn.role != "system"]
                assert spoken == ["user", "assistant"] * (len(spoken) // 2)
                assert all(turn.role != "system" for turn in turns[1:])
                assert all(turn.content.strip() for turn in turns)
            for other in talk.alternatives:
                assert talk.turns[other.turn].role == "assistant"
                assert other.content not in ("", talk.turns[other.turn].content)


@given(_mappings(circles=True))
def test_circles_end_with_a_reason(fields: dict[str, Any]) -> None:
    for every_branch in (False, True):
        code = ""
        try:
            tally = _read(fields, every_branch=every_branch).tally
        except Refused as refused:
            code = refused.code
        else:
            counted = tally.kept + tally.empty + tally.messages.total()
            assert counted <= len(fields["mapping"])
            assert not every_branch or counted == len(fields["mapping"])
        assert code in ("", "cycle")


def test_a_deep_and_a_wide_tree_are_read() -> None:
    count = 30_000
    mapping: dict[str, Any] = {}
    for number in range(count):
        role = "assistant" if number % 2 else "user"
        parent = f"n{number - 1}"
        content = {"parts": [f"word{number}"]}
        mapping[f"n{number}"] = {"parent": parent, "message": _said(role, content)}
    mapping |= {
        f"w{number}": {"parent": "n0", "message": _said("assistant", {"parts": ["again"]})}
        for number in range(count)
    }
    found = _read({"mapping": mapping, "current_node": f"n{count - 1}"}, every_branch=True)
    assert len(found.talks[0].turns) == count
    assert found.tally.kept == 2 * count
    assert found.talks[0].alternatives[0].content == "again"


def _said(role: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"author": {"role": role}, "content": content}
