"""Bases, examples and adapters that can't be used, or may surprise: what is said of each.

What is expected here comes from the situation that a test makes, by the words a person needs:
which file, which base, how many examples.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.bases import add, resolve
from engine.cli.main import main
from engine.dataset import Row
from engine.errors import (
    AccessRefused,
    AdapterInvalid,
    AdapterMismatch,
    BaseInvalid,
    BaseMissing,
    DatasetRefused,
    FinetuiError,
    RunMissing,
    RunUnfinished,
    SettingsError,
)
from engine.export.start import start as start_export
from engine.models import Turn
from engine.runs import EventLog
from engine.tokens import IGNORED, Tokenizer, render
from engine.train import make_spec, plan, start
from engine.train.architectures import known_architectures
from engine.train.data import as_features, collate, render_rows
from engine.train.preflight import Finding, check_same_base, preflight
from engine.train.spec import changed, write_spec
from engine.train.warm_start import adopted
from engine.workspace import Workspace
from tests.support.datasets import freeze_examples
from tests.support.privileges import without_privileges
from tests.support.tiny_base import CHATML, make_tiny_base, write_json
from tests.support.trusting import trusted

Make = Callable[[Path], str]


def _weights_only(here: Path) -> str:
    make_tiny_base(here / "model")
    return str(here / "model" / "model.safetensors")


def _file(name: str, data: bytes) -> Make:
    def make(here: Path) -> str:
        (here / name).write_bytes(data)
        return str(here / name)

    return make


def _folder(**files: bytes) -> Make:
    def make(here: Path) -> str:
        (here / "model").mkdir()
        for name, data in files.items():
            (here / "model" / name.replace("__", ".")).write_bytes(data)
        return str(here / "model")

    return make


def _adapter_folder(here: Path) -> str:
    config = {"peft_type": "LORA", "base_model_name_or_path": "Qwen/Qwen2.5-7B-Instruct"}
    return _folder(adapter_config__json=json.dumps(config).encode())(here)


def _dangling(here: Path) -> str:
    (here / "link").symlink_to(here / "gone")
    return str(here / "link")


def _circle(here: Path) -> str:
    (here / "one").symlink_to(here / "two")
    (here / "two").symlink_to(here / "one")
    return str(here / "one")


def _misspelt(here: Path) -> str:
    make_tiny_base(here / "my-model")
    return str(here / "my-modle")


def _hub_cache(here: Path) -> str:
    make_tiny_base(here / "models--a--b" / "snapshots" / "0123abc")
    return str(here / "models--a--b")


def _pointer(here: Path) -> str:
    folder = make_tiny_base(here / "model")
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 99\n"
    (folder / "model.safetensors").write_text(text)
    return str(folder)


def _pickled(here: Path) -> str:
    folder = make_tiny_base(here / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return str(folder)


def _archive(here: Path) -> str:
    with tarfile.open(here / "model.tar.gz", "w:gz"):
        pass
    return str(here / "model.tar.gz")


def _below_a_file(here: Path) -> str:
    (here / "notes").write_text("a file")
    return str(here / "notes" / "model")


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (_weights_only, BaseInvalid, ["one file of a model's weights", "bases add", "/model"]),
        (_file("m.gguf", b"GGUF\3\0\0\0"), BaseInvalid, ["m.gguf is a GGUF file", "OWNER/MODEL"]),
        (_file("renamed", b"GGUF\3\0\0\0"), BaseInvalid, ["renamed is a GGUF file"]),
        (_file("m.safetensors", b""), BaseInvalid, ["one file", "config.json, tokenizer.json"]),
        (_file("notes.txt", b"hello"), BaseInvalid, ["notes.txt is a file"]),
        (_file("with  two spaces.bin", b"x"), BaseInvalid, ["'", "with  two spaces.bin"]),
        (_archive, BaseInvalid, ["model.tar.gz is an archive", "unpack"]),
        (_adapter_folder, BaseInvalid, ["an adapter, not a base", "Qwen/Qwen2.5-7B-Instruct"]),
        (_folder(), BaseInvalid, ["is empty"]),
        (_folder(README__md=b"hi"), BaseInvalid, ["has no config.json"]),
        (_folder(q4__gguf=b"GGUF"), BaseInvalid, ["q4.gguf", "has no config.json"]),
        (_hub_cache, BaseInvalid, ["snapshots/0123abc", "bases add"]),
        (_pointer, BaseInvalid, ["Git LFS pointer", "git lfs pull"]),
        (_pickled, BaseInvalid, ["pickle", "pytorch_model.bin", "save_pretrained"]),
        (_dangling, BaseMissing, ["link is a link to", "gone, which does not exist"]),
        (_circle, BaseInvalid, ["links go in a circle"]),
        (_misspelt, BaseMissing, ["there is no folder", "did you mean", "my-model?"]),
        (_below_a_file, BaseMissing, ["notes is a file"]),
        (lambda _: "/" + "x" * 300, BaseInvalid, ["too long"]),
        (lambda _: "./a\0b", BaseInvalid, ["null byte"]),
        (lambda _: "~nobody-of-that-name/model", BaseMissing, ["nobody-of-that-name"]),
        (lambda _: "https://huggingface.co/a/b/tree/main", BaseMissing, ["by its hub id: a/b"]),
    ],
)
def test_what_is_given_as_a_base_is_told_by_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make, kind: type[FinetuiError],
    said: list[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    text = make(tmp_path)
    for function in (resolve, add):
        with pytest.raises(FinetuiError) as caught:
            function(text)
        assert type(caught.value) is kind
        whole = f"{caught.value.message}\n{caught.value.hint}"
        assert [word for word in said if word not in whole] == []
        assert caught.value.hint


@pytest.mark.parametrize("text", ["models/own.gguf", "own.gguf"])
def test_a_file_spelt_like_a_hub_id_or_a_name_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / text).write_bytes(b"GGUF\3\0\0\0")
    for function in (resolve, add):
        with pytest.raises(BaseInvalid, match="is a GGUF file"):
            function(text)


def test_a_folder_without_permission_is_not_called_missing(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "closed" / "model")
    for closed in (folder, folder.parent):
        closed.chmod(0)
        try:
            with (
                without_privileges(tmp_path),
                pytest.raises(AccessRefused, match="no permission") as caught,
            ):
                resolve(str(folder))
            assert "ls -ld" in caught.value.hint
        finally:
            closed.chmod(0o755)


@pytest.mark.parametrize("name", [b"two words", b" edges ", b"na\xefve", "Țară 日本".encode()])
def test_a_folder_of_any_name_is_used(
    tmp_path: Path, name: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    text = str(tmp_path / os.fsdecode(name))
    folder = make_tiny_base(tmp_path / "plain")
    os.rename(folder, text)
    assert resolve(text).directory == Path(text)
    shutil.rmtree(text)
    Path(text).mkdir()
    assert main(["bases", "show", text, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "base-invalid"


def test_the_home_folder_may_be_written_short(isolated_home: Path) -> None:
    make_tiny_base(isolated_home / "models" / "own")
    assert resolve("~/models/own").directory == isolated_home / "models" / "own"


# -- templates and special tokens ------------------------------------------------------------


def _row(*texts: str) -> Row:
    turns = tuple(
        Turn("assistant" if index % 2 else "user", text) for index, text in enumerate(texts)
    )
    return Row(id=texts[0], turns=turns)


def _found(folder: Path, rows: list[Row], **changes: Any) -> dict[str, Finding]:
    spec = make_spec(str(folder), "notes", **{"max_length": 512, **changes})
    findings = preflight(spec, resolve(str(folder)), Tokenizer.load(folder), rows)
    return {finding.code: finding for finding in findings}


def _tokens(folder: Path, **names: str) -> None:
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    write_json(folder / "tokenizer_config.json", settings | names)


def test_a_base_without_a_template_says_what_stands_in(tmp_path: Path) -> None:
    rows = [_row("What?", "That.")]
    chat = make_tiny_base(tmp_path / "chat", template=None)
    assert "ChatML" in _found(chat, rows)["no-template"].message
    plain = make_tiny_base(tmp_path / "plain", template=None, control=("<s>", "</s>"), eos="</s>")
    found = _found(plain, rows)
    assert "plain text" in found["no-template"].message
    assert "--template" in found["no-template"].hint
    assert "no-template" not in _found(make_tiny_base(tmp_path / "own"), rows)


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        ({}, "no-pad-token", "<|im_end|>"),
        ({"pad_token": "<|im_end|>"}, "pad-is-eos", "still trained"),
        ({"pad_token": "<|endoftext|>"}, "", ""),
    ],
)
def test_padding_is_told_and_the_end_token_is_trained_whatever_pads(
    tmp_path: Path, names: dict[str, str], code: str, said: str
) -> None:
    folder = make_tiny_base(tmp_path / "model")
    _tokens(folder, **names)
    rows = [_row("What did you learn?", "To wait."), _row("And?", "To wait a good deal longer.")]
    found = _found(folder, rows)
    assert {"no-pad-token", "pad-is-eos"} & found.keys() == ({code} if code else set())
    if code:
        assert said in found[code].message
    # By transformers' own tokenizer: the id that pads, and the id that ends.
    from transformers import AutoTokenizer

    peer = AutoTokenizer.from_pretrained(folder)
    end = peer.convert_tokens_to_ids("<|im_end|>")
    pad = peer.pad_token_id if peer.pad_token_id is not None else end
    rendered = render_rows(Tokenizer.load(folder), rows, 512).rows
    batch = collate([as_features(row) for row in rendered], pad_id=pad)
    for ids, mask, labels in zip(
        batch["input_ids"].tolist(), batch["attention_mask"].tolist(), batch["labels"].tolist(),
        strict=True,
    ):  # fmt: skip
        length = sum(mask)
        assert set(ids[length:]) <= {pad}
        assert set(labels[length:]) <= {IGNORED}
        assert [label for label in labels if label != IGNORED][-1] == end


def test_a_template_without_an_end_is_told(tmp_path: Path) -> None:
    endless = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    folder = make_tiny_base(tmp_path / "model", template=endless)
    assert "does not learn to stop" in _found(folder, [_row("A?", "B.")])["no-end-token"].message
    assert "no-end-token" not in _found(make_tiny_base(tmp_path / "own"), [_row("A?", "B.")])


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "model")
    write_json(folder / "config.json", {"model_type": "llama", "vocab_size": 100})
    with pytest.raises(BaseInvalid, match="embeddings for 0 to 99"):
        _found(folder, [_row("zzz", "zzz")])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "foo"}, "foo, which the installed transformers does not know"),
        ({"model_type": "foo", "auto_map": {"AutoConfig": "own.Own"}}, "code of its own"),
    ],
)
def test_an_architecture_that_transformers_has_not_is_refused_before_anything_loads(
    workspace: Workspace, tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    folder = make_tiny_base(tmp_path / "model")
    freeze_examples(workspace, folder, 20)
    write_json(folder / "config.json", config)
    for function in (plan, start):
        with pytest.raises(BaseInvalid, match="architecture foo") as caught:
            function(workspace, make_spec(str(folder), "notes", max_length=512))
        assert said in caught.value.message


def test_every_architecture_that_transformers_has_is_known_without_it() -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    assert known_architectures() == set(CONFIG_MAPPING_NAMES)


def test_a_base_that_tells_no_sizes_has_no_plan(workspace: Workspace, tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "model")
    freeze_examples(workspace, folder, 20)
    write_json(folder / "config.json", {"model_type": "llama"})
    with pytest.raises(BaseInvalid, match="would have no weights"):
        plan(workspace, make_spec(str(folder), "notes", max_length=512))


# -- lengths ---------------------------------------------------------------------------------


def test_rows_that_are_too_long_are_counted_and_the_length_that_keeps_them_does(
    tmp_path: Path,
) -> None:
    folder = make_tiny_base(tmp_path / "model")
    tokenizer = Tokenizer.load(folder)
    # Each character is a token of this base, so that lengths are known beforehand.
    rows = [_row(f"Question {index}", "x" * (100 * index)) for index in range(1, 9)]
    lengths = [len(render(tokenizer, row.turns).ids) for row in rows]
    assert sum(length > 512 for length in lengths) == 4
    found = _found(folder, rows, max_length=512)["rows-cut"]
    assert found.message.startswith("4 of 8 examples are longer than 512 tokens")
    assert "end token" in found.message
    offered = int(found.hint.removeprefix("max_length ").partition(" ")[0])
    assert max(lengths) <= offered < max(lengths) + 64
    assert "rows-cut" not in _found(folder, rows, max_length=offered)
    one = _found(folder, rows, max_length=sorted(lengths)[-2])["rows-cut"]
    assert one.message.startswith("1 of 8 examples is longer")


def test_a_row_that_loses_only_what_comes_after_its_end_token_is_whole(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "model")
    row = _row("Question", "x" * 50)
    length = len(render(Tokenizer.load(folder), row.turns).ids)
    # ChatML writes a new line after the end token, which is one token of this base.
    assert "rows-cut" not in _found(folder, [row], max_length=length - 1)
    assert "rows-cut" in _found(folder, [row], max_length=length - 2)


def test_no_length_beyond_what_the_base_was_made_for_is_offered(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "model")
    config = {"model_type": "llama", "max_position_embeddings": 256, "eos_token_id": 2}
    write_json(folder / "config.json", config)
    rows = [_row("a", "x" * size) for size in (20, 150, 400)]
    found = _found(folder, rows, max_length=128)
    assert "256" in found["rows-cut"].hint
    assert "all but 1" in found["rows-cut"].hint
    assert "1 of 3" in _found(folder, rows, max_length=1024)["rows-over-context"].message


def test_rows_without_anything_to_train_are_counted(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "model")
    rows = [_row("q" * 300, "yes"), _row("q", "yes")]
    assert _found(folder, rows, max_length=64)["rows-untrained"].message.startswith("1 of 2")
    with pytest.raises(DatasetRefused, match="within 64 tokens") as caught:
        _found(folder, rows[:1], max_length=64)
    offered = int(caught.value.hint.rpartition("max_length ")[2].split()[0])
    assert "rows-untrained" not in _found(folder, rows[:1], max_length=offered)


@pytest.mark.parametrize("name", ["learning_rate", "epochs", "weight_decay", "max_grad_norm"])
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_no_setting_is_infinite(name: str, value: float) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(SettingsError, match=name):
        make_spec("base", "notes", **changes)


# -- adapters --------------------------------------------------------------------------------


def _base_with_layers(folder: Path, width: int, layers: int = 2) -> Path:
    make_tiny_base(folder)
    names = [
        f"model.layers.{index}.self_attn.{part}_proj.weight"
        for index in range(layers)
        for part in "qkvo"
    ]
    save_file({name: np.zeros((width, width), np.float16) for name in names},
              folder / "model.safetensors")  # fmt: skip
    config = {"model_type": "llama", "hidden_size": width, "eos_token_id": 2}
    write_json(folder / "config.json", config)
    return folder


def _adapter_of(base: Path, folder: Path, name: str, rank: int = 4) -> Path:
    """Write a LoRA as peft's documentation lays it out, for every layer of a base."""
    tensors = {}
    for key, weight in load_file(base / "model.safetensors").items():
        layer = "base_model.model." + key.removesuffix(".weight")
        outputs, inputs = weight.shape
        tensors[f"{layer}.lora_A.weight"] = np.zeros((rank, inputs), np.float32)
        tensors[f"{layer}.lora_B.weight"] = np.zeros((outputs, rank), np.float32)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "base_model_name_or_path": name}
    write_json(folder / "adapter_config.json", config)
    return folder


