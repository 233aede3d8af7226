from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.bases import Base
from engine.cli.main import main
from engine.dataset import Frozen, default_options, draft, freeze, load, stats
from engine.dataset.notices import half_width
from engine.errors import DatasetRefused, UsageError
from engine.models import Flag, Found
from engine.workspace import Workspace
from tests.dataset.support import NOW, approve, note, notes

# A key of the right form that opens nothing.
KEY = "AKIA" + "Q3VB7TWLYZ2KD5NM"


def checked(
    workspace: Workspace,
    measures: Mapping[str, Mapping[str, float | str]],
    flags: Mapping[str, Flag] | None = None,
) -> None:
    """Record what checks would have found, by the examples' ids; "" for all others."""
    for card in workspace.store.cards():
        one = card.example.id
        known = measures.get(one, measures[""])
        mine = (flags[one],) if flags and one in flags else ()
        for check, names in (("language", ("language",)), ("quality", ("quality",))):
            found = Found(
                card.position,
                one,
                f"{check}-1",
                mine if check == "quality" else (),
                {name: known[name] for name in names if name in known},
            )
            workspace.store.write_flags(check, [found])


def ids_of(made: Frozen) -> set[str]:
    return {row.id for row in (*made.train_rows(), *made.validation_rows())}


def test_filters_leave_out_what_they_say_and_are_recorded(workspace: Workspace) -> None:
    made = [*notes(12, per_file=1), note("s.md", "Short?", "No."), note("l.md", "L?", "L" * 200)]
    ids = approve(workspace, made)
    flag = Flag("safety", "violent", 0.8, "a word for it")
    checked(
        workspace,
        {
            "": {"language": "en", "quality": 0.8},
            ids[0]: {"language": "ro", "quality": 0.8},
            ids[1]: {"language": "en", "quality": 0.69},
            ids[2]: {"language": "en"},
            ids[3]: {"language": "en", "quality": 0.7},
        },
        {ids[4]: flag},
    )
    options = replace(
        default_options(workspace),
        min_quality=0.7,
        min_length=4,
        languages=("en",),
        exclude_flags=("safety:violent", "secret"),
    )
    frozen = freeze(workspace, base=None, options=options)
    assert ids_of(frozen) == set(ids) - {ids[0], ids[1], ids[2], ids[4], ids[12]}
    assert frozen.manifest["counts"]["left_out"] == {
        "min_length": 1,
        "languages": 1,
        "min_quality": 2,
        "exclude_flags": 1,
    }
    assert frozen.manifest["settings"]["filters"] == {
        "min_quality": 0.7,
        "min_length": 4,
        "languages": ["en"],
        "exclude_flags": ["safety:violent", "secret"],
        "deduplicate": False,
    }
    assert frozen.manifest["versions"]["checks"]["quality"] == ["quality-1"]
    card = (frozen.directory / "README.md").read_text("utf-8")
    assert "- By min quality 0.7: 2." in card
    assert "- Languages: 100% en." in card
    without = freeze(workspace, base=None)
    assert without.manifest["statistics"]["flags"] == {"safety:violent": 1}
    found = stats(workspace, without.name)
    assert (found.languages, found.flags) == ({"en": 13, "ro": 1}, {"safety:violent": 1})
    assert [bar.count for bar in found.quality if bar.count] == [1, 1, 11]
    assert stats(workspace).languages == found.languages


def test_what_was_never_checked_is_not_dropped_silently(workspace: Workspace) -> None:
    ids = approve(workspace, notes(6))
    for change in ({"min_quality": 0.1}, {"languages": ("en",)}, {"exclude_flags": ("safety",)}):
        options = replace(default_options(workspace), **change)
        with pytest.raises(DatasetRefused, match="6 of 6 approved examples were never") as caught:
            freeze(workspace, base=None, options=options)
        assert "finetui check" in caught.value.hint
    checked(workspace, {"": {"language": "en", "quality": 0.2}})
    options = replace(default_options(workspace), min_quality=0.5)
    with pytest.raises(DatasetRefused, match="leave out all 6"):
        freeze(workspace, base=None, options=options)
    with pytest.raises(UsageError, match="no flags of kind"):
        freeze(workspace, base=None, options=replace(options, exclude_flags=("bad",)))
    assert len(ids) == 6


