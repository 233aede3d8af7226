from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.extract.notes import extract_note
from engine.extract.pairs import find_pairs
from engine.sources import detect
from engine.sources.blocks import plain
from engine.sources.logseq import page_name, to_markdown
from tests.support.vaults import read_vault, write_files

GRAPH = Path(__file__).resolve().parent.parent / "fixtures" / "graph"
SENTENCE = "I went down to the river in the morning and stayed there until the bells rang."


def _plain(outline: str) -> str:
    return plain(to_markdown(outline).text)


@pytest.mark.parametrize(
    ("outline", "expected"),
    [
        (f"- {SENTENCE}\n- {SENTENCE}", f"{SENTENCE}\n\n{SENTENCE}"),
        (f"- {SENTENCE}\n  And again.", f"{SENTENCE} And again."),
        ("- milk\n- bread\n\t- rye", "- milk\n- bread\n  - rye"),
        (f"- The river\n\t- {SENTENCE}", f"## The river\n\n{SENTENCE}"),
        (f"- # The river\n\t- {SENTENCE}", f"# The river\n\n{SENTENCE}"),
        (f"- {SENTENCE}\n\t- cold\n\t- deep", f"{SENTENCE}\n\n- cold\n- deep"),
        (f"- {SENTENCE}\n  id:: 64f1c2d3-aaaa\n  collapsed:: true", SENTENCE),
        ("- see ((64f1c2d3-aaaa))\n- the mill\n  id:: 64f1c2d3-aaaa", "- see the mill\n- the mill"),
        ("- see ((64f1c2d3-bbbb)) there", "- see there"),
        ("- [the mill](((64f1c2d3-aaaa)))", "- the mill"),
        (f"- {SENTENCE} {{{{embed [[Mill]]}}}}", SENTENCE),
        ("- {{query (task TODO)}}\n- x", "- x"),
        ("- a {{cloze hidden}} word", "- a hidden word"),
        ("- TODO [#A] mend it\n  SCHEDULED: <2024-03-14 Thu>\n- DONE sold", "- mend it\n- sold"),
        ("- x\n  :LOGBOOK:\n  CLOCK: [2024-03-14 Thu 10:00:00]\n  :END:\n- y", "- x\n- y"),
        ("- #+BEGIN_QUOTE\n  a clock for bread\n  #+END_QUOTE", "a clock for bread"),
        ("- #+BEGIN_SRC python\n  - x\n  #+END_SRC", "```python\n- x\n```"),
        ("- ```\n  - no bullet\n  ```\n- x", "```\n- no bullet\n```\n\n- x"),
        ("- a day\n  template:: daily\n\t- what\n- x", "- x"),
        ("- about #[[deep work]] today", "- about deep work today"),
        ("- one\n  logseq.order-list-type:: number\n- two\n  logseq.order-list-type:: number",
        "1. one\n2. two"),
        ("", ""),
        ("no outline\nat all", "no outline\nat all"),
    ],
)  # fmt: skip
def test_outlines_become_text(outline: str, expected: str) -> None:
    assert _plain(outline) == expected


def test_a_card_s_answer_is_what_stands_below_it() -> None:
    outline = (
        f"- What is a pot? #card\n  card-last-score:: 5\n\t- Clay\n- {SENTENCE}\n"
        f"- What is a kiln? #card\n\t- {SENTENCE} {SENTENCE}\n- just a line\n"
        "- The {{cloze pot}} is the oldest of them #card\n- DONE write to Peter"
    )
    found = find_pairs(to_markdown(outline).text.split("\n"))
    assert [(pair.question, pair.answer) for pair in found] == [
        ("What is a pot?", "Clay"),
        ("What is a kiln?", f"{SENTENCE} {SENTENCE}"),
    ]


def test_every_line_stays_at_its_number() -> None:
    outline = (GRAPH / "journals" / "2024_03_14.md").read_text()
    page = to_markdown(outline)
    before, after = outline.split("\n"), page.text.split("\n")
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        words = [word for word in new.split() if word.isalpha()]
        assert all(word in old or "((" in old for word in words)


