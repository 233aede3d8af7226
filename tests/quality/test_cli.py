"""The verbs of checking: what they say, and that they call what the app calls."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.models import Example, Filter, Provenance, Turn, example_id
from engine.workspace import init_workspace, open_workspace

KEY = "AKIA" + "QYLPMN5HNGY3WAB7"
MAIL = "mara.ionescu@funicular-valea.ro"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = init_workspace(tmp_path / "ws")
    with open_workspace(folder) as space:
        source = space.store.add_source("vault", "/notes")
        said = [
            f"Write to {MAIL} or to {MAIL.upper()}, she knows the winch.",
            f"The key was {KEY}, and it is gone now.",
            "The winch holds, and the brake was mended before the snow came.",
            f"I asked {MAIL} again, and she answered at once.",
        ]
        examples = []
        for number, answer in enumerate(said):
            turns = (Turn("user", f"What happened on day {number}?"), Turn("assistant", answer))
            where = Provenance("", f"{number}.md", 1, 2)
            examples.append(Example(example_id(turns), "qa", turns, where))
        space.store.record_scan(source.id, examples, [], 4, at=1.0)
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    return json.loads(run(capsys, *words, "--json"))


def test_check_says_what_it_found(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--workspace", str(root))
    text = run(capsys, "check", *at)
    assert "looked at 4 examples; 0 had not changed" in text
    assert "secret" in text
    assert KEY not in text
    found = as_json(capsys, "check", *at)
    assert (found["looked"], found["current"]) == (0, 4)
    assert found["standing"]["personal:email"] == 2

    listed = as_json(capsys, "examples", "list", "--flag", "secret", *at)
    assert listed["total"] == 1
    shown = run(capsys, "examples", "show", listed["examples"][0]["id"], *at)
    assert "! secret: aws-access-key" in shown
    assert "quality " in shown
    stats = as_json(capsys, "examples", "stats", *at)
    assert stats["flags"]["personal:email"] == 2
    assert stats["languages"]["en"] >= 3
    assert as_json(capsys, "examples", "list", "--min-quality", "0", *at)["total"] == 4


def test_only_some_checks_of_some_examples(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("--workspace", str(root))
    one = as_json(capsys, "examples", "list", *at)["examples"][0]["id"]
    found = as_json(capsys, "check", one[:9], "--only", "personal", *at)
    assert (found["looked"], found["flags"]) == (1, {"personal": 1})


def test_an_unknown_flag_is_wrong_usage(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examples", "list", "--flag", "beauty", "--workspace", str(root)]) == 2
    assert "kinds are secret" in capsys.readouterr().err


def test_redact_replaces_everywhere_alike_and_is_undone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--workspace", str(root))
    run(capsys, "check", *at)
    done = as_json(capsys, "redact", "--all", *at)
    assert sorted(sum(one.values()) for one in done.values()) == [1, 1, 2]
    with open_workspace(root) as space:
        texts = [card.turns[1].content for card in space.store.cards()]
        assert texts[0] == "Write to [EMAIL_1] or to [EMAIL_1], she knows the winch."
        assert "[SECRET_1]" in texts[1]
        assert "[EMAIL_1] again" in texts[3]
        assert not space.store.flag_counts() or {
            kind for kind, _, _ in space.store.flag_counts()
        }.isdisjoint({"secret", "personal"})
        # The value is kept where the person wrote it, and nowhere else.
        assert MAIL not in (space.store.get_meta("placeholders") or "")
        space.store.undo(at=9.0)
        assert MAIL in "".join(card.turns[1].content for card in space.store.cards())
    assert run(capsys, "redact", "--all", *at)


def test_redact_everywhere_takes_names_that_nothing_introduces(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--workspace", str(root))
    with open_workspace(root) as space:
        source = space.store.add_source("vault", "/others")
        said = [
            "My name is Dana Brătescu, and my number is 0721 234 567.",
            "Then BRATESCU, Dana came by; she left 0721.234.567 on the door.",
            "It was dana brătescu's winch all along, and nobody else's.",
            "Danad Bratescus is no name, and Dana alone is nobody's.",
            "Ask for +40721234567.",
        ]
        examples = []
        for number, answer in enumerate(said):
            turns = (Turn("user", f"Who was it on day {number}?"), Turn("assistant", answer))
            examples.append(
                Example(example_id(turns), "qa", turns, Provenance("", f"o{number}.md", 1, 2))
            )
        space.store.record_scan(source.id, examples, [], 5, at=2.0)
    first = examples[0].id
    said_first = run(capsys, "redact", first, *at)
    assert "the same values stand in 3 other examples: finetui redact" in said_first
    assert "--everywhere" in said_first
    # What was redacted before is known from the original.
    done = as_json(capsys, "redact", first, "--everywhere", *at)
    assert len(done) == 4
    with open_workspace(root) as space:
        texts = [space.store.card(one.id).turns[1].content for one in examples]
        assert texts == [
            "My name is [PERSON_1], and my number is [PHONE_1].",
            "Then [PERSON_1] came by; she left [PHONE_1] on the door.",
            "It was [PERSON_1]'s winch all along, and nobody else's.",
            said[3],
            "Ask for [PHONE_1].",
        ]
        # Nothing remembers the values but the texts that hold them, in and out of the journal.
        stored = json.dumps(space.store.get_metas(["placeholders", "placeholders:PERSON"]))
        assert "dana" not in stored.lower()
        # All of it is one operation.
        space.store.undo(at=9.0)
        assert [space.store.card(one.id).turns[1].content for one in examples[1:]] == said[1:]
        assert "[PERSON_1]" in space.store.card(first).turns[1].content
    assert "nothing to replace" in run(capsys, "redact", examples[3].id, "--everywhere", *at)


def test_redact_wants_to_know_what(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["redact", "--workspace", str(root)]) == 2
    assert "--all" in capsys.readouterr().err


def test_settings_show_the_rules_as_they_are_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = '[[check.rules]]\naction = "reject"\nflag = "secret"\n'
    (root / "finetui.toml").write_text(rule, "utf-8")
    text = run(capsys, "settings", "--workspace", str(root))
    assert 'check.rules = [{ "action" = "reject", "flag" = "secret" }]  (default [])' in text
    found = as_json(capsys, "settings", "--workspace", str(root))
    values = {one["name"]: one["value"] for one in found["settings"]}
    assert values["check.rules"] == [{"action": "reject", "flag": "secret"}]
    assert values["check.duplicate_threshold"] == "copies"


def test_a_rule_that_says_nothing_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "finetui.toml").write_text('[[check.rules]]\naction = "reject"\n', "utf-8")
    assert main(["check", "--workspace", str(root)]) == 1
    assert "a rule needs a flag" in capsys.readouterr().err


def test_a_redaction_that_is_stored_is_called_that_whatever_fails_after_it(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite's log may grow to one page more in each try, so that each step fails once."""
    run(capsys, "check", "--workspace", str(root))
    with open_workspace(root) as space:
        which = next(card.example.id for card in space.store.cards(Filter(flags=("secret",))))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    outcomes = set()
    for pages in range(8, 60):
        copy = tmp_path / f"copy{pages}"
        shutil.copytree(root, copy)
        resource.setrlimit(resource.RLIMIT_FSIZE, (pages * 4096 + 100, hard))
        try:
            status = main(["redact", which, "--workspace", str(copy), "--json"])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        said = json.loads(capsys.readouterr().out)
        with open_workspace(copy) as space:
            stored = space.store.card(which).edited
            assert not space.store.verify().differences
        if status:
            assert stored == ("1 redaction is stored" in said["error"]["message"])
            assert ("counts" in said["error"]) == stored
        outcomes.add((status, stored))
        if not status:
            break
    assert outcomes == {(1, False), (1, True), (0, True)}


def test_nothing_is_computed_for_a_workspace_that_can_only_be_looked_at(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        for verb in ("dedup", "check"):
            assert main([verb, "--workspace", str(root)]) == 1
            err = capsys.readouterr().err
            assert "[disk-full]" in err
            assert "embedding" not in err
            assert "checking" not in err
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