def test_layers_that_the_base_has_not_are_named_before_it_is_loaded(tmp_path: Path) -> None:
    base = _base_with_layers(tmp_path / "base", 32)
    rows = [_row("a", "b")]
    for wrong in (("qproj",), ("q_proj", "c_attn")):
        with pytest.raises(BaseInvalid, match=f"no layers called {wrong[-1]}") as caught:
            _found(base, rows, target_modules=wrong)
        assert "k_proj, o_proj, q_proj, v_proj" in caught.value.hint
    with pytest.raises(SettingsError, match="names no layer"):
        _found(base, rows, target_modules=())
    for right in (("all-linear",), ("q_proj",)):
        _found(base, rows, target_modules=right)


def test_a_base_that_changed_after_the_run_was_made_is_told(tmp_path: Path) -> None:
    base = _base_with_layers(tmp_path / "base", 32)
    known = resolve(str(base)).fingerprint
    spec = make_spec(str(base), "notes", base_dir=str(base), base_fingerprint=known)
    check_same_base(spec)
    _base_with_layers(base, 64)
    with pytest.raises(BaseInvalid, match="has changed since this run was made") as caught:
        check_same_base(spec)
    assert known in caught.value.message


def test_an_adapter_of_another_base_names_both(tmp_path: Path) -> None:
    small = _base_with_layers(tmp_path / "small", 32)
    large = _base_with_layers(tmp_path / "large", 64)
    deep = _base_with_layers(tmp_path / "deep", 32, layers=3)
    adapter = _adapter_of(small, tmp_path / "adapter", "small")
    rows = [_row("a", "b")]
    assert "adapter-of-another-base" not in _found(small, rows, resume_from=str(adapter))
    with pytest.raises(AdapterMismatch) as caught:
        _found(large, rows, resume_from=str(adapter))
    said = caught.value.message
    assert "trained on small" in said
    assert f"large ({resolve(str(large)).fingerprint})" in said
    assert "32 inputs and 32 outputs there, 64 and 64 here" in said
    other = _adapter_of(deep, tmp_path / "other", "deep")
    with pytest.raises(AdapterMismatch, match=r"no layer model\.layers\.2\.self_attn"):
        _found(small, rows, resume_from=str(other))


