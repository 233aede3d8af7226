"""Saved conversations, as apps export them or keep them in JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from engine.models import HOLLOW, Document, canonical_json, content_hash
from engine.sources import people
from engine.sources.base import Detection, Option, Reading, Survey
from engine.sources.chats import Conversation, Talk, format_of, lists, name_of
from engine.sources.files import Item, Refused
from engine.sources.flags import NOT_A_ROW, NOT_TRAINED, UNREAD, is_row_trained
from engine.sources.instructions.layout import split_of
from engine.sources.jsonfiles import (
    SAMPLE_FILES,
    SAMPLE_RECORDS,
    Skip,
    first_records,
    json_files,
    list_json,
    read_records,
)
from engine.sources.records import Record, record_key
from engine.sources.refusals import check_wanted
from engine.sources.turns import has_instruction

BRANCHES = Option(
    "branches",
    "which ways through a chat are read: the one that the app shows, or all of them",
    default="current",
    choices=("current", "all"),
)

LEARN = Option(
    "learn",
    "whose words become the answers: the assistant's, or yours, with the assistant's words as "
    "prompts (your first words of a chat have none and are left out)",
    default="assistant",
    choices=("assistant", "me"),
    told=MappingProxyType(
        {
            "assistant": "learns the assistant's answers; learn=me learns yours",
            "me": "learns your words as answers to the assistant's; learn=assistant learns those",
        }
    ),
)

_NO_TALK = frozenset({
    "user.json", "users.json", "user_settings.json", "message_feedback.json", "memories.json",
    "shared_conversations.json", "model_comparisons.json", "projects.json", "group_chats.json",
    "export_manifest.json", "shopping.json", "sora.json",
})  # fmt: skip
_SAVED_KEYS = frozenset(
    {"title", "name", "created_at", "create_time", "updated_at", "timestamp", "date", "uuid"}
    | {"conversation_id", "session_id", "chat_messages"}
)
_SURE = 0.97


class ConversationsReader:
    """Reads one document a conversation, and one for each further branch if wanted.

    A file is a conversation, a list of them, or JSONL of them; a folder or a zip archive
    holds such files.
    """

    kind = "conversations"
    label = "saved conversations in JSON, or the zip archive that an app exports"
    version = 4
    options: tuple[Option, ...] = (BRANCHES, LEARN)

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise apps' formats, and lists of messages that look like talk."""
        files = [item for item in json_files(survey) if _left_out(item) is None]
        if not files:
            return None
        seen = _look(files[:SAMPLE_FILES])
        if not seen.talks:
            return None
        notes = len(survey.with_suffix(".md", ".markdown"))
        # A few exports in a folder of many notes don't make it one of conversations.
        confidence = seen.confidence() * min(1.0, 5 * len(files) / max(notes, 1))
        return Detection(self.kind, round(confidence, 2), seen.why())

    def items(self, root: str, reading: Reading) -> Iterator[Item]:
        """Yield the JSON files, those in zip archives included."""
        yield from list_json(root, reading, left_out=_left_out)

    def read(self, item: Item, reading: Reading) -> Iterator[Document]:
        """Yield the conversations of a file; what is left out is reported with its line."""
        every_branch = reading.options.get(BRANCHES.name) == "all"
        mine = reading.options.get(LEARN.name) == "me"

        unread = lists.unread()

        def documents(record: Record, skip: Skip) -> Iterator[Document]:
            if format_of(record.fields) is lists:
                unread.look(lists.listed_in(record.fields), record.line)
            return _documents(record, skip, item.name, reading.source_id, every_branch, mine)

        yield from read_records(item, reading, documents)
        for line, reason in unread.reasons():
            reading.skip(item.name, line, UNREAD, reason)


def _left_out(item: Item) -> tuple[str, str] | None:
    """Return why a file of an export is left out, or None."""
    name = item.name.rpartition("/")[2].lower()
    if name in _NO_TALK:
        return "no-conversation", "it belongs to an export and holds no conversations"
    if name == "chat.html":
        return "not-json", "the same conversations for a browser; the JSON file is read"
    return None


@dataclass(slots=True)
class _Seen:
    """What a look at the first records found: how many of which format, in how many files.

    ``rows`` are questions with answers, ``saved`` lists of messages that look like talk.
    """

    talks: Counter[str] = field(default_factory=Counter)
    holds: dict[str, tuple[str, str]] = field(default_factory=dict)
    records: int = 0
    rows: int = 0
    saved: int = 0
    files: int = 0
    more: bool = False

    def confidence(self) -> float:
        """Return how sure it is; records that are nothing known hardly count."""
        listed = sum(number for name, number in self.talks.items() if name not in self.holds)
        apps = self.talks.total() - listed
        unknown = self.records - self.talks.total() - self.rows
        sure = _SURE * apps + min(0.55 * listed + 0.4 * self.saved, 0.95 * listed)
        return sure / (self.talks.total() + self.rows + 0.25 * unknown)

    def why(self) -> str:
        """Return what was found, for a person."""
        (name, number), *others = self.talks.most_common()
        where = f" in {self.files} files" if self.files > 1 else ""
        also = f"; also {', '.join(other for other, _ in others)}" if others else ""
        holds = self.holds.get(name)
        if holds is None:
            seen = f"{self.talks.total()} of {self.records} records looked at"
            return f"{name}: lists of messages in {seen}{where}{also}"
        count = f"{number} or more" if self.more else str(number)
        what = holds[0] if number == 1 and not self.more else holds[1]
        return f"{name} export: {count} {what}{where}{also}"


