"""Batches without padding, rows arranged by length, the loss in pieces: the same figures."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.train import head
from engine.train.data import (
    EpochSampler,
    TokenRow,
    as_features,
    budgeted,
    collate,
    collate_packed,
    tokens_of,
)
from engine.train.lean_lora import lean_adapters
from engine.train.loss import evaluation_loss, nll_at_trained
from engine.train.packing import is_packed, pack_rows

LENGTHS = st.lists(st.integers(2, 60), min_size=1, max_size=40)


def token_rows(*lengths: int) -> list[TokenRow]:
    """Rows of different ids, whose first third is not trained."""
    return [
        TokenRow(
            id=str(number),
            ids=tuple((7 * at + 13 * number) % 97 for at in range(length)),
            labels=tuple(
                -100 if at <= length // 3 else (7 * at + 13 * number) % 97 for at in range(length)
            ),
        )
        for number, length in enumerate(lengths)
    ]


@given(lengths=LENGTHS, batch=st.integers(1, 5), accumulation=st.integers(1, 5))
def test_a_step_has_the_same_rows_arranged_or_not(
    lengths: list[int], batch: int, accumulation: int
) -> None:
    plain = EpochSampler(lengths, 3, batch_size=batch, accumulation=accumulation)
    alike = EpochSampler(lengths, 3, batch_size=batch, accumulation=accumulation, alike=True)
    for epoch in (0, 1):
        plain.set_epoch(epoch)
        alike.set_epoch(epoch)
        one, other = list(plain), list(alike)
        assert sorted(other) == list(range(len(lengths)))
        step = batch * accumulation
        for at in range(0, len(lengths), step):
            assert Counter(one[at : at + step]) == Counter(other[at : at + step])
            arranged = [lengths[row] for row in other[at : at + step]]
            if accumulation > 1:
                assert arranged == sorted(arranged, reverse=True)


@given(lengths=LENGTHS, size=st.integers(1, 6), padded=st.booleans())
def test_an_evaluations_batches_have_each_row_once_and_fit(
    lengths: list[int], size: int, padded: bool
) -> None:
    rows = token_rows(*lengths)
    batches = list(budgeted(rows, size, padded=padded))
    assert sorted(row.id for batch in batches for row in batch) == sorted(row.id for row in rows)
    for batch in batches:
        taken = [len(row.ids) for row in batch]
        assert (max(taken) * len(taken) if padded else sum(taken)) <= size * max(lengths)
    assert len(batches) <= -(-len(rows) // size)  # never more than batches of a fixed size


def llama() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**SHAPE, num_key_value_heads=2))


def mistral() -> Any:
    """A window shorter than the rows."""
    from transformers import MistralConfig, MistralForCausalLM

    return MistralForCausalLM(MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=8))


def gemma() -> Any:
    """Logits that are capped, and layers of which every other one has a window."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    config = Gemma2Config(
        **SHAPE, num_key_value_heads=2, head_dim=8, sliding_window=8, final_logit_softcapping=0.5
    )
    config._attn_implementation = "sdpa"
    return Gemma2ForCausalLM(config)


