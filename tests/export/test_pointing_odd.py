"""Configuration files in odd forms: changed as their own parsers read them, or refused by name."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import UpdateRefused
from engine.export.pointing import check, point
from engine.export.pointing.forms import NotThatForm, form_of

dotenv = pytest.importorskip("dotenv")

MODEL = "/models/notes-q4_k_m.gguf"
DEEP = "deep"
"""Stands for more brackets than a parser follows."""


def changed(name: str, text: str, key: str, value: str = MODEL) -> str:
    form = form_of(Path(name))
    assert form is not None
    return form.change(text, key, value).text


def refused(folder: Path, name: str, text: str, key: str, value: str = MODEL) -> UpdateRefused:
    """Return why a change is refused, which leaves the file as it was."""
    folder /= "app"
    folder.mkdir()
    file = folder / name
    file.write_text(text)
    with pytest.raises(UpdateRefused) as caught:
        point(file, key, value)
    assert caught.value.hint
    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: text}
    return caught.value


def put(document: Any, steps: tuple[Any, ...], value: str) -> Any:
    """Return a document with another value in one place; what is shared with others stays."""
    if not steps:
        return value
    first, *rest = steps
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[first] = put(document[first], tuple(rest), value)
    return copy


@pytest.mark.parametrize(
    ("text", "key", "steps"),
    [
        ("d: &d {m: old}\nx:\n  <<: *d\n  k: own\n", "x.k", ("x", "k")),
        ("d: &d {m: old}\nx:\n  <<: [*d]\n  m: own\nz: {m: 1}\n", "x.m", ("x", "m")),
        ("d: &d {m: old}\nx: *d\nk: 2\n", "k", ("k",)),
        ("a: &n old\nb: 1\n", "a", ("a",)),
        ("m: !!str 5\n", "m", ("m",)),
        ("m:\nn: 1\n", "m", ("m",)),
        ("m: # why\nn: 1\n", "m", ("m",)),
        ("a: {m: , n: 1}\n", "a.m", ("a", "m")),
        ("m: |\n  old\n  lines\n\nn: 1\n", "m", ("m",)),
        ("m: >-\n  old\n\n# why\nn: 1\n", "m", ("m",)),
        ("m: over\n  two lines # why\nn: 1\n", "m", ("m",)),
        ("a:\n- m: 1\n  n: 2\n-\n", "a.1", ("a", 1)),
        ("1: old\n", "1", (1,)),
        ("a: {true: old}\n", "a.true", ("a", True)),
        ('? "q k"\n: old\n', "q k", ("q k",)),
        ("m: 2026-99-99\nn: .nan\n", "m", None),
        ("m: !secret old\nn: 1\n", "n", None),
        ("m: 1\nm: 2\n", "m", ("m",)),
        ('"<<": old\nn: 1\n', "<<", ("<<",)),
        ("%YAML 1.1\n---\nm: old\n...\n", "m", ("m",)),
        ("a: &a [*a]\nm: old\n", "m", None),
    ],
)
def test_yaml_reads_the_same_but_for_one_value(
    text: str, key: str, steps: tuple[Any, ...] | None
) -> None:
    found = changed("a.yaml", text, key)
    assert found.count(MODEL) == 1
    assert found.count("#") == text.count("#")
    if steps is None:  # PyYAML does not make Python of it, or of another value
        events = [str(event) for event in yaml.parse(text)]
        assert len([one for one in yaml.parse(found) if str(one) not in events]) == 1
    else:
        assert yaml.safe_load(found) == put(yaml.safe_load(text), steps, MODEL)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("d: &d {m: old}\nx: *d\n", "d.m", "other places of the file take it from there"),
        ("d: &d {m: old}\nx: *d\n", "x.m", "other places of the file take it from there"),
        ("a: &x old\nb: *x\n", "b", "other places of the file take it from there"),
        ("d: &d {m: old}\nx: {<<: *d}\n", "d.m", "other places of the file take it from there"),
        ("d: &d {m: old}\nx: {<<: *d, k: 1}\n", "x.m", "by a merge"),
        ("d: &d {m: old}\ne: &e {<<: *d}\nx: {<<: [*e]}\n", "x.m", "by a merge"),
        ("a: &a [*a]\n", "a.0", "a group of values"),
        ("a: &a {s: *a, m: old}\n", "a.s.s.m", "other places of the file take it from there"),
        ("&r\nm: old\ns: *r\n", "m", "other places of the file take it from there"),
        ("a.m: 1\na: {m: 2}\n", "a.m", "in two ways"),
        ("m: | # why\n  old\n", "m", "can't be changed by itself"),
        ("a: 1\n---\na: 2\n", "a", "can't be read as YAML"),
        ("# nothing\n", "a", "has no key a"),
        (DEEP, "a", "can't be read as YAML"),
    ],
)
def test_yaml_that_can_not_be_changed_alone_is_refused(
    tmp_path: Path, text: str, key: str, said: str
) -> None:
    text = "[" * 1_500 if text == DEEP else text
    assert said in refused(tmp_path, "a.yaml", text, key).message


def test_keys_that_are_no_texts_are_named_as_they_are_written(tmp_path: Path) -> None:
    hint = refused(tmp_path, "a.yaml", "true: {model: 1}\n", "yes.model").hint
    assert hint == "did you mean true.model?"
    assert check(tmp_path / "app" / "a.yaml", "true.model") == 1


def test_what_grows_when_it_is_followed_is_not_followed(tmp_path: Path) -> None:
    """Nine levels of nine aliases each are a billion values."""
    lines = ["a0: &a0 {m: old}"]
    lines += [
        f"a{n}: &a{n} {{{', '.join(f'{c}: *a{n - 1}' for c in 'bcdefghij')}}}" for n in range(1, 10)
    ]
    text = "\n".join([*lines, "m: old", ""])
    assert changed("a.yaml", text, "m") == text[: -len("old\n")] + f"{MODEL}\n"
    assert "has no key" in refused(tmp_path, "a.yaml", text, "a9.b.c.x").message


@pytest.mark.parametrize(
    ("text", "key", "steps"),
    [
        ('a = ["x", "old"]', "a.1", ("a", 1)),
        ('a = [ # one, "two"\n  "x", # ]\n  [1, \'old\'],\n]\n', "a.1.1", ("a", 1, 1)),
        ('a = [{m = "old", n = [1]}, {m = "x"}]', "a.0.m", ("a", 0, "m")),
        ("[[s]]\nm = 1\n[s.t]\nm = 2\n[[s]]\nm = 3\n[s.t]\nm = 4\n", "s.1.t.m", ("s", 1, "t", "m")),
        ("[[s]]\n[[s.u]]\nm = 1\n[[s.u]]\nm = 2\n[[s]]\n[[s.u]]\nm = 3\n", "s.0.u.1.m",
         ("s", 0, "u", 1, "m")),
        ('"a.b" . \'c\' = """\nold\\"""" # x', "a.b.c", ("a.b", "c")),
        ("m = '''it's''''\nn = nan\n", "m", ("m",)),
        ("d = 1979-05-27 07:32:00 # t\n", "d", ("d",)),
        ('"\\u0061" = 1\n', "a", ("a",)),
        ("[ a . b ]\r\nm = +1_0\r\n", "a.b.m", ("a", "b", "m")),
        ('m = ""', "m", ("m",)),
        ("a = []\nm = {x = {}}\n[t]\nm=false", "t.m", ("t", "m")),
    ],
)  # fmt: skip
def test_toml_reads_the_same_but_for_one_value(text: str, key: str, steps: tuple[Any, ...]) -> None:
    found = tomllib.loads(changed("a.toml", text, key))
    wanted = put(tomllib.loads(text), steps, MODEL)
    assert str(found) == str(wanted)  # one NaN is not another
    assert changed("a.toml", text, key).count("#") == text.count("#")


def test_json_with_one_key_in_two_places_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "a.json", '{"a.b": 1, "a": {"b": 2}, "c": {"d": 1}}', "a.b")
    assert "'a.b' and 'a' > 'b'" in error.message or "'a' > 'b' and 'a.b'" in error.message
    text = '{"a.b": {"c": 1}, "a": {"b": {"d": NaN}}, "n": 1e999, "t": [true, 1]}'
    assert json.loads(changed("a.json", text, "a.b.c"))["a.b"] == {"c": MODEL}
    assert changed("a.json", text, "t.0") == text.replace("true", json.dumps(MODEL))


@pytest.mark.parametrize("depth", [400, 900, 5_000])
def test_a_deep_file_is_changed_or_refused(tmp_path: Path, depth: int) -> None:
    text = '{"k": ' * depth + '{"m": "old"}' + "}" * depth
    key = ".".join(["k"] * depth + ["m"])
    try:
        assert changed("a.json", text, key) == text.replace("old", MODEL)
    except (NotThatForm, RecursionError):
        assert "can't be" in refused(tmp_path, "a.json", text, key).message


def read(text: str) -> dict[str, Any]:
    """Read a text as python-dotenv does, which fills in variables; none is set."""
    return dict(dotenv.dotenv_values(stream=io.StringIO(text)))


@pytest.mark.parametrize(
    ("text", "key", "value", "said"),
    [
        ("M=old\n", "M", "/a/${HOME}/x.gguf", "fill in"),
        ("M='old'\n", "M", "/a/${HOME:-x}/x.gguf", "fill in"),
        ('M="old"junk\n', "M", MODEL, "nothing reads its line"),
        ("M='old' junk # x\n", "M", MODEL, "nothing reads its line"),
        ('M="old\nN=1\n', "M", MODEL, "nothing reads its line"),
        ("M=1\nM='2'x\n", "M", MODEL, "nothing reads its line"),
        ("# M=1\nN=1\n", "M", MODEL, "has no key M"),
        ("M=1\nM # said\n", "M", MODEL, "without a value"),
        ("M=old\n", "M", "/a\nb", "can't be written"),
        ("M=old\n", "M", "/a\udcff", "not UTF-8"),
    ],
)
def test_a_dotenv_value_that_would_be_read_otherwise_is_refused(
    tmp_path: Path, text: str, key: str, value: str, said: str
) -> None:
    assert said in refused(tmp_path, "a.env", text, key, value).message


@given(
    st.lists(
        st.sampled_from([*"MN= \t\n\r\"'\\#$ax\f\xa0\u2028", "M=", "\nM=", "export ", " #", "${"]),
        max_size=12,
    ).map("".join),
    st.sampled_from([MODEL, "/a b/ü", "/it's", '/a "b"', "C:\\m", "/$HOME/x", "/a#b", "/a #b"]),
)
@example("M= # said\n", MODEL)
@example("M=#said\n", MODEL)
@example("export =1\nM=1\n", MODEL)
@example("'M' = 1\n", MODEL)
@example("M'=1\n", MODEL)
@example('M="a\\\\" # x\nN=1', MODEL)
@example("M='a\\\\'\n", MODEL)
@example('M="a\\qb"\x0c#x', MODEL)
@example("a\r'= #\nM=\u2028 #=", "/a b")
@example("'\\\nM=M=\u2028'\n", MODEL)
def test_any_dotenv_reads_the_same_but_for_one_value(text: str, value: str) -> None:
    try:
        found = changed("a.env", text, "M", value)
    except NotThatForm:
        return
    before = dict(dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False))
    after = dict(dotenv.dotenv_values(stream=io.StringIO(found), interpolate=False))
    assert after == before | {"M": value}
    assert read(found)["M"] == value
