"""Write the present schema's fixture."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from engine.models import Link, Skipped
from engine.store import Store
from engine.store.schema import VERSION
from tests.store.schemas.dump import dump, fixture
from tests.store.support import NOW, example, flag, found_in, ids, turns

CHOICES: tuple[Literal["tuned", "tie"], ...] = ("tuned", "tie")


def main() -> None:
    """Fill a database through the store and write it as SQL."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "finetui.db"
        with Store.open(path) as store:
            vault = store.add_source("vault", "/notes")
            odd = example(4, text=turns("Lone \ud83d?", "nul\0 it's"), tags=("x\udcff", "work"))
            found = [*(example(number, tags=("work",)) for number in range(4)), odd]
            skipped = [Skipped(vault.id, "a.md", 3, "broken-yaml", "a colon's missing")]
            store.record_scan(vault.id, found, skipped, 5, at=NOW)
            first, second, third, fourth, last = ids(store)
            store.append("approve", first, at=NOW + 1)
            store.append("reject", second, at=NOW + 2)
            store.append("edit", third, turns=turns("Edited?", "It's edited."), at=NOW + 3)
            store.append("skip", fourth, at=NOW + 4)
            store.append("approve", last, at=NOW + 5)
            store.undo(at=NOW + 6)
            for choice in CHOICES:
                store.add_vote(
                    run_id="run-1",
                    quant="q8_0",
                    prompt="Why?",
                    base_text="Because.",
                    tuned_text="I was tired.",
                    left="tuned",
                    choice=choice,
                    blind=True,
                    at=NOW + 7,
                    metadata={"seed": "1"},
                )
            store.take_back_vote("run-1", at=NOW + 8)
            store.set_meta("colour", "green")
            positions = [card.position for card in store.cards()]
            store.write_flags("quality", [found_in(store.card(first), flag("quality", "echo"))])
            nearest = Link("both", positions[0], positions[1], 0.93)
            store.save_links("m1", linked=dict.fromkeys(positions[:2], "k"), links=[nearest])
        text = "\n".join(dump(path)) + "\n"
    fixture(VERSION).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
