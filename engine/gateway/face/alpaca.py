"""Prompts in Alpaca's form, which a router may send to ``/v1/completions``.

A model that was tuned on a chat template does better when the same question comes in that
template. The form is Stanford Alpaca's, less its preamble.
"""

from __future__ import annotations

import itertools
import re

_FIRST = "### Instruction:"
_LAST = ("### Response:", "### Response:\n")
_HEADING = re.compile(r"\n### (Instruction|Input|Response):")
_FORMS = (["Response"], ["Input", "Response"])


def question(prompt: object) -> str | None:
    """Return what a prompt of exactly that form asks, with its input below; None for another.

    It takes a time in proportion to the prompt's length.
    """
    if not isinstance(prompt, str) or not prompt.startswith(_FIRST):
        return None
    # More headings than a form has are several turns in one prompt.
    found = list(itertools.islice(_HEADING.finditer(prompt, len(_FIRST)), 3))
    if [one[1] for one in found] not in _FORMS or prompt[found[-1].start() + 1 :] not in _LAST:
        return None
    starts = [len(_FIRST), *(one.end() for one in found[:-1])]
    parts = [prompt[start : one.start() + 1] for start, one in zip(starts, found, strict=True)]
    if any(len(part) < 3 or part[0] != "\n" or part[-2:] != "\n\n" for part in parts):
        return None
    return "\n\n".join(part[1:-2] for part in parts)
