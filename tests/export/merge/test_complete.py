"""Adapters of which a part is missing, or whose configuration is another's: what peft finds of it.

peft loads such an adapter with a warning at most; here it is named before an export begins.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import AdapterInvalid
from engine.export.merge import targets
from engine.export.merge.checking import check_adapter
from engine.export.merge.complete import check_complete
from engine.export.merge.targets import names_of
from tests.export.merge.models import load, make_adapter, make_base
from tests.support.tiny_base import write_json

Change = Callable[[dict[str, Any]], dict[str, Any]]

WORDS = (
    r"(?:.*?(?:language|text).*?(?:q_proj|up_proj).*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn"
)
# As unsloth writes it.
PATTERN = WORDS + r"|mlp)\.(?:(?:q_proj|up_proj)))"
ADAPTERS: dict[str, dict[str, Any]] = {
    "list": {"target_modules": ["q_proj", "up_proj"]},
    "pattern": {"target_modules": PATTERN},
    "all linear": {"target_modules": "all-linear"},
    "one layer": {"target_modules": ["q_proj"], "layers_to_transform": 1},
    "layers by a pattern": {
        "target_modules": ["q_proj"],
        "layers_to_transform": [0],
        "layers_pattern": "layers",
    },
    "but one": {"target_modules": ["q_proj", "v_proj"], "exclude_modules": ["0.self_attn.q_proj"]},
    "but by a pattern": {"target_modules": ["q_proj", "v_proj"], "exclude_modules": r".*\.1\..*"},
    "dora": {"target_modules": ["q_proj"], "use_dora": True},
    "biases": {"target_modules": ["q_proj"], "bias": "lora_only"},
    "bias of lora": {"target_modules": ["q_proj"], "lora_bias": True},
    "saved": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "tokens": {"target_modules": ["q_proj"], "trainable_token_indices": [1, 2]},
    "ranks": {
        "target_modules": ["q_proj", "k_proj"],
        "rank_pattern": {r"layers\.\d+\..*k_proj": 2},
    },
}
MOE: dict[str, Any] = {"num_experts_per_tok": 2, "moe_intermediate_size": 24, "num_experts": 4}


def without(*parts: str) -> Change:
    return lambda found: {
        name: value for name, value in found.items() if not any(part in name for part in parts)
    }


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bases")
    return {
        "dense": make_base(folder / "dense", attention_bias=True),
        "experts": make_base(folder / "experts", "Qwen3Moe", **MOE),
    }


def missing_for_peft(base: Path, adapter: Path) -> list[str]:
    """Return the names that peft itself finds missing; a size that differs is one of them."""
    from peft import (
        PeftConfig,
        get_peft_model,
        load_peft_weights,
        set_peft_model_state_dict,
    )

    config: Any = PeftConfig.from_pretrained(str(adapter))
    model: Any = get_peft_model(load(base), config)
    try:
        result = set_peft_model_state_dict(model, load_peft_weights(str(adapter), device="cpu"))
    except (KeyError, RuntimeError) as error:  # a module that was saved whole; another size
        return [str(error)]
    plain = load(base).state_dict()
    words = ("lora_", "modules_to_save", "trainable_tokens")
    return [
        name
        for name in result.missing_keys
        if any(word in name for word in words)
        or ("bias" in name and config.bias != "none" and name.split("model.", 2)[-1] not in plain)
    ]


def checked(base: Path, adapter: Path) -> None:
    check_adapter(adapter)
    check_complete(adapter, base)


def change(adapter: Path, out: Path, how: Change) -> Path:
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, out)
    found = how(load_file(out / "adapter_model.safetensors"))
    save_file(found, out / "adapter_model.safetensors", {"format": "pt"})
    return out


def told(adapter: Path, **values: Any) -> None:
    path = adapter / "adapter_config.json"
    write_json(path, json.loads(path.read_text()) | values)


@pytest.mark.parametrize("name", ADAPTERS)
def test_what_peft_misses_is_missed(bases: dict[str, Path], tmp_path: Path, name: str) -> None:
    base, adapter = bases["dense"], tmp_path / "adapter"
    make_adapter(base, adapter, r=4, **copy.deepcopy(ADAPTERS[name]))
    checked(base, adapter)
    assert missing_for_peft(base, adapter) == []
    parts = {
        "half": without("layers.1.") if name == "but one" else without(".q_proj.lora_"),
        "dora": without("layers.0.self_attn.q_proj.lora_magnitude_vector"),
        "biases": without(
            "layers.1.self_attn.q_proj.base_layer.bias", "layers.1.self_attn.q_proj.bias"
        ),
        "bias of lora": without("layers.1.self_attn.q_proj.lora_B.bias"),
        "saved": without("lm_head"),
        "tokens": without("trainable_tokens"),
        "but by a pattern": without("layers.0.self_attn.v_proj"),
        "all linear": without("layers.0.mlp.down_proj"),
        "pattern": without("layers.1.mlp"),
        "list": without("layers.1."),
        "ranks": without("layers.1.self_attn.k_proj"),
        "one layer": None,
        "layers by a pattern": None,
    }
    cut = parts.get(name, parts["half"])
    if cut is not None:
        half = change(adapter, tmp_path / "half", cut)
        if name != "biases":
            assert missing_for_peft(base, half)
        with pytest.raises(AdapterInvalid, match="has no ") as caught:
            checked(base, half)
        assert caught.value.hint
    # Another's configuration: other ranks, and layers that it does not name.
    told(adapter, r=8, rank_pattern={})
    assert "size mismatch" in missing_for_peft(base, adapter)[0]
    with pytest.raises(AdapterInvalid, match=r"at rank [24], and its .* says 8"):
        checked(base, adapter)


def test_experts_of_which_a_layer_is_missing(bases: dict[str, Path], tmp_path: Path) -> None:
    base, adapter = bases["experts"], tmp_path / "adapter"
    named = ["q_proj", "gate_proj", "up_proj", "down_proj"]
    make_adapter(base, adapter, r=4, target_modules=named)
    checked(base, adapter)
    half = change(adapter, tmp_path / "half", without("layers.1.mlp"))
    assert missing_for_peft(base, half)
    with pytest.raises(AdapterInvalid, match=r"no tensors of model\.layers\.1\.mlp\.experts"):
        checked(base, half)


def test_layers_that_the_configuration_does_not_name(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    base, adapter = bases["dense"], tmp_path / "adapter"
    make_adapter(base, adapter, r=4, target_modules=["q_proj", "v_proj"])
    told(adapter, target_modules=["q_proj"])
    with pytest.raises(AdapterInvalid, match=r"tensors of .*v_proj, which its"):
        checked(base, adapter)


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "a list of ranks": ({"rank_pattern": ["x"]}, "rank_pattern"),
    "a broken pattern": ({"rank_pattern": {"(((": 4}}, "no regular expression"),
    "one that closes another": ({"alpha_pattern": {"q_proj)|(.*": 4}}, "no regular expression"),
    "an alpha of nothing": ({"alpha_pattern": {"q_proj": None}}, "alpha_pattern of q_proj None"),
    "no number": ({"lora_alpha": float("nan")}, "lora_alpha nan"),
    "no end": ({"lora_alpha": float("inf")}, "lora_alpha inf"),
    "half a rank": ({"r": 4.5}, "has r 4.5"),
    "targets of numbers": ({"target_modules": [3]}, "target_modules"),
    "a layer in words": ({"layers_to_transform": ["first"]}, "layers_to_transform"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_wrong_kind(bases: dict[str, Path], tmp_path: Path, name: str) -> None:
    values, words = SETTINGS[name]
    adapter = tmp_path / "adapter"
    make_adapter(bases["dense"], adapter, r=4, target_modules=["q_proj"])
    told(adapter, **values)
    with pytest.raises(AdapterInvalid, match=words) as caught:
        checked(bases["dense"], adapter)
    assert "base" not in caught.value.message.replace(str(adapter), "")
    assert caught.value.hint


def test_a_pattern_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "LIMIT_S", 0.5)
    config = {"target_modules": ["q_proj"], "alpha_pattern": {r"(.*)*(.*)*(.*)*(.*)*$x": 4}}
    layer = "model.layers.0.self_attn.q_proj"
    with pytest.raises(AdapterInvalid, match="can't be matched"):
        names_of(tmp_path, config, [layer], [layer])
