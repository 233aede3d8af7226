"""The stage, its child and its verb, on workspaces."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.child import child_environment
from engine.cli.main import main
from engine.errors import EmbeddingModelInvalid, EmbeddingModelMissing, UsageError
from engine.models import Filter, Found, Turn
from engine.similarity import DEFAULT_THRESHOLD, dedup
from engine.similarity.cache import VectorCache, cache_file
from engine.similarity.child import dedup_apart
from engine.similarity.stage import look
from engine.similarity.texts import key_of, normal_form
from engine.similarity.vectors import space_of
from engine.workspace import Workspace
from tests.similarity.support import embedded_space, fill, plant
from tests.similarity.tiny import make_tiny_embedder
from tests.store.support import NOW, turns
from tests.support.trusting import trusted

slow = pytest.mark.slow

BREAD = "How do I bake bread?"
KNEAD = "Knead flour, water, salt and yeast; let it rise for an hour, and bake it."
TEXTS = [
    turns(BREAD, KNEAD),
    turns("how do I bake bread", KNEAD.lower()),
    turns("How can bread be baked?", KNEAD + " Enjoy."),
    turns(BREAD, "Buy a machine for it, and do what its manual says about loaves."),
    turns("How are loaves made?", KNEAD),
    turns("Is it?", "Yes."),
    turns("Was it?", "Yes."),
    turns("", ""),
]


def along(angle: float, axis: int) -> list[float]:
    """Return a vector in a plane of its own, turned by an angle whose cosine is given."""
    row = [0.0] * 20
    row[2 * axis], row[2 * axis + 1] = angle, float(np.sqrt(1 - angle * angle))
    return row


VECTORS = {
    BREAD: along(1.0, 0),
    "How can bread be baked?": along(0.97, 0),
    "How are loaves made?": along(0.5, 0),
    KNEAD: along(1.0, 1),
    KNEAD + " Enjoy.": along(0.95, 1),
    TEXTS[3][1].content: along(1.0, 2),
    "Is it?": along(1.0, 3),
    "Was it?": along(1.0, 4),
    "Yes.": along(1.0, 5),
}


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """Return a workspace of two sources whose texts have vectors."""
    plant(VECTORS)
    fill(workspace, TEXTS[:2])
    fill(workspace, TEXTS[2:], "/other", start=2)
    return workspace


def codes(space: Workspace) -> dict[str, list[str]]:
    """Return the codes of the flags by the example's question and answer."""
    return {
        f"{card.turns[0].content}|{card.turns[1].content}"[:26]: [
            flag.code for flag in card.flags if flag.kind == "duplicate"
        ]
        for card in space.store.cards()
    }


def test_duplicates_are_told_from_other_answers(filled: Workspace) -> None:
    report = dedup(filled, threshold=0.9)
    assert (report.examples, report.compared, report.embedded) == (8, 8, 0)
    assert report.clusters == 1
    assert report.flags == {"exact": 1, "near": 1, "same-answer": 1, "same-question": 1}
    found = codes(filled)
    # The longest answer stands for the cluster.
    assert found["How can bread be baked?|Kn"] == []
    assert sorted(v[0] for k, v in found.items() if "bake bread" in k) == [
        "exact",
        "near",
        "same-question",
    ]
    assert found["How are loaves made?|Knead"] == ["same-answer"]
    assert found["Is it?|Yes."] == found["Was it?|Yes."] == []
    reasons = [flag.reason for card in filled.store.cards() for flag in card.flags]
    assert any(" at 0.95" in reason for reason in reasons)


def test_nothing_is_decided_or_deleted(filled: Workspace) -> None:
    before = [(card.example, card.turns, card.state) for card in filled.store.cards()]
    dedup(filled)
    assert [(card.example, card.turns, card.state) for card in filled.store.cards()] == before
    assert filled.store.journal() == []


def test_the_model_used_last_is_the_one_that_counts(filled: Workspace) -> None:
    space = dedup(filled).space
    other = {position: f"x{position}" for position in range(1, 30)}
    filled.store.save_links("0-another", linked=other, links=[], dropped=[])
    assert filled.store.link_models() == [space, "0-another"]


