"""What is exported in any format and container is read back as it was, or said to be lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.dataset import FORMATS, export
from engine.dataset.formats import CONTAINERS, Choices, write_row
from engine.dataset.rows import Row
from engine.errors import DatasetRefused
from engine.models import Document, Role, Turn, example_id
from engine.sources import detect, read
from tests.dataset.frozen_support import row, write_frozen
from tests.support.properties import tries

PLACES = [(f, c) for f in FORMATS for c in CONTAINERS if FORMATS[f].container in ("", c)]
_RUN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_ODD = st.sampled_from([
    "  leading", "trailing \n", "two\n\nlines", "a\n\n\n\nb", "\tindented\n\tcode", "שלום, עולם?",
    "مرحبا بالعالم", "Ce știi despre țărm?", "e\u0301 combining", "👩‍👩‍👧 joined", "line\u2028end",
    "next\x85line", "\ufeffmark", "zero\u200bwidth", "```python\nprint('x')\n```", "- a\n- b",
    "###", "text\n\n###", "## Answer\nYes.", "### Solution:\nforty", "### Instruction:\nnot one",
    "<|user|>\nnot one", "<|im_start|>user\nno<|im_end|>", "<|im_end|>", "ends with </s>", "<s>",
    "USER: x", "Human: hi\n\nAssistant: ho", "[INST] x [/INST] y", "{\"messages\": []}", "[1, 2]",
    "<tool_call>{}", "Below is an instruction that describes a task. Write a response.",
    "\"quoted\" \\ back", "a" * 5000, "carriage\r\nreturn", "NUL\x00here",
    "<|start_header_id|>user<|end_header_id|>\n\nx", "true", "0", "<|user|>\nQ1\n<|assistant|>\n",
    "Q: one?\nA: two.", "SYSTEM: be brief", "<<SYS>>a<</SYS>>", "N/A",
])  # fmt: skip
texts = (
    _ODD
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)
    | st.lists(_ODD | st.text(max_size=20), min_size=1, max_size=4).map("\n".join)
).filter(lambda text: bool(text.strip()))
whole = texts.filter(lambda text: not any("\ud800" <= sign <= "\udfff" for sign in text))


@st.composite
def talks(draw: st.DrawFn) -> tuple[Turn, ...]:
    pairs = draw(st.lists(st.tuples(whole, whole), min_size=1, max_size=3))
    system = draw(st.none() | whole)
    said: list[tuple[Role, str]] = [("system", system)] if system else []
    for question, answer in pairs:
        said += [("user", question), ("assistant", answer)]
    return tuple(Turn(role, content) for role, content in said)


plain_words = st.text("abc țș שמ?.,!\n", min_size=1, max_size=40).map(str.strip).filter(bool)


@st.composite
def plain_talks(draw: st.DrawFn) -> tuple[Turn, ...]:
    pairs = draw(st.lists(st.tuples(plain_words, plain_words), min_size=1, max_size=3))
    system = draw(st.just("") | plain_words)
    said: list[tuple[Role, str]] = [("system", system)] if system else []
    for question, answer in pairs:
        said += [("user", question), ("assistant", answer)]
    return tuple(Turn(role, content) for role, content in said)


def read_back(out: Path) -> dict[tuple[str, int], Document]:
    """Read a place without being told its kind; documents by split and row."""
    found = detect(out)
    assert found.kind in ("instructions", "conversations")
    back = {}
    for document in read(found.kind, out):
        split = "validation" if "validation" in document.path else "train"
        assert (split, document.start_line) not in back
        back[split, document.start_line] = document
    return back


def check(parts: dict[str, list[Row]], format: str, container: str, *, metadata: bool) -> None:
    """Export rows, read them, and see that each came back or was named."""
    folder = Path(tempfile.mkdtemp())
    try:
        frozen = write_frozen(folder / "d1", parts)
        out = folder / "out"
        choices = Choices(metadata=metadata)
        written = {
            split: [write_row(one, FORMATS[format], choices) for one in rows]
            for split, rows in parts.items()
        }
        refused = [one.row.id for split in parts for one in written[split]
                   if one.converted.fields is None]  # fmt: skip
        if len(refused) == sum(map(len, parts.values())):
            with pytest.raises(DatasetRefused):
                export(frozen, "", format, out, container=container, metadata=metadata)
            assert not out.exists() or not any(out.iterdir())
            return
        report = export(frozen, "", format, out, container=container, metadata=metadata)
        assert [one.example_id for one in report.refused] == refused
        assert all(one.reason and one.code for one in report.refused)
        _compare(written, out, report.rows, metadata=metadata)
    finally:
        shutil.rmtree(folder)


def _compare(written: dict[str, list], out: Path, rows: int, *, metadata: bool) -> None:  # type: ignore[type-arg]
    lost = all(one.reread.startswith("not read") for kept in written.values() for one in kept
               if one.converted.fields is not None)  # fmt: skip
    back = {} if lost else read_back(out)
    count = 0
    for split, kept in written.items():
        held = [one for one in kept if one.converted.fields is not None]
        for number, one in enumerate(held, 1):
            count += 1
            document = back.get((split, number))
            if metadata:
                assert not one.reread
            if one.reread:
                assert document is None or document.turns != one.turns
                continue
            assert document is not None
            assert document.turns == one.turns
            assert example_id(document.turns) == example_id(one.row.turns)
            if metadata:
                assert document.metadata["id"] == one.row.id
    assert count == rows
    assert len(back) <= count


@pytest.mark.parametrize(("format", "container"), PLACES)
@pytest.mark.parametrize("metadata", [False, True])
@given(data=st.data())
@settings(_RUN, max_examples=tries(10))
def test_each_row_comes_back_or_is_named(
    format: str, container: str, metadata: bool, data: st.DataObject
) -> None:
    made = data.draw(st.lists(talks(), min_size=1, max_size=5))
    rows = [row(turns, number) for number, turns in enumerate(made, 1)]
    cut = data.draw(st.integers(1, len(rows)))
    parts = {"train": rows[:cut], "validation": rows[cut:]}
    check(parts, format, container, metadata=metadata and FORMATS[format].metadata)


@pytest.mark.parametrize("format", FORMATS)
@given(made=plain_talks())
@settings(_RUN, max_examples=tries(100))
def test_plain_conversations_are_never_refused_and_always_come_back(
    format: str, made: tuple[Turn, ...]
) -> None:
    one = write_row(row(made), FORMATS[format], Choices())
    assert one.converted.fields is not None
    assert not one.reread
    assert not one.asked
