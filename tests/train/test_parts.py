"""The parts of training that need no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BaseInvalid
from engine.train.data import EpochSampler, TokenRow
from engine.train.layers import match_layers
from engine.train.meter import Meter
from engine.train.spec import ALL_LINEAR, ATTENTION


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    one, same, other = (EpochSampler([9] * 50, seed) for seed in (1, 1, 2))
    first = list(one)
    assert sorted(first) == list(range(50))
    assert first == list(one) == list(same)
    assert first != list(other)
    one.set_epoch(3)
    assert list(one) != first
    same.set_epoch(3)
    assert list(one) == list(same)


def test_a_first_token_is_never_trained() -> None:
    assert TokenRow("a", ids=(1, 2, 3), labels=(1, -100, 3)).trained == 1


LLAMA = [*ATTENTION, "gate_proj", "up_proj", "down_proj"]
PHI3 = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        (LLAMA, ATTENTION, sorted(ATTENTION)),
        (LLAMA, (ALL_LINEAR,), sorted(LLAMA)),
        (PHI3, ATTENTION, ["o_proj", "qkv_proj"]),
        (PHI3, (ALL_LINEAR,), sorted(PHI3)),
    ],
)
def test_layers_are_found_by_the_names_of_another_family(
    there: list[str], wanted: tuple[str, ...], found: list[str]
) -> None:
    assert match_layers(there, wanted, base="m") == found


@pytest.mark.parametrize("wanted", [("c_attn",), ("q_proj", "typo"), ()])
def test_a_layer_that_is_not_there_is_named(wanted: tuple[str, ...]) -> None:
    with pytest.raises(BaseInvalid) as caught:
        match_layers(LLAMA, wanted, base="m")
    assert "q_proj" in caught.value.hint


def test_a_meter_counts_steps_and_not_what_is_between_them(tmp_path: Path) -> None:
    now = 0.0
    meter = Meter(clock=lambda: now)
    for _ in range(3):
        meter.begin()
        meter.count(100, 60)
        now += 2
        meter.end()
        now += 50  # an evaluation
    assert (meter.tokens, meter.trained_tokens, meter.seconds) == (300, 180, 6)
    assert meter.tokens_per_s == 50
    assert meter.eta_s(10) == 20
    meter.save(tmp_path)
    again = Meter()
    again.restore(tmp_path)
    assert (again.tokens, again.trained_tokens, again.seconds) == (300, 180, 6)
    assert (again.tokens_per_s, again.eta_s(4)) == (0, None)