def test_an_adapter_of_a_base_of_the_same_shape_is_told_and_allowed(tmp_path: Path) -> None:
    base = _base_with_layers(tmp_path / "instruct", 32)
    adapter = _adapter_of(base, tmp_path / "adapter", "meta-llama/Other")
    found = _found(base, [_row("a", "b")], resume_from=str(adapter))["adapter-of-another-base"]
    assert "meta-llama/Other" in found.message
    assert "instruct" in found.message


def test_an_adapter_in_its_run_is_known_by_its_bases_fingerprint(tmp_path: Path) -> None:
    base = _base_with_layers(tmp_path / "base", 32)
    run = tmp_path / "run"
    adapter = _adapter_of(base, run / "adapter", "base")
    given = (adapter, run, adapter / "adapter_config.json")
    (run / "spec.toml").write_text('base = "moved"\nbase_fingerprint = "b2-other"\n')
    for path in given:
        with pytest.raises(AdapterMismatch, match=r"\(b2-other\).* is another base") as caught:
            _found(base, [_row("a", "b")], resume_from=str(path))
        assert resolve(str(base)).fingerprint in caught.value.message
    same = resolve(str(base)).fingerprint
    (run / "spec.toml").write_text(f'base = "moved"\nbase_fingerprint = "{same}"\n')
    for path in given:
        assert "adapter-of-another-base" not in _found(
            base, [_row("a", "b")], resume_from=str(path)
        )


