"""Saved conversations: JSON with lists of messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.models import Document
from engine.sources.base import Detection, OnSkip, Progress, Survey
from engine.sources.jsonfiles import json_files, read_json, sample
from engine.sources.turns import has_messages

_SAVED_KEYS = frozenset(
    {"title", "name", "created_at", "create_time", "updated_at", "timestamp", "date", "uuid"}
    | {"conversation_id", "session_id", "chat_messages"}
)


class ConversationsReader:
    """Reads one document a conversation.

    A file is a conversation, a list of them, or JSONL of them; a folder holds
    such files.
    """

    kind = "conversations"
    label = "saved conversations in JSON"

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise lists of messages; titles, times and several exchanges speak for talk."""
        seen = sample(survey)
        talks = [fields for fields in seen if has_messages(fields)]
        if not talks:
            return None
        saved = sum(_is_saved(fields) for fields in talks) / len(talks)
        share = len(talks) / len(seen)
        files = len(json_files(survey))
        where = f"{files:,} files" if files > 1 else "the file"
        why = f"lists of messages in {len(talks)} of {len(seen)} records looked at in {where}"
        return Detection(self.kind, round(share * (0.55 + 0.4 * saved), 2), why)

    def read(
        self, root: Path, source_id: str, *, progress: Progress, on_skip: OnSkip
    ) -> Iterator[Document]:
        """Yield the conversations; what is none is reported with its file and line."""
        return read_json(root, source_id, progress=progress, on_skip=on_skip)


def _is_saved(fields: Mapping[str, Any]) -> bool:
    """Say whether a record looks like somebody's talk rather than a row made for training."""
    lists = [value for value in fields.values() if isinstance(value, list)]
    longest = max((len(value) for value in lists), default=0)
    return bool(fields.keys() & _SAVED_KEYS) or longest > 3
