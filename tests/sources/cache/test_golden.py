"""What is read of three databases, in files that a person can read and judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.models import Document
from tests.sources.cache.chroma import Entry, Read, detect, read, store
from tests.support.hashes import hashes

_GOLDEN = Path(__file__).parent / "golden"

_DATABASES: dict[str, dict[str, list[Entry]]] = {
    "faq": {
        "allotment-faq": [
            Entry(
                "# Watering\n\nQuestion: When should I water the seedlings?\n"
                "Answer: Early, before the sun is on them.\nTwice a day in a heatwave.\n\n"
                "Question: And the grown beds?\nAnswer: Twice a week, deeply.\n\n---",
                {"topic": "water", "language": "en", "date": "2024-05-01"},
                "water",
            ),
            Entry(
                "Question: Who has the key to the shed?\nAnswer: Ask at plot nine.",
                {"topic": "shed", "language": "en", "date": "2024-05-02"},
                "shed",
            ),
            Entry(
                "Question: Is there a map?\nAnswer:",
                {"topic": "map", "language": "en", "date": "2024-05-03"},
                "map",
            ),
        ],
        "minutes": [Entry("The meeting opened at six. Nobody had moved the compost.")],
    },
    "cache": {
        "raspunsuri": [
            Entry(
                "când pun roșiile afară?",
                {
                    "answer": "După jumătatea lui mai, când nopțile trec de zece grade.",
                    "lang": "ro",
                    "hits": 4,
                    "tags": ["roșii", "mai"],
                    "cached_at": 1714550400,
                },
                "c1",
            ),
            Entry(
                "de ce se îngălbenesc frunzele?",
                {
                    "answer": "De obicei prea multă apă:\n\n1. verifică solul;\n2. udă mai rar.",
                    "lang": "ro",
                    "hits": 1,
                    "cached_at": 1714636800,
                },
                "c2",
            ),
            Entry("cine a udat azi?", {"lang": "ro", "hits": 0, "cached_at": 1714636800}, "c3"),
            Entry(
                "cum fac compost?",
                {
                    "answer": "Straturi de verde și maro, udate și întoarse.",
                    "lang": "ro",
                    "hits": 9,
                    "cached_at": 1714723200,
                },
                "c4",
            ),
        ]
    },
    "memory": {
        "chat_memory": [
            Entry(
                "User: I planted garlic today.\nAI: Good timing. How many cloves?\n"
                "User: Forty.\nAI: Then you'll have plenty:\n- keep ten for seed\n- plait the rest",
                {"session": "s1", "timestamp": "2023-10-14T09:30:00"},
                "m1",
            ),
            Entry(
                "User: Ai udat?\nAI: Da, aseară.\nUser: Mulțumesc!",
                {"session": "s2", "timestamp": "2023-10-15T19:00:00"},
                "m2",
            ),
            Entry(
                "AI: Welcome back.\nUser: What did I plant last?\nAI: Garlic, on Saturday.",
                {"session": "s3", "timestamp": "2023-10-16T08:00:00"},
                "m3",
            ),
        ]
    },
}


def _shown(document: Document) -> str:
    lines = [f"=== {document.path}  ({document.kind}, {document.date})"]
    lines += [f"tags: {', '.join(document.tags)}"] if document.tags else []
    lines += [f"{key}: {value}".replace("\n", " / ") for key, value in document.metadata.items()]
    for turn in document.turns:
        lines += ["", f"{turn.role}>", turn.content]
    return "\n".join(lines)


def _told(root: Path, seen: Read) -> str:
    found = detect(root)
    head = [f"{found.kind} {found.confidence:.2f}: {found.why}"]
    head += [f"{name} = {value}" for name, value in found.options.items()]
    shown = [_shown(document) for document in seen.documents]
    left = [f"not read: {skip.path}  {skip.code}: {skip.reason}" for skip in seen.skipped]
    return "\n\n".join(["\n".join(head), *shown, "\n".join(left)]) + "\n"


@pytest.mark.parametrize("name", _DATABASES)
def test_what_is_read_of_a_database(tmp_path: Path, name: str) -> None:
    root = store(tmp_path / "db", _DATABASES[name])
    before = hashes(root)
    assert _told(root, read(root)) == (_GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert hashes(root) == before
