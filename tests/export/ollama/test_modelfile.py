"""A Modelfile says to Ollama what the chat template says to us."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.export.ollama.modelfile import OllamaModel, adds_begin, modelfile, ollama_model
from engine.export.spec import load_spec
from engine.models import Turn
from engine.serve.header import GgufHeader
from engine.tokens import Tokenizer, shipped
from engine.tokens.template import ChatTemplate
from tests.support.go_templates import GoTemplates
from tests.support.modelfiles import read_modelfile
from tests.support.tiny_base import CHATML, byte_tokenizer
from tests.support.tiny_export import RUN

REWRITES = (
    "{% for m in messages %}{{ m.role + ': ' + m.content.replace('  ', ' ') + '\n' }}{% endfor %}"
)


def tokenizer_of(
    template: str, *control: str, eos: str = "</s>", bos: str | None = "<s>"
) -> Tokenizer:
    """Return a tokenizer of bytes with a template and control tokens."""
    names = list(dict.fromkeys(["<s>", eos, *control]))
    named = {"eos_token": eos} | ({} if bos is None else {"bos_token": bos})
    return Tokenizer(byte_tokenizer(names), ChatTemplate(template, named), [names.index(eos)])


@pytest.fixture(scope="module")
def chatml() -> Tokenizer:
    return tokenizer_of(CHATML, "<|im_start|>", eos="<|im_end|>")


def test_the_embedded_base(finished_export: Path) -> None:
    """The tiny export has the embedded base's own tokenizer and template."""
    spec = load_spec(finished_export / "runs" / RUN / "exports" / "f16")
    tokenizer = Tokenizer.load(spec.base_dir)
    start = (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        "<|im_end|>\n"
    )
    assert modelfile(
        "model.gguf", tokenizer, temperature=0.7, adds_begin=False, comment="a\nrun"
    ) == (
        "FROM ./model.gguf\n# a run\n\n"
        'TEMPLATE """{{ $last := "" }}{{ range .Messages }}'
        '{{ if eq .Role "system" }}<|im_start|>system\n{{ .Content }}<|im_end|>\n'
        '{{ $last = "system" }}'
        f'{{{{ else if eq .Role "user" }}}}{{{{ if eq $last "" }}}}{start}<|im_start|>user\n'
        "{{ else }}<|im_start|>user\n{{ end }}{{ .Content }}<|im_end|>\n"
        '{{ $last = "user" }}'
        f'{{{{ else if eq .Role "assistant" }}}}{{{{ if eq $last "" }}}}{start}'
        "<|im_start|>assistant\n{{ else }}<|im_start|>assistant\n{{ end }}"
        '{{ .Content }}<|im_end|>\n{{ $last = "assistant" }}'
        '{{ else if and (eq .Role "tool") (not (eq $last "")) }}<|im_start|>tool\n'
        '{{ .Content }}<|im_end|>\n{{ $last = "tool" }}'
        '{{ end }}{{ end }}<|im_start|>assistant\n"""\n'
        "\n"
        'PARAMETER stop "<|im_start|>"\nPARAMETER stop "<|im_end|>"\nPARAMETER temperature 0.7\n'
    )


def test_the_datasets_system_message_is_that_of_every_conversation(chatml: Tokenizer) -> None:
    model = ollama_model(chatml, system="You are Ada.", temperature=0.2, adds_begin=False)
    assert ("system", "You are Ada.") in read_modelfile(model.modelfile("m.gguf"))
    assert model.parameters == {"stop": ["<|im_start|>", "<|im_end|>"], "temperature": 0.2}


def test_what_a_modelfile_cannot_quote_is_in_the_template(
    chatml: Tokenizer, go: GoTemplates
) -> None:
    asked = [Turn("user", "Hm?")]
    for system in ('Say """no"""\nand\xa0stop', 'a\n"""', "emoji \u200d", "\r\n"):
        model = ollama_model(chatml, system=system, temperature=1, adds_begin=False)
        assert not model.system
        told = dict(read_modelfile(model.modelfile("m.gguf")))
        assert told["template"] == model.template
        expected = chatml.chat.text([Turn("system", system), *asked], generation_prompt=True)
        assert go.fill([(told["template"], asked)]) == [expected]