def test_a_page_s_properties() -> None:
    page = to_markdown("title:: The wheel\ntags:: mill, [[old machines]]\n\n- x")
    assert page.properties == {"title": "The wheel", "tags": "mill, [[old machines]]"}
    assert to_markdown("- title:: The wheel\n- x").properties == {"title": "The wheel"}


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("A___B", ("B", "A")),
        ("A%2FB%2FC", ("C", "A/B")),
        ("What is it%3F", ("What is it?", "")),
        ("plain", ("plain", "")),
        ("100%", ("100%", "")),
        ("___", ("/", "")),
    ],
)
def test_names_of_pages(stem: str, expected: tuple[str, str]) -> None:
    assert page_name(stem) == expected


def test_a_graph_is_read() -> None:
    documents, skipped = read_vault(GRAPH)
    by_path = {document.path: document for document in documents}
    assert list(by_path) == ["journals/2024_03_14.md", "pages/Mill___The water wheel.md"]
    assert by_path["journals/2024_03_14.md"].date == "2024-03-14"
    wheel = by_path["pages/Mill___The water wheel.md"]
    assert (wheel.title, wheel.tags) == ("The water wheel", ("mill", "old_machines"))
    assert wheel.metadata["namespace"] == "Mill"
    assert wheel.metadata["aliases"] == "wheel, undershot"
    assert {skip.path: skip.code for skip in skipped} == {
        "logseq/config.edn": "logseq",
        "logseq/bak/pages/Old.md": "logseq",
    }
    found = detect(GRAPH)
    assert (found.kind, dict(found.options)) == ("vault", {"app": "logseq"})
    assert "Logseq" in found.why


def test_what_stands_beside_a_headed_block_is_not_its_section(tmp_path: Path) -> None:
    mill, lake = SENTENCE.replace("river", "mill"), SENTENCE.replace("river", "lake")
    outline = (
        f"- Decision about the mast\n\t- #decision {SENTENCE}\n\t- {SENTENCE}\n"
        f"- {mill}\n- {lake}\n- {SENTENCE}"
    )
    root = write_files(tmp_path / "g", {"logseq/config.edn": "{}", "pages/Mast.md": outline})
    (document,) = read_vault(root)[0]
    decision, rest = extract_note(document, ("thoughts", "sections"))
    assert (decision.kind, decision.provenance.heading) == ("decision", "Decision about the mast")
    assert "mill" not in decision.turns[1].content
    assert "mill" in rest.turns[1].content
    assert (rest.provenance.heading, rest.provenance.start_line) == ("", 4)


def test_the_app_can_be_named(tmp_path: Path) -> None:
    root = write_files(tmp_path / "v", {"a.md": f"- {SENTENCE}\n- {SENTENCE}\n"})
    assert read_vault(root)[0][0].text.startswith("- ")
    assert "- " not in read_vault(root, app="logseq")[0][0].text
    graph = write_files(tmp_path / "g", {"logseq/config.edn": "", "pages/a.md": f"- {SENTENCE}\n"})
    assert read_vault(graph, app="obsidian")[0][0].text.startswith("- ")


_PIECES = st.sampled_from([
    "- ", "-", "\t", "  ", "\n", "# ", "TODO ", "id:: 64f1c2d3-aaaa\n", "((64f1c2d3-aaaa))",
    "{{embed x}}",
    ":LOGBOOK:\n", ":END:\n", "```\n", "#+BEGIN_QUOTE\n", "#+END_QUOTE\n", "template:: x\n",
    "a:: b\n",
    "heading:: 3\n", "heading:: x\n", SENTENCE, "words ", "#card ", "\u2029", "\x1d", "> ",
    "SCHEDULED: <",
])  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=5), max_size=50).map("".join))
def test_any_outline_keeps_its_number_of_lines(text: str) -> None:
    page = to_markdown(text)
    assert page.text.count("\n") == text.count("\n")
    plain(page.text)


def test_deep_outlines_take_no_stack() -> None:
    outline = "\n".join(f"{'  ' * depth}- {SENTENCE}" for depth in range(3000))
    assert to_markdown(outline).text.count("\n") == 2999