def test_a_run_to_start_from_is_meant_by_its_id_and_gives_its_best_adapter(
    workspace: Workspace, tmp_path: Path
) -> None:
    base = _base_with_layers(tmp_path / "base", 32)
    spec = make_spec(str(base), "notes")
    both, last, none = (workspace.runs_dir / f"20260101-00000{n}-{n}abc" for n in (1, 2, 3))
    for run in (both, last, none):
        run.mkdir(parents=True)
        write_spec(run, spec)
    for folder in (both / "best", both / "adapter", last / "adapter"):
        _adapter_of(base, folder, str(base))
    write_json(both / "best" / "best.json", {"step": 3, "loss": 1.0})

    def taken(text: str) -> Path:
        return Path(adopted(changed(spec, resume_from=text), workspace).resume_from)

    for text in (both.name, "1abc", "20260101-000001"):
        assert taken(text) == (both / "best").resolve()
    assert taken("2abc") == (last / "adapter").resolve()
    with pytest.raises(RunUnfinished, match="has left no adapter"):
        taken("3abc")
    with pytest.raises(RunMissing, match="fits 3 runs"):
        taken("2026")
    with pytest.raises(AdapterInvalid, match="there is no folder"):
        taken("9abc")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda here: str(here / "nowhere"), "there is no folder"),
        (_folder(), "has no adapter"),
        (lambda here: str(make_tiny_base(here / "m")), "a whole model, not an adapter"),
        (_folder(adapter_config__json=b"{"), "is damaged"),
        (_folder(adapter_config__json=b'{"r": 1}'), "no adapter_model.safetensors"),
        (_folder(adapter_config__json=b'{"r": 1}', adapter_model__bin=b"x"), "pickle"),
        (_folder(adapter_config__json=b'{"r": 1}', adapter_model__safetensors=b"x"), "damaged"),
        (_folder(adapter_model__safetensors=b"x"), "no adapter_config.json"),
    ],
)
def test_what_is_no_adapter_is_told_by_what_it_is(tmp_path: Path, make: Make, said: str) -> None:
    base = _base_with_layers(tmp_path / "base", 32)
    with pytest.raises(AdapterInvalid, match=said) as caught:
        _found(base, [_row("a", "b")], resume_from=make(tmp_path))
    assert caught.value.hint


