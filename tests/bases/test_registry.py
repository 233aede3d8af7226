from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.bases import (
    EMBEDDED,
    PRESETS,
    BasePreset,
    add,
    embedded,
    installed,
    preset_for,
    presets,
    resolve,
)
from engine.bases.presets import known_names
from engine.cli.main import main
from engine.errors import BaseInvalid, BaseMissing, DependencyMissing
from engine.paths import bases_dir
from engine.tokens import Tokenizer, shipped
from tests.support.tiny_base import CHATML, make_tiny_base


def test_nothing_is_there_at_first() -> None:
    assert installed() == []
    assert presets()[0].name == EMBEDDED
    assert not bases_dir().exists()


@pytest.mark.parametrize(
    "name", [*PRESETS, "Someone/Some-Model", "meta-llama/Llama-3.1-8B-Instruct"]
)
def test_what_is_not_here_says_how_to_get_it(name: str) -> None:
    with pytest.raises(BaseMissing, match="not on this machine") as caught:
        resolve(name)
    assert f"finetui bases add {name}" in caught.value.hint


@pytest.mark.parametrize("name", ["", "nonsense", "./nowhere", "/nowhere/at/all", "a/b/c"])
def test_what_is_nothing_is_refused(name: str) -> None:
    for function in (resolve, add):
        with pytest.raises(BaseMissing) as caught:
            function(name)
        assert caught.value.hint


def test_every_preset_of_the_hub_names_its_copies() -> None:
    for preset in presets():
        assert preset.embedded == (preset.name == EMBEDDED)
        if not preset.embedded:
            assert "/" in preset.hub_id
            assert preset.four_bit_id.startswith("unsloth/") or "SmolLM2" in preset.hub_id
            small = preset.parameters < 10**9
            assert preset.default_quant == ("f16" if small else "q4_k_m")
    assert PRESETS["llama-3.1-8b"].four_bit_id == "unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit"
    assert (PRESETS[EMBEDDED].default_quant, PRESETS[EMBEDDED].preset) == ("f16", "small-cpu")


# The SigLIP tower and the projector of Gemma 3's larger models: 27 layers of width 1152, images
# of 896 pixels in patches of 14 (arXiv:2303.15343, table 1: 400M).
TOWER = 417_000_000
BEYOND_TEXT = {"gemma-3-4b": TOWER, "gemma-3-12b": TOWER}


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_shape_has_the_published_number_of_weights(preset: BasePreset) -> None:
    """Attention, the gated feed-forward block and embeddings; norms and biases are under 0.1%."""
    shape = preset.shape
    attention = 2 * shape.hidden * shape.head_dim * (shape.heads + shape.kv_heads)
    layer = attention + 3 * shape.hidden * shape.intermediate
    embeddings = shape.vocab * shape.hidden * (1 if shape.tied else 2)
    published = preset.parameters - BEYOND_TEXT.get(preset.name, 0)
    assert shape.layers * layer + embeddings == pytest.approx(published, rel=2e-3)


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_a_preset_s_template_is_a_shipped_one(preset: BasePreset) -> None:
    assert preset.template in shipped.names()


def test_another_name_means_the_same_base() -> None:
    names = ("llama3-8b", "Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct")
    assert {found.name for name in names if (found := preset_for(name))} == {"llama-3.1-8b"}
    words = known_names()
    assert len(words) == len(set(words))


def test_a_name_with_a_slip_gets_the_near_ones() -> None:
    with pytest.raises(BaseMissing) as caught:
        resolve("lama-3.1-8b")
    assert caught.value.hint.startswith("did you mean llama-3.1-8b")


def test_a_directory_is_used_where_it_is(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "My Model")
    assert resolve(str(folder)).name == "my-model"
    assert installed() == []
    base = add(str(folder))
    assert base.directory == folder
    assert installed() == [base]
    assert resolve("my-model") == resolve(str(folder)) == base == add(str(folder))
    assert [path.name for path in (bases_dir() / "my-model").iterdir()] == ["base.json"]


def test_a_directory_is_found_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tiny_base(tmp_path / "models" / "own")
    monkeypatch.chdir(tmp_path)
    for text in ("models/own", "./models/own"):
        assert resolve(text).directory == tmp_path / "models" / "own"