def test_a_secret_is_refused_unless_it_is_named(workspace: Workspace) -> None:
    approve(workspace, notes(10))
    held = f"The deploy key is aws_access_key_id = {KEY} and it opens the store."
    (bad,) = approve(workspace, [note("k.md", "Which key?", held)], root="/other")
    with pytest.raises(DatasetRefused, match=bad) as caught:
        freeze(workspace, base=None)
    assert "[secret]" in caught.value.message
    assert "--allow-secret" in caught.value.hint
    assert KEY not in caught.value.message + caught.value.hint
    other = replace(default_options(workspace), allow_secrets=("jwt", "b2-000000"))
    with pytest.raises(DatasetRefused):
        freeze(workspace, base=None, options=other)
    dropped = freeze(workspace, base=None, drop_refused=True)
    assert dropped.manifest["refused"] == {bad: "secret"}
    assert dropped.manifest["allowed_secrets"] == {}
    options = replace(default_options(workspace), allow_secrets=(bad[:12],))
    allowed = freeze(workspace, base=None, options=options)
    (codes,) = allowed.manifest["allowed_secrets"].values()
    assert bad in ids_of(allowed)
    by_code = replace(options, allow_secrets=tuple(codes))
    assert freeze(workspace, base=None, options=by_code) == allowed
    card = (allowed.directory / "README.md").read_text("utf-8")
    assert f"let through by name in 1 rows: {', '.join(codes)}" in card
    assert KEY not in (allowed.directory / "manifest.json").read_text("utf-8") + card


