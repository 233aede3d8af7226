"""The Modelfile says to Ollama what the chat template says to us."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.export.modelfile import modelfile, turn_form
from engine.tokens import Tokenizer
from tests.support.tiny_gguf import embedded_vocabulary

LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\n\n' + message['content'] + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ message['content'] + eos_token }}{% else %}{{ raise_exception('only two roles') }}"
    "{% endif %}{% endfor %}"
)
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    """Return the embedded base's tokenizer and template."""
    return with_template(tmp_path, embedded_vocabulary().chat_template)


def with_template(folder: Path, template: str) -> Tokenizer:
    from engine.bases.gguf_tokenizer import to_json, tokenizer_config, tokenizer_json

    vocabulary = embedded_vocabulary()
    config = tokenizer_config(vocabulary) | {"chat_template": template}
    (folder / "tokenizer.json").write_text(tokenizer_json(vocabulary), "utf-8")
    (folder / "tokenizer_config.json").write_text(to_json(config), "utf-8")
    return Tokenizer.load(folder)


def test_the_embedded_base(tokenizer: Tokenizer) -> None:
    assert modelfile("model.gguf", tokenizer, temperature=0.7) == (
        "FROM ./model.gguf\n\n"
        'TEMPLATE """{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}'
        "{{ if .Prompt }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n{{ end }}"
        '<|im_start|>assistant\n{{ .Response }}<|im_end|>\n"""\n'
        'SYSTEM """You are a helpful AI assistant named SmolLM, trained by Hugging Face"""\n\n'
        'PARAMETER stop "<|im_start|>"\nPARAMETER stop "<|im_end|>"\nPARAMETER temperature 0.7\n'
    )


def test_a_system_message_of_the_dataset_wins(tokenizer: Tokenizer) -> None:
    text = modelfile("model.gguf", tokenizer, system="You are Ada.", temperature=0.2)
    assert 'SYSTEM """You are Ada."""' in text
    assert "SmolLM" not in text
    assert "PARAMETER temperature 0.2" in text


def test_plain_chatml_has_no_system_message(tmp_path: Path) -> None:
    text = modelfile("m.gguf", with_template(tmp_path, CHATML), temperature=0.7)
    assert "SYSTEM" not in text
    assert "{{ if .Prompt }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n{{ end }}" in text


def test_headers_of_another_family(tmp_path: Path) -> None:
    form = turn_form(with_template(tmp_path, LLAMA3))
    assert form is not None
    assert form.user == ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>")
    assert form.system == ("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>")
    assert form.start == "<|start_header_id|>assistant<|end_header_id|>\n\n"
    assert form.default_system == ""


def test_a_template_that_is_not_plain_turns_is_left_to_the_file(tmp_path: Path) -> None:
    text = modelfile("m.gguf", with_template(tmp_path, MISTRAL), temperature=0.7)
    assert "TEMPLATE" not in text
    assert text.startswith("FROM ./m.gguf\n")


def test_quotes_and_braces_are_kept_from_ollamas_syntax(tmp_path: Path) -> None:
    template = CHATML.replace("<|im_end|>", json.dumps("{{ x }}").strip('"') + "<|im_end|>")
    template = template.replace("'{{ x }}", "'" + "{" + "{ x }}")
    text = modelfile("m.gguf", with_template(tmp_path, template), temperature=0.7)
    assert '{{ "{{" }} x }}' in text
