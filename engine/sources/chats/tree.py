"""Chats whose messages form a tree: an answer was asked for again, a question was rewritten.

The way that the app shows leads from its last message up to the root by the parents: lists of
children are often broken, and a parent is one. Other answers to a question on that way are
alternatives to the one shown; whatever else lies off it is another branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from engine.sources.chats.talk import MAX_ALTERNATIVES, Message, Talk, Tally, compose
from engine.sources.files import Refused

_LOOK_AT = 2_000


class Tree:
    """The messages of a chat by their ids.

    Args:
        parents: The id of each message's parent; empty, or no id, for a root.
        read: Returns the message of an id.
        time: Returns when a message was written, in any unit; 0 where that is not known.
    """

    def __init__(
        self,
        parents: Mapping[str, str],
        read: Callable[[str], Message],
        time: Callable[[str], float] = lambda _: 0.0,
    ) -> None:
        self._parents = parents
        self._read = read
        self._time = time
        self._messages: dict[str, Message] = {}
        self._kids: dict[str, list[str]] = {}

    def talks(self, current: object, tally: Tally, *, every_branch: bool = False) -> list[Talk]:
        """Return the talk that ends at a message, and those of other branches if wanted.

        Args:
            current: The id of the last message that is shown; where it is none, the newest
                message that nobody answers.
            tally: Where what is kept and left out is counted.
            every_branch: Whether to return what differs in each other branch too.

        Raises:
            Refused: The parents lead round in a circle.
        """
        last = current if isinstance(current, str) and current in self._parents else ""
        way = self._way(last or self._newest())
        found: list[Talk] = []
        if len(way) == len(self._parents):
            shown = compose([self._message(node) for node in way], tally)
            return [shown] if shown is not None else []
        self._grow()
        used = self._add_alternatives(way)
        shown = compose([self._message(node) for node in way], tally)
        read = {
            node for question, nodes in used if self._message(question).others for node in nodes
        }
        if shown is not None:
            found.append(shown)
        if every_branch:
            found.extend(self._branches(way, tally))
        else:
            self._count_rest({*way, *read}, tally, "other-branch")
        return found

    def _message(self, node: str) -> Message:
        message = self._messages.get(node)
        if message is None:
            message = self._messages[node] = self._read(node)
        return message

    def _grow(self) -> None:
        if not self._kids:
            for node, parent in self._parents.items():
                self._kids.setdefault(parent, []).append(node)

    def _way(self, node: str) -> list[str]:
        """Return the ids from the root down to a node."""
        way: list[str] = []
        seen: set[str] = set()
        while node in self._parents:
            if node in seen:
                raise Refused("cycle", "its messages answer one another round in a circle")
            seen.add(node)
            way.append(node)
            node = self._parents[node]
        way.reverse()
        return way

    def _leaves(self) -> list[str]:
        self._grow()
        leaves = [node for node in self._parents if node not in self._kids]
        return sorted(leaves, key=self._time)

    def _newest(self) -> str:
        if not self._parents:
            return ""
        leaves = self._leaves()
        if not leaves:
            raise Refused("cycle", "its messages answer one another round in a circle")
        return leaves[-1]

    def _asks(self, node: str) -> bool:
        message = self._message(node)
        return message.role == "user" and not message.out

    def _add_alternatives(self, way: Sequence[str]) -> list[tuple[str, set[str]]]:
        """Give each question on the way its other answers; return the messages that make them."""
        used: list[tuple[str, set[str]]] = []
        for at, node in enumerate(way):
            if not self._asks(node) or (at + 1 < len(way) and self._asks(way[at + 1])):
                continue
            end = at + 1
            while end < len(way) and not self._asks(way[end]):
                end += 1
            if all(len(self._kids.get(step, ())) < 2 for step in way[at:end]):
                continue
            found = list(self._answers(node))
            self._message(node).others = [text for text, _ in found]
            used.append((node, {step for _, nodes in found for step in nodes}))
        return used

    def _answers(self, question: str) -> Iterator[tuple[str, set[str]]]:
        """Yield each answer to a question with the messages that it is made of."""
        pending: list[tuple[str, list[str]]] = [(question, [])]
        looked_at = found = 0
        while pending and looked_at < _LOOK_AT and found < 4 * MAX_ALTERNATIVES:
            node, before = pending.pop()
            looked_at += 1
            message = self._message(node)
            says = message.role == "assistant" and message.text and not message.out
            said = [*before, node] if says else before
            kids = self._kids.get(node, ())
            further = [kid for kid in kids if not self._asks(kid)]
            if said and not message.blocks and len(further) < max(len(kids), 1):
                found += 1
                yield "\n\n".join(self._message(step).text for step in said), set(said)
            pending += [(kid, said) for kid in reversed(further)]

    def _branches(self, way: Sequence[str], tally: Tally) -> Iterator[Talk]:
        """Yield what other branches hold that was not read before."""
        seen = set(way)
        systems = [node for node in way if self._message(node).role == "system"]
        number = 0
        for leaf in self._leaves():
            fresh = self._fresh(leaf, seen)
            if not fresh:
                continue
            # An answer needs its question, which may be one that was read before.
            shared = self._question_above(fresh[0])
            seen.update(fresh)
            known = [*(systems if self._parents[fresh[0]] in self._parents else ()), *shared]
            messages = [self._message(node) for node in (*known, *fresh)]
            for message in messages:
                message.others = ()
            talk = compose(messages, tally, known=len(known))
            if talk is not None:
                number += 1
                yield replace(talk, alternatives=(), branch=number)
        self._count_rest(seen, tally, "cycle")

    def _fresh(self, leaf: str, seen: set[str]) -> list[str]:
        """Return the ids from the first that was not read before down to a leaf."""
        fresh: list[str] = []
        here: set[str] = set()
        node = leaf
        while node in self._parents and node not in seen:
            if node in here:
                return []
            here.add(node)
            fresh.append(node)
            node = self._parents[node]
        fresh.reverse()
        return fresh

    def _question_above(self, first: str) -> list[str]:
        """Return what stands between a message and its question, the question included."""
        above: list[str] = []
        node = first
        while not self._asks(node):
            node = self._parents[node]
            if node not in self._parents:
                return []
            above.append(node)
        # A question may take several messages in a row.
        while (node := self._parents[node]) in self._parents and self._asks(node):
            above.append(node)
        above.reverse()
        return above

    def _count_rest(self, seen: set[str], tally: Tally, code: str) -> None:
        for node in self._parents:
            if node in seen:
                continue
            message = self._message(node)
            if message.text.strip() or message.out or message.blocks:
                tally.messages[code] += 1
            else:
                tally.empty += 1