def test_what_cutting_costs_is_listed(
    workspace: Workspace, base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = approve(
        workspace, [note("a.md", "q", "long " * 20), *notes(8), note("b.md", "q2", "x" * 80)]
    )
    options = replace(default_options(workspace), max_length=60)
    made = draft(workspace, base=base, options=options)
    assert {cut.example_id for cut in made.cuts} == {ids[0], ids[-1]}
    longest = made.cuts[0]
    # Two turns' markers, roles and newlines are 21 tokens, a byte of text is one; the end
    # of the answer is a token that would have been trained, the newline after it none.
    assert (longest.example_id, longest.tokens) == (ids[0], 1 + 100 + 21 - 60)
    assert longest.trained + longest.kept_trained == 100 + 1
    frozen = freeze(workspace, base=base, options=options)
    cost = frozen.manifest["truncation"]
    assert (cost["rows"], cost["examples"][0]["example_id"]) == (2, ids[0])
    assert cost["trained"] == sum(cut.trained for cut in made.cuts)
    lost = sum(side["lost_trained"] for side in frozen.manifest["tokens"].values())
    assert lost == cost["trained"]
    assert "truncated" in {notice.code for notice in frozen.notices}
    found = stats(workspace, frozen.name, base=base)
    assert (found.truncated, found.lost_tokens, found.cuts) == (2, lost, made.cuts)
    words = ["dataset", "stats", frozen.name, "--base", str(base.directory)]
    assert main([*words, "--workspace", str(workspace.root)]) == 0
    assert f"cut off         {ids[0]}" in capsys.readouterr().out


def test_notices_say_what_numbers_are_worth(workspace: Workspace) -> None:
    ids = approve(workspace, notes(12, per_file=9))
    checked(
        workspace,
        {"": {"language": "en", "quality": 0.8}},
        {ids[0]: Flag("personal", "email", 1.0, "an address")},
    )
    made = draft(workspace, base=None, options=default_options(workspace))
    codes = [notice.code for notice in made.notices]
    assert {"few-held-out", "few-to-train", "share", "large-group", "personal"} <= set(codes)
    assert "unchecked" not in codes
    assert 0.43 < half_width(1) < 0.5
    # Wilson's interval for 10 of 20 is 0.299 to 0.701.
    assert half_width(20) == pytest.approx(0.201, abs=0.001)
    approve(workspace, [note(f"{n}.md", f"Why {n}?", f"So {n}.") for n in range(500)], root="/x")
    made = draft(workspace, base=None, options=default_options(workspace))
    codes = [notice.code for notice in made.notices]
    assert not {"few-held-out", "few-to-train", "share", "large-group"} & set(codes)


def test_approved_examples_in_conflict_are_counted(workspace: Workspace) -> None:
    ids = approve(workspace, notes(12))
    made = draft(workspace, base=None, options=default_options(workspace))
    assert "conflict" not in [notice.code for notice in made.notices]
    with workspace.store.again(session="other") as other:
        other.append("reject", ids[0], at=2.0)
    workspace.store.append("approve", ids[0], seen=0, at=3.0)
    made = draft(workspace, base=None, options=default_options(workspace))
    [notice] = [notice for notice in made.notices if notice.code == "conflict"]
    assert notice.message.startswith("1 approved example is in conflict")
    assert "finetui examples list --conflict" in notice.message


def test_a_dataset_of_an_earlier_version_is_read(workspace: Workspace) -> None:
    """A manifest of version 1, as it was written before there were groups and a test side."""
    ids = approve(workspace, notes(10))
    frozen = freeze(workspace, base=None)
    manifest = dict(frozen.manifest)
    for key in ("shares", "held_back", "allowed_secrets", "truncation", "groups", "earlier",
                "near_duplicates", "leak", "statistics", "notices"):  # fmt: skip
        del manifest[key]
    manifest |= {"v": 1, "decisions": {"head": 10}, "versions": {"finetui": "0.1.0"}}
    del manifest["settings"]["filters"], manifest["settings"]["test_fraction"]
    del manifest["counts"]["left_out"]
    (frozen.directory / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    old = load(workspace, "d1")
    assert (old.train, old.validation, old.test) == (8, 2, 0)
    assert (old.test_rows(), old.notices, old.leak) == ([], (), ())
    found = stats(workspace, "d1")
    assert (found.rows, found.groups, found.notices) == (10, 0, ())
    # Its sides hold for what is frozen next.
    approve(workspace, [note("n.md", "New?", "N.")], root="/new")
    new = freeze(workspace, base=None)
    assert new.manifest["earlier"] == ["d1"]
    assert {row.id for row in old.validation_rows()} <= {row.id for row in new.validation_rows()}
    assert set(ids) < ids_of(new)


def test_decisions_have_a_hash_that_time_does_not_change(workspace: Workspace) -> None:
    ids = approve(workspace, notes(10))
    first = freeze(workspace, base=None).manifest["decisions"]["hash"]
    workspace.store.append("reject", ids[0], at=NOW + 1)
    workspace.store.append("approve", ids[0], at=NOW + 2)
    options = default_options(workspace)
    again = freeze(workspace, base=None, options=replace(options, system_prompt="Other."))
    assert again.manifest["decisions"] == {"head": 12, "hash": first}
    workspace.store.append("reject", ids[0], at=NOW)
    assert freeze(workspace, base=None).manifest["decisions"]["hash"] != first


def test_the_verb_takes_the_seed_guides_words(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    approve(workspace, [note(f"{n}.md", f"Why {n}?", f"So {n}. " * 20) for n in range(30)])
    at = ["--workspace", str(workspace.root), "--no-near"]
    words = ["dataset", "freeze", "--min-length", "100", "--min-quality", "0.7", *at]
    assert main(words) == 1
    assert "finetui check" in capsys.readouterr().err
    checked(workspace, {"": {"language": "ro", "quality": 0.9}})
    assert main([*words, "--language", "ro", "--deduplicate", "--exclude-flag", "secret"]) == 0
    out = capsys.readouterr().out
    assert "d1: 24 rows to train on, 6 held out" in out
    assert "few-held-out" in out
    assert main(["dataset", "freeze", "--exclude-flag", "nonsense", *at]) == 2


def test_strange_text_is_named_or_frozen_and_nothing_is_lost(workspace: Workspace) -> None:
    strange = [
        note("s.md", "Half?", "a\udc80b"),
        note("n.md", "Nul?", "a\x00b"),
        note("r.md", "מה שלומך?", "טוב מאוד, תודה. \u202eabc"),
        note("c.md", "Marks?", "e" + "\u0301" * 3_000),
        note("l.md", "Long?", "word " * 200_000),
        note("1.md", "?", "."),
        note("2.md", "…", "…"),
    ]
    ids = approve(workspace, [*strange, *notes(6)])
    with pytest.raises(DatasetRefused, match="half of a surrogate pair"):
        freeze(workspace, base=None)
    made = freeze(workspace, base=None, drop_refused=True)
    assert made.manifest["refused"] == {ids[0]: "not-unicode"}
    rows = {row.id: row for row in (*made.train_rows(), *made.validation_rows())}
    assert set(rows) == set(ids[1:])
    assert rows[ids[4]].turns[1].content == "word " * 200_000
