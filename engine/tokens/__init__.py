"""Token truth: what a conversation is for a model, and which tokens are trained."""

from engine.tokens.render import (
    IGNORED,
    Rendered,
    Segment,
    control_tokens_in_content,
    prompt_ids,
    render,
    segments,
)
from engine.tokens.tokenizer import Tokenizer

__all__ = [
    "IGNORED",
    "Rendered",
    "Segment",
    "Tokenizer",
    "control_tokens_in_content",
    "prompt_ids",
    "render",
    "segments",
]
