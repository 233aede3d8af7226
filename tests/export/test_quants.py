"""Quantisations are known by name, and an unknown name gets a suggestion."""

from __future__ import annotations

import pytest

from engine.errors import QuantUnknown
from engine.export.quants import QUANTS, check_quant, quants, usual_quant


@pytest.mark.parametrize("name", quants())
def test_each_name_is_known_in_any_spelling(name: str) -> None:
    assert check_quant(name.upper().replace("_", "-")) == name


@pytest.mark.parametrize(
    ("typed", "meant"), [("q4_k", "q4_k_m"), ("q8", "q8_0"), ("fp16", "f16"), ("q4km", "q4_k_m")]
)
def test_the_nearest_is_suggested(typed: str, meant: str) -> None:
    with pytest.raises(QuantUnknown) as caught:
        check_quant(typed)
    assert meant in caught.value.hint


def test_nonsense_gets_the_list() -> None:
    with pytest.raises(QuantUnknown) as caught:
        check_quant("zzz")
    assert all(name in caught.value.hint for name in quants())


def test_numbers_are_llama_cpps() -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    for quant in QUANTS.values():
        name = quant.name.upper()
        wanted = "LLAMA_FTYPE_ALL_F32" if name == "F32" else f"LLAMA_FTYPE_MOSTLY_{name}"
        assert getattr(llama_cpp, wanted) == quant.ftype


def test_a_base_that_is_not_here_has_its_usual_one_all_the_same() -> None:
    assert usual_quant("mistral-7b") == "q4_k_m"
    assert usual_quant("./nowhere") == ""
