"""Instruction sets: JSONL, or a JSON list, of prompts and their answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.models import Document
from engine.sources.base import Detection, OnSkip, Progress, Survey
from engine.sources.jsonfiles import json_files, read_json, sample
from engine.sources.turns import has_instruction, has_messages


class InstructionsReader:
    r"""Reads one document a row.

    The layouts of a row: ``prompt`` and ``completion``; ``messages``; ``text`` with
    ``<|user|>`` and ``<|assistant|>`` markers; ``instruction``, ``input`` and
    ``output``, also with ``system`` and ``history``.
    """

    kind = "instructions"
    label = "instructions in JSONL"

    def detect(self, survey: Survey) -> Detection | None:
        """Recognise rows that hold a prompt and an answer."""
        seen = sample(survey)
        rows = [fields for fields in seen if has_instruction(fields)]
        chats = [fields for fields in seen if has_messages(fields) and not has_instruction(fields)]
        if not rows and not chats:
            return None
        share = (len(rows) + 0.7 * len(chats)) / len(seen)
        files = len(json_files(survey))
        where = f"{files:,} files" if files > 1 else "the file"
        found = f"prompts with answers in {len(rows)}" if rows else f"messages in {len(chats)}"
        if rows and chats:
            found += f", messages in {len(chats)}"
        why = f"{found} of {len(seen)} records looked at in {where}"
        return Detection(self.kind, round(0.95 * share, 2), why)

    def read(
        self, root: Path, source_id: str, *, progress: Progress, on_skip: OnSkip
    ) -> Iterator[Document]:
        """Yield the rows; what is none is reported with its file and line."""
        return read_json(root, source_id, progress=progress, on_skip=on_skip)