def test_clusters_at_any_threshold_after_one_run(filled: Workspace) -> None:
    dedup(filled, threshold=0.99)
    assert {code for some in codes(filled).values() for code in some} == {
        "exact",
        "same-answer",
        "same-question",
    }
    seen = look(filled)
    sizes = {t: [len(c.members) for c in seen.clusters("both", t)] for t in (0.7, 0.94, 0.96, 1.0)}
    assert sizes == {0.7: [3], 0.94: [3], 0.96: [2], 1.0: [2]}
    one = seen.clusters("both", 0.94)[0]
    assert one.across
    assert [round(member.similarity, 2) for member in one.members] == [1.0, 0.95, 0.95]
    assert not seen.clusters("both", 0.96)[0].across
    assert len(seen.clusters("prompt", 0.9)[0].members) == 4
    assert len(seen.clusters("answer", 0.9)) == 2
    with pytest.raises(UsageError):
        seen.clusters("both", 0.5)


def test_an_approved_one_stands_for_its_cluster(filled: Workspace) -> None:
    first = next(card for card in filled.store.cards() if card.turns == TEXTS[1])
    filled.store.append("approve", first.example.id, at=NOW)
    dedup(filled)
    assert look(filled).clusters("both", 0.9)[0].members[0].example_id == first.example.id


def test_of_equals_the_one_of_higher_quality_stands(filled: Workspace) -> None:
    cards = list(filled.store.cards())
    found = [
        Found(card.position, card.example.id, "1", (), {"quality": 0.9 if at == 0 else 0.4})
        for at, card in enumerate(cards)
    ]
    filled.store.write_flags("quality", found)
    dedup(filled)
    assert look(filled).clusters("both", 0.9)[0].members[0].position == cards[0].position


def test_marks_follow_the_threshold_and_go_with_the_reason(filled: Workspace) -> None:
    dedup(filled, threshold=0.9)
    near = Filter(flags=("duplicate:near",))
    assert filled.store.queue_size(near) == 1
    report = dedup(filled, threshold=0.96)
    assert report.compared == 0
    assert filled.store.queue_size(near) == 0
    source = filled.store.sources()[1]
    filled.store.remove_source(source.id)
    left = dedup(filled, threshold=0.9)
    assert left.flags == {"exact": 1}
    assert left.links["both"] == 1


def test_what_was_joined_by_one_that_is_gone_is_joined_again(workspace: Workspace) -> None:
    plant({"hub": along(1.0, 0), "rim": along(0.95, 0), "edge": along(0.93, 0), "new": along(1, 4)})
    fill(workspace, [turns("hub", "hub")], "/hub")
    fill(workspace, [turns("rim", "hub"), turns("hub", "edge"), turns("edge", "hub")], start=1)
    dedup(workspace)
    links = workspace.store.links(embedded_space(), "both")
    assert sorted(one.similarity for one in links) == pytest.approx([0.93, 0.95, 0.99825], abs=1e-3)
    workspace.store.remove_source(workspace.store.sources()[0].id)
    fill(workspace, [turns("new", "new")], "/new", start=9)
    assert dedup(workspace).compared == 1
    links = workspace.store.links(embedded_space(), "both")
    assert sorted(one.similarity for one in links) == pytest.approx([0.93, 0.99825], abs=1e-3)


def test_an_edit_is_compared_again(filled: Workspace) -> None:
    dedup(filled)
    card = next(card for card in filled.store.cards() if card.turns == TEXTS[1])
    changed = (Turn("user", "Is it?"), Turn("assistant", "Yes."))
    filled.store.append("edit", card.example.id, at=NOW, turns=changed)
    report = dedup(filled)
    assert report.compared == 1
    assert report.flags["exact"] == 1
    assert len(look(filled).clusters("both", 0.9)) == 2


def test_an_empty_workspace_has_nothing(workspace: Workspace) -> None:
    report = dedup(workspace)
    assert (report.examples, report.clusters, dict(report.flags)) == (0, 0, {})
    assert look(workspace).clusters("both", 0.9) == []


