"""Workspaces for the tests of the terminal app."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from engine.models import Example, Provenance, Skipped, Turn, example_id
from engine.workspace import Workspace
from tests.support.shared import made_once
from tests.tui.exports import make_models
from tests.tui.pictures import SnapSizes, snap_at_sizes

NOTES = (
    ("What I took from the offsite", "reflection", ("work",), "I said no, and it took me a week."),
    ("Groceries", "reflection", (), "Bread, salt, the good olives."),
    ("Why I said no to the lead role", "decision", ("work", "career"), "The role was two roles."),
    ("Weekly review, week 11", "reflection", ("weekly",), "Slept badly, ran twice, wrote once."),
    ("Call with Ana", "learning", (), "She hears the pause before the answer."),
    ("Notes on 'Deep Work'", "learning", ("reading",), "Two hours is a day, if they are whole."),
    ("The boat that was not for sale", "reflection", ("sea",), "I walked round it three times."),
    (
        "A letter to the landlord",
        "decision",
        ("home",),
        "Short, dated, and without the word sorry.",
    ),
)


ROOT = "/home/ana/notes"


def make_example(
    source_id: str, title: str, kind: str, tags: tuple[str, ...], text: str
) -> Example:
    """Return an example as a note gives it."""
    turns = (
        Turn("user", f"What do you remember of {title!r}?"),
        Turn("assistant", f"{text}\n\nThat is how it was, and I would do it again."),
    )
    slug = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    where = Provenance(
        source_id,
        f"{slug}.md",
        start_line=3,
        end_line=9,
        heading=title,
        title=title,
        tags=tags,
        date="2025-03-14",
    )
    return Example(example_id(turns), kind, turns, where, score=0.82, reason="first person")


@pytest.fixture(autouse=True)
def checks_by_hand_alone(monkeypatch: pytest.MonkeyPatch, isolated_home: Path) -> None:
    """Start no check that the test did not ask for: each is a process and takes seconds."""
    monkeypatch.setenv("FINETUI_CHECK__AUTOMATIC", "false")


@pytest.fixture(autouse=True)
def a_modern_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw charts in braille, whatever the terminal is that the tests run in."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base and a tuned GGUF, which can really be loaded."""
    return made_once(tmp_path_factory, "chat-models", make_models)


@pytest.fixture
def snap_sizes(snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> SnapSizes:
    """Compare the pictures of one app at 80x24 and 160x45; see ``tests/tui/pictures.py``."""
    return snap_at_sizes(snapshot, request)


@pytest.fixture
def utc() -> Iterator[None]:
    """Let the clock on the screen be that of Greenwich."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def filled(workspace: Workspace, isolated_home: Path) -> Workspace:
    """Return a workspace with one scanned source of eight notes, two of them unreadable.

    The source's root is the same in every run, since its id, and with it the split, hangs on it.
    """
    (isolated_home / "notes").mkdir()
    source = workspace.store.add_source("vault", ROOT)
    workspace.store.record_scan(
        source.id,
        [make_example(source.id, *note) for note in NOTES],
        [
            Skipped(source.id, "old/photo.md", 0, "binary", "it is not text"),
            Skipped(
                source.id, "2025-03-02.md", 4, "broken-yaml", "expected ':' in the frontmatter"
            ),
        ],
        10,
        at=time.time(),
    )
    return workspace


@pytest.fixture
def hostile(workspace: Workspace, isolated_home: Path) -> Workspace:
    """Return a workspace whose examples try to steer the terminal, or to be read as markup."""
    root = isolated_home / "notes"
    root.mkdir()
    source = workspace.store.add_source("vault", str(root))
    texts = (
        "\x1b[31mred\x1b[0m \x1b]0;owned\x07 \x1b[2J",
        "[bold red]markup[/] [@click=app.quit]leave[/] [/nothing] [link=x]",
        "bell \x07 back \x08 return \r line\x85separator\u2028 bidi \u202etxet\u202c",
        "zero \x00 delete \x7f c1 \x9b31m surrogate \ud800 end",
    )
    examples = [
        make_example(source.id, f"Title {number} {text}", "reflection", (f"t[{number}]",), text)
        for number, text in enumerate(texts)
    ]
    skipped = [Skipped(source.id, "a\x1b[31m[b]x[/].md", 1, "binary", "[red]why\x1b[2J[/]")]
    workspace.store.record_scan(source.id, examples, skipped, 4, at=time.time())
    return workspace


@pytest.fixture
def closed(filled: Workspace) -> Path:
    """Return the folder of a filled workspace that nobody has open."""
    filled.close()
    # With another base than the embedded one nothing is imported in the background.
    (filled.root / "finetui.toml").write_text('[training]\nbase = "of-ones-own"\n', "utf-8")
    return filled.root
