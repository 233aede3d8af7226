"""Figures of one token, against PyTorch's and scipy's own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine.export.gates.divergence import log_probabilities, token_score


@pytest.fixture
def pair() -> tuple[Any, Any]:
    """Return logits of a truth and of a file, over 50 tokens."""
    chance = np.random.default_rng(0)
    truth = chance.normal(size=50).astype(np.float32) * 3
    return truth, (truth + chance.normal(size=50) / 4).astype(np.float32)


def test_the_divergence_is_that_of_torch_and_scipy(pair: tuple[Any, Any]) -> None:
    import torch
    from scipy.special import rel_entr, softmax

    truth, logits = pair
    found = token_score(logits, 7, log_probabilities(truth))
    theirs = torch.nn.functional.kl_div(
        torch.log_softmax(torch.tensor(logits).double(), -1),
        torch.log_softmax(torch.tensor(truth).double(), -1),
        reduction="sum",
        log_target=True,
    )
    assert found.kl == pytest.approx(float(theirs), rel=1e-9)
    assert found.kl == pytest.approx(
        float(rel_entr(softmax(truth.astype(float)), softmax(logits.astype(float))).sum()), rel=1e-6
    )


def test_the_loss_is_cross_entropy(pair: tuple[Any, Any]) -> None:
    import torch

    _, logits = pair
    theirs = torch.nn.functional.cross_entropy(torch.tensor(logits)[None], torch.tensor([7]))
    assert token_score(logits, 7, None).nll == pytest.approx(float(theirs), rel=1e-6)


def test_top_1_is_of_the_truth(pair: tuple[Any, Any]) -> None:
    truth, logits = pair
    assert token_score(logits, 0, log_probabilities(truth)).agrees
    other = logits.copy()
    other[int(truth.argmin())] = logits.max() + 1
    assert not token_score(other, 0, log_probabilities(truth)).agrees


def test_what_the_truth_rules_out_adds_nothing() -> None:
    truth = np.array([0.0, -np.inf, 0.0])
    truth -= math.log(2)
    found = token_score(np.zeros(3, np.float32), 0, truth)
    assert found.kl == pytest.approx(math.log(3 / 2))


def test_a_padded_vocabulary_is_compared_where_both_have_tokens() -> None:
    logits = np.array([1.0, 2.0, 3.0], np.float32)
    padded = np.append(log_probabilities(logits), [-40.0, -40.0])
    assert token_score(logits, 0, padded).kl == pytest.approx(0, abs=1e-9)
