from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bases import PRESETS as BASES
from engine.errors import SettingsError, UsageError
from engine.train import (
    ATTENTION,
    PRESETS,
    TrainSpec,
    changed,
    find_preset,
    load_spec,
    make_spec,
)
from engine.train.fit import Model, fit, parse_target
from engine.train.spec import SPEC_FILE, write_spec


def test_the_7b_preset_is_the_settings_of_the_plans() -> None:
    spec = make_spec("llama-3.1-8b", "notes", "seed-7b")
    assert (spec.r, spec.alpha, spec.target_modules) == (16, 32, ATTENTION)
    assert (spec.learning_rate, spec.epochs) == (2e-4, 3)
    assert (spec.batch_size, spec.accumulation) == (4, 4)
    assert (spec.load_in_4bit, spec.save_steps) == (True, 500)


def test_presets_of_several_epochs_stop_early_and_others_never() -> None:
    specs = [make_spec("t", "d", name) for name in PRESETS]
    assert {(spec.epochs >= 2, spec.patience) for spec in specs} == {(True, 3), (False, 0)}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_spec_comes_back_from_its_file_and_can_not_be_changed(
    tmp_path: Path, preset: str
) -> None:
    spec = make_spec("tiny", "d1", preset, learning_rate=1e-5, base_dir='/where/it "is"/ț')
    path = write_spec(tmp_path, spec)
    assert load_spec(tmp_path) == spec
    assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    assert tomllib.loads(path.read_text("utf-8"))["preset"] == preset
    with pytest.raises(ValueError, match="frozen"):
        spec.r = 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("r", 0), ("learning_rate", -1.0), ("epochs", 0), ("backend", "magic"), ("unknown", 1),
        ("epochs", 1e300), ("max_steps", 10**300), ("batch_size", 4097), ("accumulation", 4097),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_named(field: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=field) as caught:
        make_spec("tiny", "d1", **{field: value})
    assert len(str(caught.value)) < 120
    with pytest.raises(SettingsError, match=field):
        changed(make_spec("tiny", "d1"), **{field: value})


def test_a_preset_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        make_spec("tiny", "d1", "zzzz")
    assert "seed-7b" in caught.value.hint
    with pytest.raises(UsageError, match="ministral") as caught:
        make_spec("tiny", "d1", "ministral-7b")
    assert caught.value.hint.startswith("did you mean mistral-7b")


def test_a_setting_that_is_not_there_gets_the_near_ones() -> None:
    with pytest.raises(SettingsError, match="no training setting learning_rat") as caught:
        make_spec("tiny", "d1", learning_rat=1e-3)
    assert caught.value.hint == "did you mean learning_rate?"


def test_all_names_of_presets_are_different_and_lead_to_known_bases() -> None:
    names = [word for preset in PRESETS.values() for word in (preset.name, *preset.aliases)]
    assert len(names) == len(set(names))
    for preset in PRESETS.values():
        assert all(find_preset(word) is preset for word in (preset.name, *preset.aliases))
        assert not preset.base or preset.base in BASES
        assert make_spec("tiny", "d1", preset.name).preset == preset.name
    for base in BASES.values():
        assert find_preset(base.preset).base in ("", base.name)


def test_every_preset_stands_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "presets.md").read_text("utf-8")
    names = [word for preset in PRESETS.values() for word in (preset.name, *preset.aliases)]
    hub = {base.hub_id for base in BASES.values() if base.hub_id}
    missing = [name for name in (*names, *hub) if f"`{name}`" not in guide]
    assert missing == [name for name in missing if name in BASES]


def test_all_linear_layers_are_what_presets_recommend() -> None:
    attention = [name for name in PRESETS if make_spec("t", "d", name).target_modules == ATTENTION]
    assert attention == ["seed-7b"]


def test_presets_by_memory_learn_from_as_many_examples_a_step() -> None:
    by_memory = {p.gpu_bytes: make_spec("t", "d", p.name) for p in PRESETS.values() if p.gpu_bytes}
    assert [size // 10**9 for size in by_memory] == [8, 12, 16, 24, 48, 80]
    assert {spec.batch_size * spec.accumulation for spec in by_memory.values()} == {16}


@pytest.mark.parametrize("preset", [p.name for p in PRESETS.values() if p.gpu_bytes])
def test_a_preset_by_memory_fits_its_gpu_with_either_trainer(preset: str) -> None:
    known = PRESETS[preset]
    base = BASES[known.base]
    spec = make_spec(base.name, "d", preset)
    for unsloth in (False, True):
        target = parse_target(f"{known.gpu_bytes // 10**9}GB")
        found = fit(Model(base.shape, base.parameters), spec, target, unsloth=unsloth)
        assert found.fits, found.words
        assert found.parts.total > 0.4 * known.gpu_bytes, "a smaller GPU would do"


def test_steps_count_instead_of_epochs() -> None:
    spec = make_spec("t", "d", batch_size=2, accumulation=2, max_steps=30, epochs=1.0)
    assert (spec.total_steps(40), spec.passes(40)) == (30, 3.0)
    by_epochs = changed(spec, max_steps=0, epochs=1.5)
    assert (by_epochs.total_steps(40), by_epochs.passes(40)) == (15, 1.5)


@pytest.mark.parametrize("text", ["", "base = 3", "not toml", 'base = "a"\ndataset = "b"\nx = 1'])
def test_a_damaged_spec_is_a_named_error(tmp_path: Path, text: str) -> None:
    (tmp_path / SPEC_FILE).write_text(text)
    with pytest.raises(SettingsError):
        load_spec(tmp_path)


def test_every_field_has_help() -> None:
    assert all(field.description for field in TrainSpec.model_fields.values())


@given(
    examples=st.integers(1, 5000),
    batch=st.integers(1, 64),
    accumulation=st.integers(1, 16),
    epochs=st.floats(0.1, 10),
)
def test_an_epoch_s_steps_hold_every_example(
    examples: int, batch: int, accumulation: int, epochs: float
) -> None:
    spec = make_spec("t", "d", batch_size=batch, accumulation=accumulation, epochs=epochs)
    steps = spec.steps_per_epoch(examples)
    assert (steps - 1) * batch * accumulation < examples <= steps * batch * accumulation
    assert steps * epochs <= spec.total_steps(examples) < steps * epochs + 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("r", 0, "r must be at least 1, not 0"),
        ("r", 513, "r must be at most 512, not 513"),
        ("max_steps", 10**8, "max_steps must be at most 10,000,000, not 100000000"),
        ("learning_rate", 0, "learning_rate must be more than 0, not 0"),
        ("learning_rate", 2, "learning_rate must be at most 1, not 2"),
        ("dropout", 1.5, "dropout must be less than 1, not 1.5"),
        ("epochs", float("nan"), "epochs must be a finite number, not nan"),
        ("seed", 1.5, "seed must be a whole number, not 1.5"),
        ("batch_size", "many", "batch_size must be a whole number, not many"),
        ("dropout", "some", "dropout must be a number, not some"),
        ("load_in_4bit", "perhaps", "load_in_4bit must be true or false, not perhaps"),
        ("adapter", "ia3", "adapter must be one of lora, rslora, dora, not ia3"),
    ],
)
def test_what_a_setting_must_be_is_said_in_plain_words(name: str, value: Any, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_spec("base", "notes", **{name: value})
    assert caught.value.message == said
