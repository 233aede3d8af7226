"""An importance matrix holds the sums that torch finds with the same weights and tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import ExportError
from engine.export.imatrix import collect, digest_of, means, save, training_pieces
from engine.export.spec import IMATRIX_CHUNK as CHUNK
from engine.tokens import Tokenizer
from tests.support.tiny_export import RUN, SEEN

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pieces() -> list[list[int]]:
    """Return three pieces of tokens, one of them a full chunk."""
    rng = np.random.default_rng(1)
    return [rng.integers(3, 49_000, size).tolist() for size in (7, 90, CHUNK)]


def test_the_sums_are_those_that_torch_finds(
    finished_export: Path, pieces: list[list[int]], tmp_path: Path
) -> None:
    import torch
    from gguf import MODEL_ARCH, get_tensor_name_map
    from transformers import AutoModelForCausalLM

    run = finished_export / "runs" / RUN
    found = collect(run / f"{RUN}-f16.gguf", pieces)
    model = AutoModelForCausalLM.from_pretrained(run / "merged", dtype=torch.float32)
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, 2)
    sums: dict[str, torch.Tensor] = {}

    def add(name: str, given: torch.Tensor) -> None:
        squares = given.double().square().sum((0, 1))
        sums[name] = sums[name] + squares if name in sums else squares

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            tensor = f"{names.get_name(name)}.weight"
            module.register_forward_hook(lambda _, given, __, tensor=tensor: add(tensor, given[0]))
    with torch.no_grad():
        for piece in pieces:
            model(torch.tensor([piece]))
    assert set(found.sums) == set(sums)
    rows = sum(map(len, pieces))
    for name, expected in sums.items():
        # llama.cpp rounds what it multiplies to 16 bits; torch computes in 32.
        np.testing.assert_allclose(found.sums[name][0], expected.numpy(), rtol=0.01)
        assert found.counts[name].tolist() == [rows]
    save(tmp_path / "i.gguf", found.sums, found.counts, dataset="notes", chunks=len(pieces))
    read = means(tmp_path / "i.gguf")
    for name, expected in sums.items():
        np.testing.assert_allclose(read[name], expected.numpy() / rows, rtol=0.01)


def test_an_expert_that_no_token_reached_counts_as_llama_cpp_has_it(tmp_path: Path) -> None:
    sums = {"blk.0.ffn_up_exps.weight": np.array([[8.0, 2.0], [0.0, 0.0]])}
    counts = {"blk.0.ffn_up_exps.weight": np.array([4, 0])}
    save(tmp_path / "i.gguf", sums, counts, dataset="x", chunks=1)
    (values,) = means(tmp_path / "i.gguf").values()
    assert values.tolist() == [2.0, 0.5, 1.0, 1.0]


def test_what_is_no_importance_matrix_is_named(tmp_path: Path) -> None:
    (tmp_path / "i.gguf").write_bytes(b"GGUFnothing of the kind")
    with pytest.raises(ExportError, match="no importance matrix"):
        means(tmp_path / "i.gguf")


def test_the_text_is_the_training_split_as_training_saw_it(finished_export: Path) -> None:
    run = finished_export / "runs" / RUN
    tokenizer = Tokenizer.load(finished_export.parent / "base")
    (piece,) = training_pieces(run, tokenizer)
    assert SEEN in tokenizer.decode(piece)
    assert training_pieces(run, tokenizer, most=5) == [piece[:5]]
    assert digest_of([piece]) != digest_of([piece[:5]])