def gpt2() -> Any:
    """Learned positions."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=97, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0
        )
    )


def mamba() -> Any:
    """A state that goes on from row to row."""
    from transformers import MambaConfig, MambaForCausalLM

    return MambaForCausalLM(MambaConfig(vocab_size=97, hidden_size=32, num_hidden_layers=2))


SHAPE: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}


def with_adapter(model: Any, *, dropout: float = 0.0) -> Any:
    """A plain LoRA on attention whose second matrices are not zero."""
    import torch
    from peft import LoraConfig, get_peft_model

    names = ["c_attn"] if model.config.model_type == "gpt2" else ["q_proj", "v_proj"]
    adapted = get_peft_model(
        model, LoraConfig(r=4, lora_dropout=dropout, target_modules=names, task_type="CAUSAL_LM")
    )
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return adapted.train()


def by_hand(model: Any, rows: list[TokenRow]) -> tuple[float, list[Any]]:
    """Each row alone through the model as transformers has it: summed loss, gradients."""
    import torch

    model.zero_grad()
    total = 0.0
    for row in rows:
        chances = model(input_ids=torch.tensor([row.ids])).logits[0].log_softmax(-1)
        loss = -sum(
            chances[at - 1, label] for at, label in enumerate(row.labels) if at and label != -100
        )
        loss.backward()
        total += loss.item()
    return total, gradients(model)


def backward(loss: Any) -> None:
    loss.backward()


def gradients(model: Any) -> list[Any]:
    return [p.grad.clone() for p in model.parameters() if p.grad is not None]


def assert_equal(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert float((one - other).norm()) <= 1e-5 * max(float(other.norm()), 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("make", [llama, mistral, gemma, gpt2])
def test_packed_rows_have_the_loss_and_gradient_of_rows_alone(make: Any) -> None:
    import torch

    torch.manual_seed(0)
    model = with_adapter(make())
    rows = token_rows(31, 9, 22, 2)
    expected, theirs = by_hand(model, rows)
    if make is llama:
        assert lean_adapters(model) == 4
    assert pack_rows(model, [row.ids for row in rows]) is is_packed(model) is True
    features = [as_features(row) for row in rows]
    for batch in (collate_packed(features), collate(features, pad_id=0)):
        assert tokens_of(batch) == 31 + 9 + 22 + 2
        model.zero_grad()
        loss, count = nll_at_trained(model, batch)
        backward(loss)
        assert loss.item() == pytest.approx(expected, rel=1e-5)
        assert count == sum(row.trained for row in rows)
        assert_equal(gradients(model), theirs)
    for packed in (True, False):
        mean = evaluation_loss(model, rows, nll_at_trained, batch_size=2, pad_id=0, packed=packed)
        assert mean == pytest.approx(expected / count, rel=1e-5)


@pytest.mark.slow
def test_checkpointed_activations_know_their_rows_too() -> None:
    import torch

    torch.manual_seed(0)
    model = with_adapter(llama())
    rows = token_rows(31, 9, 22)
    _, theirs = by_hand(model, rows)
    assert pack_rows(model, [row.ids for row in rows])
    model.enable_input_require_grads()
    for reentrant in (True, False):
        model.gradient_checkpointing_enable({"use_reentrant": reentrant})
        model.zero_grad()
        backward(nll_at_trained(model, collate_packed([as_features(row) for row in rows]))[0])
        assert_equal(gradients(model), theirs)


@pytest.mark.slow
def test_a_model_that_carries_a_state_is_not_packed() -> None:
    model = mamba()
    before = model.config._attn_implementation
    assert not pack_rows(model, [row.ids for row in token_rows(20, 20)])
    assert model.config._attn_implementation == before
    assert not pack_rows(llama(), [token_rows(9)[0].ids]), "one row alone proves nothing"


@pytest.mark.slow
def test_the_loss_in_pieces_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against automatic differentiation of the whole in 64 bits."""
    import torch

    monkeypatch.setattr(head, "PIECE_BYTES", 4 * 50 * 3)  # three tokens at a time
    torch.manual_seed(0)
    layer = torch.nn.Linear(16, 50)
    assert not head.frozen_linear(layer)
    layer.requires_grad_(False)
    assert head.frozen_linear(layer)
    hidden = (3 * torch.randn(10, 16)).requires_grad_()
    targets = torch.randint(0, 50, (10,))
    exact = hidden.detach().double().requires_grad_()
    logits = exact @ layer.weight.double().t() + layer.bias.double()
    expected = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
    backward(expected)
    loss = head.piecewise_nll(hidden, layer, targets)
    backward(loss / 7)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    assert hidden.grad is not None
    assert exact.grad is not None
    torch.testing.assert_close(hidden.grad.double(), exact.grad / 7, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_lean_adapters_are_switched_off_and_left_alone_as_pefts_are() -> None:
    import torch

    torch.manual_seed(0)
    assert lean_adapters(with_adapter(llama(), dropout=0.5)) == 0
    model = with_adapter(llama())
    ids = torch.tensor([token_rows(20)[0].ids])
    with torch.no_grad():
        usual = model(input_ids=ids).logits
        with model.disable_adapter():
            base = model(input_ids=ids).logits
        names = sorted(model.state_dict())
        assert lean_adapters(model) == 4
        torch.testing.assert_close(model(input_ids=ids).logits, usual)
        with model.disable_adapter():
            torch.testing.assert_close(model(input_ids=ids).logits, base)
        assert sorted(model.state_dict()) == names
        merged = model.merge_and_unload()
        torch.testing.assert_close(merged(input_ids=ids).logits, usual, rtol=1e-4, atol=1e-4)