# -- by the ways that a person takes -----------------------------------------------------------


def test_the_plan_says_it_and_the_start_refuses(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_tiny_base(tmp_path / "model", template=CHATML)
    freeze_examples(workspace, folder, 20)
    spec = make_spec(str(folder), "notes", max_length=64)
    outline = plan(workspace, spec)
    assert {"rows-cut", "no-pad-token"} <= {finding.code for finding in outline.findings}
    assert any("end token" in note and "max_length" in note for note in outline.notes)
    wrong = make_spec(str(folder), "notes", resume_from=str(folder))
    for function in (plan, start):
        with pytest.raises(AdapterInvalid):
            function(workspace, wrong)
    here = ["--workspace", str(workspace.root), "--base", str(folder)]
    assert main(["train", *here, "--plan", "--json", "--max-length", "64"]) == 0
    codes = [finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert "rows-cut" in codes
    assert main(["train", *here, "--resume-from", str(tmp_path / "no"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "adapter-invalid"
    assert not list(workspace.runs_dir.glob("*"))


def test_an_export_of_another_bases_adapter_is_refused_before_it_begins(
    workspace: Workspace, tmp_path: Path
) -> None:
    base = _base_with_layers(tmp_path / "base", 32)
    other = _base_with_layers(tmp_path / "other", 64)
    run = workspace.runs_dir / "20260101-000000-aaaa"
    run.mkdir(parents=True)
    write_spec(run, make_spec(str(base), "notes", base_dir=str(base)))
    with EventLog(run) as log:
        log.write("run_started", pid=1)
        log.write("run_finished", status="finished", result={})
    trusted(workspace.root)
    adapter = _adapter_of(other, run / "adapter", "other")
    with pytest.raises(AdapterMismatch, match="64 inputs and 64 outputs there, 32 and 32 here"):
        start_export(workspace, run.name)
    (adapter / "adapter_model.safetensors").write_bytes(b"cut")
    with pytest.raises(AdapterInvalid, match="damaged or not whole"):
        start_export(workspace, run.name)
    assert not (run / "exports").exists()