def test_only_empty_texts_are_no_duplicates(workspace: Workspace) -> None:
    fill(workspace, [turns("", ""), turns(" ", "\0"), turns("?", "!")])
    assert dedup(workspace).flags == {}


def test_a_run_that_is_stopped_changes_nothing(filled: Workspace) -> None:
    asked = 0

    def after_some() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    report = dedup(filled, cancelled=after_some)
    assert report.cancelled
    assert filled.store.links(embedded_space()) == []
    assert filled.store.flags_by("duplicates") == {}
    assert dedup(filled).clusters == 1


@pytest.mark.parametrize("threshold", [0.0, 0.69, 1.01, float("nan")])
def test_a_threshold_must_be_possible(workspace: Workspace, threshold: float) -> None:
    with pytest.raises(UsageError):
        dedup(workspace, threshold=threshold)


def test_a_missing_model_is_named_by_the_child(workspace: Workspace) -> None:
    with pytest.raises(EmbeddingModelMissing):
        dedup_apart(workspace.root, model="/nowhere")


def test_a_run_with_all_vectors_loads_no_torch(filled: Workspace) -> None:
    code = (
        "import sys; from pathlib import Path; from engine.workspace import open_workspace\n"
        "import engine.similarity, engine.similarity.child\n"
        "print('numpy' in sys.modules)\n"
        "from engine.similarity import dedup\n"
        f"with open_workspace(Path({str(filled.root)!r})) as space:\n"
        "    print(dedup(space).compared, dedup(space).compared)\n"
        "print([n for n in ('torch', 'sentence_transformers', 'tui') if n in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["False", "8 0", "[]"]


def verb(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capfd.readouterr()
    sys.stdin = io.StringIO()
    status = main(["dedup", *words])
    sys.stdout.flush()
    return status, capfd.readouterr().out


def test_the_verb_lists_clusters_and_marks(
    filled: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    where = ("--workspace", str(filled.root))
    status, out = verb(capfd, *where)
    assert status == 0
    assert "1 clusters of near-duplicates, 3 examples; 1 across sources" in out
    assert "same-question" in out
    status, out = verb(capfd, "--json", "--what", "prompt", "--threshold", "0.9", *where)
    assert status == 0
    document: dict[str, Any] = json.loads(out)
    assert document["threshold"] == 0.9
    assert document["flags"]["near"] == 1
    (cluster,) = document["clusters"]
    assert cluster["across"]
    assert len(cluster["members"]) == 4
    assert cluster["representative"] == cluster["members"][0]["id"]
    status, out = verb(capfd, "--threshold", "1", "--limit", "1", *where)
    assert status == 0
    assert verb(capfd, "--threshold", "0.3", *where)[0] == 2


def test_the_verb_on_no_examples(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    status, out = verb(capfd, "--workspace", str(workspace.root))
    assert status == 0
    assert "no examples yet" in out


def test_the_verb_takes_the_settings(filled: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    (filled.root / "finetui.toml").write_text("[check]\nduplicate_threshold = 0.96\n")
    _, out = verb(capfd, "--json", "--workspace", str(filled.root))
    assert (json.loads(out)["threshold"], json.loads(out)["level"]) == (0.96, "")
    (filled.root / "finetui.toml").write_text('[check]\nduplicate_threshold = "paraphrases"\n')
    _, out = verb(capfd, "--workspace", str(filled.root))
    assert "near-duplicates are paraphrases (0.80 and more)" in out
    _, out = verb(capfd, "--threshold", "copies", "--workspace", str(filled.root))
    assert "copies (0.90 and more)\n  most paraphrases are not found" in out
    status, _ = verb(capfd, "--threshold", "cousins", "--workspace", str(filled.root))
    assert status == 2
    (filled.root / "finetui.toml").write_text('[check]\nembedding_model = "/nowhere"\n')
    trusted(filled.root)
    status, out = verb(capfd, "--json", "--workspace", str(filled.root))
    assert (status, json.loads(out)["error"]["code"]) == (1, "embedding-model-missing")


@pytest.mark.nightly
@slow
def test_a_killed_child_goes_on_where_it_was(workspace: Workspace, tmp_path: Path) -> None:
    model = str(make_tiny_embedder(tmp_path / "tiny"))
    texts = [turns(f"Question {n} of {n * 31}", f"Answer {n}: " + "word " * 90) for n in range(400)]
    fill(workspace, texts)
    cache = tmp_path / "cache"
    child = subprocess.Popen(
        [sys.executable, "-m", "engine.similarity.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **child_environment(), "HF_HUB_OFFLINE": "1"},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    asked = {"root": str(workspace.root), "model": model, "threshold": 0.9, "off_topic": 1.0}
    asked["cache"] = str(cache)
    child.stdin.write(json.dumps(asked))
    child.stdin.close()
    for line in child.stdout:
        if line.startswith("{") and json.loads(line).get("done", 0) >= 256:
            child.kill()
            break
    child.wait()
    kept = 800 - len(_missing(model, cache, texts))
    assert 256 <= kept < 800
    report = dedup_apart(workspace.root, model=model, cache=cache)
    assert report.embedded == 800 - kept
    assert report.compared == 400
    # The threshold of a model that knows nothing is of no interest; that it ran through is.
    assert workspace.store.link_models() == [report.space]


def _missing(model: str, cache: Path, texts: list[tuple[Turn, ...]]) -> list[bytes]:
    keys = [key_of(normal_form(turn.content)) for some in texts for turn in some]
    with VectorCache(cache_file(space_of(Path(model)), cache)) as opened:
        return opened.missing(keys)


@pytest.mark.nightly
@slow
def test_a_child_can_be_stopped(workspace: Workspace, tmp_path: Path) -> None:
    model = str(make_tiny_embedder(tmp_path / "tiny"))
    fill(workspace, [turns(f"Question {n}", "word " * 150 + str(n)) for n in range(700)])
    seen = 0

    def progress(done: int, total: int) -> None:
        nonlocal seen
        seen = done

    start = time.monotonic()
    report = dedup_apart(
        workspace.root,
        model=model,
        cache=tmp_path / "cache",
        progress=progress,
        cancelled=lambda: seen >= 256,
    )
    assert report.cancelled
    assert time.monotonic() > start
    assert workspace.store.link_models() == []


@slow
def test_examples_that_a_model_has_no_numbers_for_are_named(
    workspace: Workspace, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = make_tiny_embedder(tmp_path / "odd")
    weights = load_file(folder / "model.safetensors")
    vocabulary = (folder / "vocab.txt").read_text("utf-8").splitlines()
    weights["embeddings.word_embeddings.weight"][vocabulary.index("bread")] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    fill(workspace, [turns("about bread", "yes it is"), turns("about wine", "no it is not")])
    report = dedup(workspace, model=str(folder), cache=tmp_path / "cache")
    (one,) = report.unreadable.items()
    assert one[0] == next(workspace.store.cards()).example.id
    assert "prompt" in one[1]
    assert report.examples == 2


@slow
def test_a_broken_model_is_named_by_the_verb(
    workspace: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(workspace, TEXTS)
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    status, out = verb(capfd, "--json", "--model", str(folder), "--workspace", str(workspace.root))
    assert status == 1
    assert json.loads(out)["error"]["code"] == EmbeddingModelInvalid.code


@slow
def test_the_embedded_model_from_end_to_end(workspace: Workspace) -> None:
    fill(
        workspace,
        [
            turns("How do I cancel my subscription?", "Open the settings and choose Cancel plan."),
            turns("How can I cancel my subscription?", "Open settings and choose Cancel plan."),
            turns("How do I cancel my subscription?", "Please write to our team by e-mail."),
            turns("What is photosynthesis?", "Plants turn light into sugar by it."),
        ],
    )
    report = dedup_apart(workspace.root)
    assert report.threshold == DEFAULT_THRESHOLD
    assert report.embedded == 7
    assert report.flags == {"near": 1, "same-question": 1}
