"""Files from elsewhere as rows: test sets that nothing of may be trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.dataset.gate import gate
from engine.dataset.rows import Row, conversation_of, group_of
from engine.errors import SourceAmbiguous, SourceEmpty, SourceUnknown
from engine.models import Skipped, example_id
from engine.paths import shorten
from engine.sources import detect, read


@dataclass(frozen=True, slots=True)
class External:
    """What a file holds.

    Args:
        name: Its name, without the folder.
        rows: Its rows, each once, in its order.
        skipped: How many of its rows could not be read, or can't be rows.
    """

    name: str
    rows: tuple[Row, ...]
    skipped: int


def read_external(path: Path) -> External:
    """Read a file or folder of any kind of source that finetui reads.

    Conversations are divided as a scan divides them, so that equal ones are equal examples.

    Raises:
        SourceMissing: There is no such file.
        SourceEmpty: There is no row in it.
        SourceError: It can't be read.
    """
    # 0.1 s and more; only holdout files need it.
    from engine.extract import extract

    skipped: list[Skipped] = []
    try:
        kind = detect(path).kind
    except (SourceUnknown, SourceAmbiguous):
        # Its reader says what is wrong with it.
        kind = "instructions"
    rows: dict[str, Row] = {}
    for document in read(kind, path, on_skip=skipped.append):
        for example in extract(document, {}):
            identifier = example_id(example.turns)
            metadata = {"kind": example.kind, "path": path.name, "text_id": identifier}
            group = group_of(example) if conversation_of(example) else ""
            rows.setdefault(identifier, Row(identifier, example.turns, metadata, group))
    refused = {refusal.example_id for refusal in gate(rows.values(), allow_secrets=None)}
    good = tuple(row for row in rows.values() if row.id not in refused)
    if not good:
        raise SourceEmpty(
            f"no row with a question and an answer stands in {shorten(path)}",
            hint=skipped[0].reason if skipped else "name a file of questions and answers",
        )
    return External(path.name, good, len(skipped) + len(refused))
