"""Prompts in Alpaca's form, which a router may send to ``/v1/completions``.

A model that was tuned on a chat template does better when the same question comes in that
template. The form is Stanford Alpaca's, less its preamble.
"""

from __future__ import annotations

import re

_FORM = re.compile(
    r"### Instruction:\n(?P<asked>.*?)\n\n(?:### Input:\n(?P<given>.*?)\n\n)?### Response:\n?",
    re.DOTALL,
)
_HEADING = re.compile(r"^### (?:Instruction|Input|Response):", re.MULTILINE)


def question(prompt: object) -> str | None:
    """Return what a prompt of exactly that form asks, with its input below; None for another."""
    if not isinstance(prompt, str) or not (found := _FORM.fullmatch(prompt)):
        return None
    asked, given = found["asked"], found["given"]
    if any(_HEADING.search(part) for part in (asked, given or "")):
        return None  # several turns in one prompt
    return asked if given is None else f"{asked}\n\n{given}"
