"""A person's own configuration file is pointed at an export: one value changes, nothing else."""

from __future__ import annotations

import copy
import io
import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UpdateRefused
from engine.export.pointing import check, point
from engine.export.pointing.forms import NotThatForm, form_of

dotenv = pytest.importorskip("dotenv")

MODEL = "/home/ana/.companion/models/notes-q4_k_m.gguf"

ENV = """\
# .env
LLM_PROVIDER=ollama
OLLAMA_BASE_URL=http://localhost:11434
  export OLLAMA_MODEL = chirag-v1   # the one from June

NOTE="OLLAMA_MODEL=in a text
over two lines"
OLLAMA_MODEL_OLD='chirag-v0'
"""


def dotenv_values(text: str) -> dict[str, Any]:
    """Read a text as python-dotenv does."""
    return dict(dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False))


def test_only_the_value_of_a_dotenv_key_changes(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbf" + ENV.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    before = file.read_bytes()
    done = point(file, "OLLAMA_MODEL", MODEL)
    assert (done.old, done.new) == ("chirag-v1", MODEL)
    assert file.read_bytes() == before.replace(b"= chirag-v1 ", b"= " + MODEL.encode() + b" ")
    assert Path(done.backup) == tmp_path / ".env.bak"
    assert Path(done.backup).read_bytes() == before
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, Path(done.backup))]
    assert modes == [0o640, 0o640]


@pytest.mark.parametrize(
    "line",
    [
        "K=old",
        "K='old'",
        'K="old"',
        "K=",
        'K="o \\" # ld" # said',
        "K='it is old' # said",
        "K=a b   # said",
        "export K = old",
        "K=first\nK=second",
    ],
)
@pytest.mark.parametrize(
    "value", [MODEL, "/a b/ü#1.gguf", "/it's/x.gguf", '/a "b"/x.gguf', "C:\\m\\x.gguf", "/$HOME/x"]
)
def test_python_dotenv_reads_the_new_value(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / "app.env"
    text = f"A='1' # one\n{line}\n\n# K=comment\nZ=\"2\"\n"
    file.write_text(text)
    wanted = dotenv_values(text) | {"K": value}
    point(file, "K", value)
    assert dotenv_values(file.read_text()) == wanted
    # All other lines are there as they were.
    kept = [part for part in text.split("\n") if not part.startswith(("K=", "export"))]
    assert [part for part in file.read_text().split("\n") if part in kept] == kept


DEEP = "deep"
"""Stands for more brackets than a parser follows."""

JSON = """\
{
    "llm": {"model_path": "old.gguf",  "n":1.0e3, "list": [1, {"model_path" : null}]},
    "model_path":"top", "fine_tuning.model": "dotted",

    "esc\\u0061pe": {"k": "\\u00fc"}
}
"""


@pytest.mark.parametrize(
    ("key", "old"),
    [
        ("llm.model_path", '"old.gguf"'),
        ("llm.list.1.model_path", "null"),
        ("model_path", '"top"'),
        ("fine_tuning.model", '"dotted"'),
        ("escape.k", '"\\u00fc"'),
        ("llm.n", "1.0e3"),
    ],
)
def test_only_the_value_of_a_json_key_changes(tmp_path: Path, key: str, old: str) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(JSON.replace("\n", "\r\n").encode())
    before = file.read_bytes().decode()
    assert check(file, key) == json.loads(old)
    point(file, key, MODEL)
    after = file.read_bytes().decode()
    assert after == before.replace(old, json.dumps(MODEL), 1)
    json.loads(after)


TOML = """\
# what the app reads
[tool.x] # model = "no"
name = 'it'
model = 'old' # kept
"quoted key" = "q"
inline = { model = "in", other = [1, 2] }
text = \"\"\"
model = "in a text"
\"\"\"

[tool.y]
model= 1979-05-27
x.model = "dotted"
[[servers]]
model = "first"
[[servers]]
model = "second"
"""


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("tool.x.model", "'old'", f"'{MODEL}'"),
        ("tool.x.inline.model", '"in"', f'"{MODEL}"'),
        ("tool.x.quoted key", '"q"', f'"{MODEL}"'),
        ("tool.y.model", "1979-05-27", f'"{MODEL}"'),
        ("tool.y.x.model", '"dotted"', f'"{MODEL}"'),
        ("servers.1.model", '"second"', f'"{MODEL}"'),
    ],
)
def test_only_the_value_of_a_toml_key_changes(tmp_path: Path, key: str, old: str, new: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(TOML)
    point(file, key, MODEL)
    assert file.read_text() == TOML.replace(old, new, 1)
    wanted: Any = copy.deepcopy(tomllib.loads(TOML))
    place = wanted
    *before, last = [int(part) if part.isdecimal() else part for part in key.split(".")]
    for part in before:
        place = place[part]
    place[last] = MODEL
    assert tomllib.loads(file.read_text()) == wanted


def test_only_the_value_of_a_yaml_key_changes(tmp_path: Path) -> None:
    text = "# app\nllm:\n  model: old   # kept\n  more: ['a', \"b\"]\nmodel: 'top'\n"
    file = tmp_path / "app.yaml"
    file.write_text(text)
    point(file, "llm.model", MODEL)
    point(file, "llm.more.1", "it's: b")
    assert file.read_text() == text.replace("old ", f"{MODEL} ").replace('"b"', '"it\'s: b"')
    assert yaml.safe_load(file.read_text())["llm"] == {"model": MODEL, "more": ["a", "it's: b"]}


@given(
    st.dictionaries(
        st.text("abK_.", min_size=1, max_size=4),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=6),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text('ab"\\ü', max_size=3), inner, max_size=3)
            ),
            max_leaves=8,
        ),
    ),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
    st.text(max_size=8),
)
def test_any_json_keeps_all_but_one_value(
    document: dict[str, Any], indent: Any, ascii_only: bool, value: str
) -> None:
    document["the.model"] = "old"
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    form = form_of(Path("x.json"))
    assert form is not None
    changed = form.change(text, "the.model", value).text
    assert json.loads(changed) == document | {"the.model": value}
    assert changed.replace(json.dumps(value, ensure_ascii=False), '"old"') == text or value in text


