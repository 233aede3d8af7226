"""Tokens that show by their form whose they are, besides those that detect-secrets knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.quality.secrets.plausible import is_placeholder, is_random
from engine.quality.secrets.spans import Candidate


@dataclass(frozen=True, slots=True)
class TokenKind:
    """A form of token.

    ``anchors`` are pieces of text without which none can be there; ``skip`` is how many
    characters of the value are the same in all such tokens.
    """

    code: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    skip: int = 0


def _kind(code: str, anchors: str, pattern: str, skip: int = 0) -> TokenKind:
    whole = re.compile(rf"(?<![A-Za-z0-9_])(?:{pattern})(?![A-Za-z0-9])")
    return TokenKind(code, tuple(anchors.split()), whole, skip)


# The forms are those that the providers document for their secret scanning.
KINDS: tuple[TokenKind, ...] = (
    _kind("anthropic-key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{20,200}", 7),
    _kind(
        "openai-key", "sk-", r"sk-(?!ant-)(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,220}", 3
    ),
    _kind("openrouter-key", "sk-or-", r"sk-or-v1-[0-9a-f]{64}", 9),
    _kind("huggingface-token", "hf_", r"hf_[A-Za-z0-9]{30,40}", 3),
    _kind("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36,255}", 4),
    _kind("github-token", "github_pat_", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", 11),
    _kind("slack-token", "xox xapp-", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{16,250}", 5),
    _kind("google-key", "AIza", r"AIza[0-9A-Za-z_-]{35}", 4),
    _kind("google-token", "ya29.", r"ya29\.[0-9A-Za-z_-]{20,400}", 5),
    _kind("google-secret", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{28}", 7),
    _kind("stripe-key", "k_live_ k_test_", r"[rsp]k_(?:live|test)_[A-Za-z0-9]{16,250}", 8),
    _kind("stripe-key", "whsec_", r"whsec_[A-Za-z0-9+/]{24,80}", 6),
    _kind("aws-access-key", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}", 4),
    _kind("groq-key", "gsk_", r"gsk_[A-Za-z0-9]{40,80}", 4),
    _kind("xai-key", "xai-", r"xai-[A-Za-z0-9]{60,100}", 4),
    _kind("replicate-token", "r8_", r"r8_[A-Za-z0-9]{30,50}", 3),
    _kind("digitalocean-token", "do", r"do[opr]_v1_[0-9a-f]{64}", 7),
    _kind("npm-token", "npm_", r"npm_[A-Za-z0-9]{36}", 4),
    _kind("docker-token", "dckr_pat_", r"dckr_pat_[A-Za-z0-9_-]{24,40}", 9),
    _kind("shopify-token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", 6),
    _kind("databricks-token", "dapi", r"dapi[0-9a-f]{32}", 4),
    _kind("notion-token", "ntn_", r"ntn_[A-Za-z0-9]{40,60}", 4),
    _kind("telegram-token", ":AA", r"[0-9]{8,10}:AA[0-9A-Za-z_-]{33}", 0),
)


def find_tokens(window: str, offset: int) -> Iterator[Candidate]:
    """Yield the tokens in a window of text, with places in the whole text."""
    for kind in KINDS:
        if not any(anchor in window for anchor in kind.anchors):
            continue
        for match in kind.pattern.finditer(window):
            if _is_real(match.group()[kind.skip :], kind.code):
                start, end = match.span()
                yield Candidate(offset + start, offset + end, kind.code, 0.95, 1)


def _is_real(body: str, code: str) -> bool:
    if code == "aws-access-key":
        # Sixteen capitals and digits; about one id in a hundred holds no digit.
        return not is_placeholder(body) and any(c.isdigit() for c in body)
    return is_random(body, named=True)
