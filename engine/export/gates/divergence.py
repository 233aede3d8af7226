"""How far one distribution over the vocabulary is from another, a token at a time.

For a token of which the truth is a distribution P and a file gives Q: the negative log-likelihood
of the trained token is -log Q(token), as in transformers' loss and in llama.cpp's perplexity, whose
logarithm is its mean; the Kullback-Leibler divergence is the sum of P (log P - log Q), as in
llama.cpp's ``--kl-divergence``; top-1 agrees where both have the same most likely token. All in
nats. Sums are taken in float64, for one token at a time, so that memory does not grow with tokens.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


class TokenScore(NamedTuple):
    """What a file makes of one trained token.

    Attributes:
        nll: Negative log-likelihood of the token, in nats.
        kl: Divergence from the truth, in nats; 0 where there is no truth.
        agrees: Whether the most likely token is that of the truth.
    """

    nll: float
    kl: float
    agrees: bool


def log_probabilities(logits: Floats) -> NDArray[np.float64]:
    """Return the logarithms of probabilities of logits, of shape (vocabulary,), in float64."""
    values = logits.astype(np.float64)
    values -= values.max()
    values -= np.log(np.exp(values).sum())
    return values


def token_score(logits: Floats, token: int, truth: Floats | None) -> TokenScore:
    """Score one token.

    Args:
        logits: A file's, of shape (vocabulary,).
        token: The trained token's id.
        truth: Log-probabilities of the truth, of shape (vocabulary,). Where one vocabulary is
            padded to be longer, what both have is compared.
    """
    size = logits.size if truth is None else min(logits.size, truth.size)
    ours = log_probabilities(logits[:size])
    nll = -float(ours[token])
    if truth is None:
        return TokenScore(nll, 0.0, True)
    theirs = truth[:size].astype(np.float64)
    probable = np.exp(theirs)
    # What the truth gives no probability adds nothing, whatever the file gives it.
    some = probable > 0
    kl = float((probable[some] * (theirs[some] - ours[some])).sum())
    return TokenScore(nll, kl, int(theirs.argmax()) == int(ours.argmax()))
