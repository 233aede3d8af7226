"""Times of taking notes apart: ``python -m tests.bench.bench_notes [NOTES] [FOLDER]``.

Makes 10,000 notes by seeded variation of a small corpus, or repeats those of FOLDER, and does in
one process what a scan does with each: finds it, reads it, extracts it. Nothing is stored. The
peer, in the same run, is a bare loop of python-frontmatter over the same files; each figure is
the least of three rounds.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import frontmatter
import yaml

from engine.extract.notes import TAKE, extract_note
from engine.models import Document
from engine.sources.base import Reading
from engine.sources.items import Item, Refused
from engine.sources.vault import VaultReader
from tests.support.vaults import write_files

ROUNDS = 3
SENTENCES = {
    "en": (
        "I had meant to mend the gate before the rain, but the hinge was worse than I thought.",
        "The ferry came late, and nobody on the jetty said a word about it.",
        "In the end I decided to keep the old boat, because I know every plank of it.",
        "There are three ways across the marsh, and two of them are under water until May.",
        "It turned out that the bees had moved into the roof while we argued about the hive.",
        "The rope is forty metres long and weighs as much as a child of six.",
        "I learned to ask a second time, more slowly, and to wait for the answer.",
        "See [[The lower mill]] for the drawing, and [the board](https://example.org) for dates.",
        "Mara says that a **good** knot is one that *somebody else* can open.",
    ),
    "de": (
        "Ich habe den Zaun zweimal gestrichen, weil ich der Farbe nicht getraut habe.",
        "Die Fähre fährt nur, solange man das andere Ufer sehen kann.",
        "Am Ende habe ich gemerkt, dass niemand auf mich gewartet hatte.",
        "Das Seil liegt seit dem Herbst im Schuppen und riecht nach Teer.",
    ),
    "ro": (
        "Am crezut că podul o să țină, dar până la urmă am ocolit prin pădure.",
        "Bacul pleacă doar când se vede malul celălalt.",
        "M-am gândit mult la barcă și am hotărât să o păstrez.",
        "Funia stă din toamnă în șopron și miroase a gudron.",
    ),
}
HEADINGS = {
    "en": ("The mill", "What I learned", "Log", "Reflection", "Why wait?", "Rope and tar", "Links"),
    "de": ("Die Mühle", "Rückblick", "Was hält ein Seil?", "Notizen", "Entscheidung"),
    "ro": ("Moara", "Decizia mea", "De ce aștept?", "Notițe", "Lecții"),
}
TAGS = ("daily", "reflection", "boat", "decision", "garden/hedge", "people", "learning")


def note(rng: random.Random) -> str:
    """Return a note of some hundred to some thousand characters."""
    language = rng.choices(("en", "de", "ro"), (6, 2, 2))[0]
    lines: list[str] = []
    if rng.random() < 0.8:
        day = f"20{rng.randint(15, 25)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        tags = "".join(f"\n  - {tag}" for tag in rng.sample(TAGS, rng.randint(1, 3)))
        lines += ["---", f"created: {day}", f"tags:{tags}", f"rating: {rng.randint(1, 9)}", "---"]
    for _ in range(rng.choice((1, 1, 2, 2, 3, 5))):
        lines += ["", f"## {rng.choice(HEADINGS[language])}"]
        for _ in range(rng.randint(1, 4)):
            said = rng.choices(SENTENCES[language], k=rng.randint(1, 6))
            form = rng.random()
            if form < 0.75:
                lines += [" ".join(said), ""]
            elif form < 0.9:
                lines += [*(f"- {sentence}" for sentence in said), ""]
            else:
                lines += [*(f"- [ ] {sentence[:30]} 📅 2025-01-01" for sentence in said), ""]
    return "\n".join(lines) + "\n"


def repeated(folder: Path, number: int) -> dict[str, str | bytes]:
    """Return the notes of a folder again and again, each time below another."""
    notes = sorted(path for path in folder.rglob("*.md") if path.is_file())
    return {
        f"{index // len(notes):04}/{path.relative_to(folder)}": path.read_bytes()
        for index in range(number)
        for path in [notes[index % len(notes)]]
    }


def bare(root: Path) -> None:
    """Parse every note by python-frontmatter alone; what it can't read costs it nothing."""
    for path in root.rglob("*.md"):
        try:
            frontmatter.load(str(path))
        except (yaml.YAMLError, ValueError, TypeError):
            continue


def least(call: Callable[[], object]) -> float:
    """Return the least time of a few calls, in seconds of the processor."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def read(items: list[Item], each: Callable[[Document], object]) -> None:
    """Read notes, one after the other, and do something with each."""
    reader = VaultReader()
    for found in items:
        item = Item(found.name, found.size, found.mtime_ns, path=found.path)
        try:
            for document in reader.read(item, Reading("s")):
                each(document)
        except Refused:
            continue


def main() -> None:
    """Print the figures."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        if len(sys.argv) > 2:
            files = repeated(Path(sys.argv[2]), number)
        else:
            files = {f"{index // 100:03}/note {index}.md": note(rng) for index in range(number)}
        root = write_files(Path(scratch) / "vault", files)
        size = sum(path.stat().st_size for path in root.rglob("*.md"))
        print(f"{number:,} notes, {size / number:,.0f} bytes each")
        peer = least(lambda: bare(root))
        rows = [("python-frontmatter alone", peer)]
        items = list(VaultReader().items(str(root), Reading("s")))
        rows.append(("finding", least(lambda: list(VaultReader().items(str(root), Reading("s"))))))
        rows.append(("reading", least(lambda: read(items, lambda _: None))))
        for take in (TAKE[:1], TAKE[:2], TAKE):
            extract = partial(extract_note, take=take)
            taken = least(partial(read, items, extract))
            rows.append((f"reading and extracting {', '.join(take)}", taken))
        for label, taken in rows:
            each = taken / number * 1e6
            print(f"{label:52} {each:8.0f} µs a note  {taken / peer:6.2f} x the peer")
        kinds: Counter[str] = Counter()
        read(items, lambda document: kinds.update(e.kind for e in extract_note(document)))
        print(f"{sum(kinds.values()):,} examples: {dict(kinds.most_common())}")


if __name__ == "__main__":
    main()