@given(system=st.text(max_size=40) | st.text(alphabet=' "\n\t#{}a', max_size=30))
def test_a_modelfile_is_read_as_it_was_meant(chatml: Tokenizer, system: str) -> None:
    model = ollama_model(chatml, system=system, temperature=0.5, adds_begin=False)
    read = read_modelfile(model.modelfile("m.gguf", comment=system))
    told = {"model": "./m.gguf", "template": model.template, "temperature": "0.5"}
    told |= {"system": system} if model.system else {}
    assert {name: value for name, value in read if name != "stop"} == {
        "from": told.pop("model"),
        **told,
    }
    assert model.system in ("", system)


def test_a_template_that_go_cannot_say_is_named() -> None:
    model = ollama_model(tokenizer_of(REWRITES), system="S", temperature=0.7, adds_begin=False)
    assert not model.template
    assert model.reason == "it changes what stands inside of messages"
    text = model.modelfile("m.gguf")
    assert "# no TEMPLATE: it changes what" in text
    assert "llama-server --jinja" in text
    assert [name for name, _ in read_modelfile(text)] == ["from", "system", "stop", "temperature"]


def test_a_date_that_ollama_cannot_write_is_named(go: GoTemplates) -> None:
    dated = "{{ 'Today: ' + strftime_now('%d %b %Y') + '\n' }}" + CHATML
    model = ollama_model(
        tokenizer_of(dated, "<|im_start|>", "<|im_end|>"), temperature=1, adds_begin=False
    )
    assert "the day of this export" in model.notes[0]
    assert f"# {model.notes[0]}" in model.modelfile("m.gguf").split("\n")
    sayable = ollama_model(
        tokenizer_of(dated.replace("%d %b %Y", "%Y-%m-%d"), "<|im_start|>"),
        temperature=1,
        adds_begin=False,
    )
    assert not sayable.notes
    assert "Today: {{ currentDate }}\n" in sayable.template


def test_the_token_that_begins_a_text_is_written_once() -> None:
    llama = tokenizer_of(shipped.named("llama-3"), "<|eot_id|>", "<|start_header_id|>")
    for added in (True, False):
        template = ollama_model(llama, temperature=1, adds_begin=added).template
        assert template.count("<s>") == (0 if added else 3)


@pytest.mark.parametrize(
    ("metadata", "added"),
    [
        ({"tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.model": "gpt2"}, True),
        ({"tokenizer.ggml.add_bos_token": False, "tokenizer.ggml.model": "llama"}, False),
        ({"tokenizer.ggml.model": "llama"}, True),
        ({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm"}, False),
        ({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "llama-bpe"}, True),
    ],
)
def test_who_adds_the_token_that_begins_a_text(metadata: dict[str, str], added: bool) -> None:
    assert adds_begin(GgufHeader(3, metadata, {}, (), 0)) is added


def test_without_a_token_that_ends_an_answer_the_next_question_stops() -> None:
    plain = (
        "{% for m in messages %}{{ '### ' + m.role + ':\n' + m.content + '\n\n' }}{% endfor %}"
        "{{ '### assistant:\n' if add_generation_prompt }}"
    )
    assert ollama_model(tokenizer_of(plain), temperature=1, adds_begin=False).stops == (
        "</s>",
        "### user:",
    )


def test_the_datasets_own_prompts_are_compared_too(chatml: Tokenizer) -> None:
    """Two questions in a row are two in training; Ollama joins them."""
    plain, twice = (Turn("user", "A?"),), (Turn("user", "A?"), Turn("user", "B?"))

    def model(*prompts: tuple[Turn, ...]) -> OllamaModel:
        return ollama_model(chatml, temperature=1, adds_begin=False, prompts=prompts)

    assert model(plain, plain).notes == ()
    some = model(plain, twice, plain)
    assert some.template
    assert some.notes == (
        "1 of 3 prompts of the dataset are written otherwise than in training; in 1 of them "
        "Ollama joins messages of one role",
    )
    most = model(plain, twice, twice)
    assert not most.template
    assert most.reason == "2 of 3 prompts of the dataset are written otherwise"


def test_nothing_to_say_is_left_out() -> None:
    bare = OllamaModel("", "", (), 0.7, reason="r")
    assert read_modelfile(bare.modelfile("m.gguf")) == [
        ("from", "./m.gguf"),
        ("temperature", "0.7"),
    ]
