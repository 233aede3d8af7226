"""Token truth: what a conversation is for a model, and which tokens are trained."""

from engine.tokens import shipped
from engine.tokens.render import (
    IGNORED,
    Rendered,
    Segment,
    control_tokens_in_content,
    prompt_ids,
    render,
    segments,
)
from engine.tokens.served import Additions, additions
from engine.tokens.tokenizer import Tokenizer
from engine.tokens.view import Cost, Loss, Preview, Token, TurnTokens, cost, preview

__all__ = [
    "IGNORED",
    "Additions",
    "Cost",
    "Loss",
    "Preview",
    "Rendered",
    "Segment",
    "Token",
    "Tokenizer",
    "TurnTokens",
    "additions",
    "control_tokens_in_content",
    "cost",
    "preview",
    "prompt_ids",
    "render",
    "segments",
    "shipped",
]