@pytest.mark.parametrize(
    ("name", "text", "key", "said"),
    [
        ("a.env", "A=1\nOLLAMA_MODLE=x\n", "OLLAMA_MODEL", "has no key OLLAMA_MODEL"),
        ("a.json", "{", "a", "can't be read as JSON"),
        ("a.json", "// why\n{}", "a", "can't be read as JSON"),
        ("a.json", '{"a": {"b": 1}}', "a", "a group of values"),
        ("a.json", '{"a": {"b": 1}}', "a.c", "has no key a.c"),
        ("a.json", DEEP, "a", "can't be read as JSON"),
        ("a.toml", "a = ", "a", "can't be read as TOML"),
        ("a.yaml", "a: [1", "a", "can't be read as YAML"),
        ("a.yaml", "a: &x old\nb: *x\n", "a", "can't be changed by itself"),
        ("a.txt", "A=1", "A", "of no form"),
        ("a.env", "\udcff", "A", "not UTF-8"),
    ],
)
def test_what_can_not_be_changed_is_named_and_left_alone(
    tmp_path: Path, name: str, text: str, key: str, said: str
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    file = folder / name
    data = b"[" * 100_000 if text == DEEP else text.encode("utf-8", "surrogateescape")
    file.write_bytes(data)
    for call in (lambda: check(file, key), lambda: point(file, key, MODEL)):
        with pytest.raises(UpdateRefused) as caught:
            call()
        assert said in caught.value.message
        assert caught.value.hint
    assert os.listdir(folder) == [name]
    assert file.read_bytes() == data


def test_a_likely_key_is_suggested(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OLLAMA_MODLE=x\n")
    with pytest.raises(UpdateRefused) as caught:
        check(tmp_path / ".env", "OLLAMA_MODEL")
    assert "OLLAMA_MODLE" in caught.value.hint


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.env")
    (tmp_path / "loop.env").symlink_to(tmp_path / "loop.env")
    for name in ("none.env", "pipe.env", "loop.env"):
        with pytest.raises(UpdateRefused, match="can't be read"):
            check(tmp_path / name, "A")


def test_a_link_stays_one_and_backups_are_counted(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "env"
    real.parent.mkdir()
    real.write_text("A=1\n")
    (tmp_path / ".env").symlink_to(real)
    assert point(tmp_path / ".env", "A", "2").backup == str(real.with_name("env.bak"))
    assert point(tmp_path / ".env", "A", "3").backup == str(real.with_name("env.bak.1"))
    again = point(tmp_path / ".env", "A", "3")
    assert again.backup == ""  # it said so already
    assert (tmp_path / ".env").is_symlink()
    files = {path.name: path.read_text() for path in real.parent.iterdir()}
    assert files == {"env": "A=3\n", "env.bak": "A=1\n", "env.bak.1": "A=2\n"}


def test_a_file_that_only_others_may_write_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n")
    file.chmod(0o444)
    # The superuser may write all; what the system says to others is asked through os.access.
    if os.geteuid() == 0:
        real = os.access
        monkeypatch.setattr(
            os, "access", lambda path, mode: Path(path) != file and real(path, mode)
        )
    with pytest.raises(UpdateRefused, match="read-only"):
        check(file, "A")


def test_a_value_that_no_quoting_can_hold_is_refused() -> None:
    form = form_of(Path(".env"))
    assert form is not None
    with pytest.raises(NotThatForm):
        form.change("A=1\n", "A", "it's $HOME")