def _look(files: Sequence[Item]) -> _Seen:
    seen = _Seen()
    for item in files:
        found = first_records(item)
        seen.records += len(found)
        before = seen.talks.total()
        for record in found:
            known = format_of(record.fields)
            if known in (None, lists) and people.app_of(record.fields):
                continue
            if known is None:
                seen.rows += has_instruction(record.fields)
                continue
            name = name_of(known, record.fields)
            seen.talks[name] += 1
            if known is lists:
                rows = item.suffix == ".jsonl" and (len(found) > 1 or split_of(item.name))
                seen.saved += not (rows and _is_bare(record.fields)) and _is_saved(record.fields)
            else:
                seen.holds[name] = known.HOLDS
        if seen.talks.total() > before:
            seen.files += 1
            seen.more = seen.more or len(found) == SAMPLE_RECORDS
    seen.more = seen.more or len(files) == SAMPLE_FILES
    return seen


def _is_saved(fields: Mapping[str, Any]) -> bool:
    """Say whether a record looks like somebody's talk rather than a row made for training."""
    listed = [value for value in fields.values() if isinstance(value, list)]
    longest = max((len(value) for value in listed), default=0)
    return bool(fields.keys() & _SAVED_KEYS) or longest > 3


def _is_bare(fields: Mapping[str, Any]) -> bool:
    """Say whether a record holds messages and nothing that an app would note beside them."""
    return fields.keys() <= {"messages", "conversations", "metadata"}


def _documents(
    record: Record, skip: Skip, path: str, source_id: str, every_branch: bool, mine: bool
) -> Iterator[Document]:
    known = format_of(record.fields)
    if known in (None, lists) and (app := people.app_of(record.fields)):
        skip(record.line, people.CODE, f"record {record.number}: {people.described(app)}")
        return
    if known is None:
        names = ", ".join(str(key)[:40] for key in list(record.fields)[:6]) or "none"
        reason = f"record {record.number}: no conversation; its fields: {names}"
        skip(record.line, "unknown-layout", reason)
        return
    if known is lists and not is_row_trained(record.fields):
        skip(record.line, NOT_TRAINED, f"record {record.number}: {NOT_A_ROW}")
        return
    name = name_of(known, record.fields)
    try:
        if known is lists:
            check_wanted(record.fields)
        several = known.conversations(record.fields, every_branch=every_branch)
        for part, conversation in enumerate(several):
            what = f"record {record.number}"
            if conversation.title:
                what += f" ({conversation.title[:60]})"
            conversation = _learnt(conversation, mine)
            _report(conversation, record.line, what, skip, mine)
            for talk in conversation.talks:
                yield replace(
                    _document(conversation, talk, name, path, source_id, mine),
                    start_line=record.line,
                    record=_key(record, conversation, part),
                )
    except Refused as refused:
        skip(record.line, refused.code, f"record {record.number}: {refused.reason}")


def _key(record: Record, conversation: Conversation, part: int) -> str:
    """Return what tells a conversation from the others of its file, its branches not."""
    named = conversation.about.get("conversation_id")
    key = record_key({"conversation_id": named} if named else record.fields, record.number)
    return f"{key}/{part}" if part else key


def _learnt(conversation: Conversation, mine: bool) -> Conversation:
    """Return a conversation with what is learnt of each of its talks."""
    talks = conversation.talks
    if mine:
        talks = tuple(Talk(talk.mine, branch=talk.branch) for talk in talks)
    return replace(conversation, talks=tuple(talk for talk in talks if talk.turns))


def _report(conversation: Conversation, line: int, what: str, skip: Skip, mine: bool) -> None:
    reasons = conversation.tally.reasons(mine=mine)
    for code, reason in reasons:
        skip(line, code, f"{what}: {reason}")
    if not reasons and not conversation.talks:
        number = conversation.tally.empty
        none = f"none of its {number} messages has words" if number else "it has no messages"
        skip(line, "empty", f"{what}: {none}")


def _document(
    conversation: Conversation, talk: Talk, name: str, path: str, source_id: str, mine: bool
) -> Document:
    metadata = {**conversation.about, "format": name}
    if mine:
        metadata[LEARN.name] = "me"
    if talk.branch:
        metadata["branch"] = str(talk.branch)
    if talk.hollow:
        metadata[HOLLOW] = " ".join(map(str, talk.hollow))
    text = canonical_json(talk.turns).encode("utf-8", "backslashreplace")
    return Document(
        source_id=source_id,
        path=path,
        title=conversation.title,
        content_hash=content_hash(text),
        turns=talk.turns,
        date=conversation.date,
        metadata=MappingProxyType(metadata),
        kind="conversation" if conversation.chat else "",
        alternatives=talk.alternatives,
    )