def test_two_directories_of_one_name_stay_two(tmp_path: Path) -> None:
    first = add(str(make_tiny_base(tmp_path / "a" / "model")))
    second = add(str(make_tiny_base(tmp_path / "b" / "model")))
    third = add(str(make_tiny_base(tmp_path / "c" / EMBEDDED)))
    assert len({first.name, second.name, third.name, EMBEDDED}) == 4
    assert second == add(str(tmp_path / "b" / "model"))
    assert len(installed()) == 3


def test_a_directory_that_went_away_hides_nothing_else(tmp_path: Path) -> None:
    add(str(make_tiny_base(tmp_path / "gone")))
    kept = add(str(make_tiny_base(tmp_path / "kept")))
    shutil.rmtree(tmp_path / "gone")
    assert installed() == [kept]
    with pytest.raises(BaseMissing, match="any more"):
        resolve("gone")


def test_a_change_in_a_directory_is_noticed(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "model")
    before = add(str(folder))
    (folder / "chat_template.jinja").write_text(CHATML + "{# new #}")
    after = resolve("model")
    assert after.fingerprint != before.fingerprint
    assert after.chat_template.endswith("{# new #}")
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(BaseInvalid):
        resolve("model")


def test_a_damaged_record_is_as_none(tmp_path: Path) -> None:
    folder = make_tiny_base(tmp_path / "model")
    add(str(folder))
    (bases_dir() / "model" / "base.json").write_text("{")
    assert installed() == []
    assert add(str(folder)).name == "model"
    assert len(installed()) == 1


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no_such_package_of_ours")
    with pytest.raises(DependencyMissing) as caught:
        add(EMBEDDED)
    assert "finetui doctor --fix" in caught.value.hint


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_tiny_base(tmp_path / "model")
    assert main(["bases", "add", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "model"
    assert main(["bases", "list"]) == 0
    listed = capsys.readouterr().out
    assert "model  " in listed
    assert "embedded, not imported yet" in listed
    assert main(["bases", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [base["name"] for base in document["installed"]] == ["model"]
    assert len(document["presets"]) == len(PRESETS)
    assert main(["bases", "show", "model"]) == 0
    assert str(folder) in capsys.readouterr().out
    assert main(["bases", "show", "gemma-2b"]) == 0
    assert "finetui bases add gemma-2b" in capsys.readouterr().out
    assert main(["bases", "show", "nonsense", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "base-missing"


def test_a_base_with_another_template_is_one_more_base(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_tiny_base(tmp_path / "model")
    own = add(str(folder))
    assert main(["bases", "add", str(folder), "--template", "instruction", "--json"]) == 0
    made = resolve(json.loads(capsys.readouterr().out)["name"])
    assert made.name == "model-instruction"
    assert "### Instruction" in Tokenizer.load(made.directory).template
    assert "### Instruction" in made.chat_template
    assert made.fingerprint != own.fingerprint
    assert made.parameters == own.parameters
    # The model's own files are read where they are, and not one of them is changed.
    assert (made.directory / "model.safetensors").samefile(folder / "model.safetensors")
    assert resolve("model") == own
    assert {base.name for base in installed()} == {"model", "model-instruction"}
    # Again gives the same; another text under the same name takes its place.
    assert main(["bases", "add", str(folder), "--template", "instruction"]) == 0
    mine = tmp_path / "instruction.jinja"
    mine.write_text(Tokenizer.load(made.directory).template + "{# mine #}")
    assert main(["bases", "add", str(folder), "--template", str(mine)]) == 0
    assert resolve("model-instruction").chat_template.endswith("{# mine #}")


def test_a_template_that_the_vocabulary_can_t_write_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_tiny_base(tmp_path / "model")
    assert main(["bases", "add", str(folder), "--template", "llama-3"]) == 1
    assert "llama-3" in capsys.readouterr().err
    assert main(["bases", "add", str(folder), "--template", "haiku"]) == 1
    assert "there is no chat template haiku" in capsys.readouterr().err
    assert {base.name for base in installed()} == {"model"}
