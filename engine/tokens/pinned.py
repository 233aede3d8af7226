"""A chat template that others fill in as training did.

llama.cpp's server gives templates what training did not: today's date, and that the model is to
think. A template that goes by such a variable would say something else to the model than it was
trained on, so the exported one sets it first, to the value with which it says the same as without.

A template that refuses, drops or moves a system message got it in training as part of the first
question; others send it as it is, so the exported one puts it there itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens.template import ChatTemplate

# What llama.cpp sets, and to what.
_SET = {"enable_thinking": "true", "thinking": "true", "date_string": "'01 Jan 1971'"}
_FOLD = (
    "{% if messages | length > 1 and messages[0].role == 'system' and messages[1].role == 'user'"
    " and messages[0].content is string and messages[1].content is string %}"
    "{% if messages[0].content | trim %}"
    "{% set messages = [{'role': 'user', 'content':"
    " (messages[0].content | trim) + '\\n\\n' + messages[1].content}] + messages[2:] %}"
    "{% else %}{% set messages = messages[1:] %}{% endif %}{% endif %}"
)
_PROBES = (
    (Turn("user", "A"),),
    (Turn("system", "B"), Turn("user", "A")),
    (Turn("user", "A"), Turn("assistant", "<think>\nD\n</think>\n\nB"), Turn("user", "C")),
)


def pinned(template: str, special_tokens: Mapping[str, str]) -> str:
    """Return a template that says the same whatever llama.cpp sets.

    Args:
        template: The Jinja text.
        special_tokens: What the template may name: ``bos_token``, ``eos_token``, ….

    Returns:
        The template itself where it says the same anyway, or where no value is found with which it
        does: then the gate of tokens says so.
    """
    wanted = _texts(template, special_tokens)
    for name, given in _SET.items():
        if not re.search(rf"\b{name}\b", template):
            continue
        if _texts(_with(name, given, template), special_tokens) == wanted:
            continue
        for value in _values(name, template):
            found = _with(name, value, template)
            if _texts(found, special_tokens) == wanted:
                template = found
                break
    return template


def folding(template: str) -> str:
    """Return a template that puts a system message before the first question, as training did.

    It does what :meth:`engine.tokens.Tokenizer.prepared` does.
    """
    return _before(_FOLD, template)


def _with(name: str, value: str, template: str) -> str:
    return _before(f"{{% set {name} = {value} %}}", template)


def _before(statements: str, template: str) -> str:
    # A line's end right after a statement would go.
    guard = "{{ '' }}" if template.startswith(("\n", "\r")) else ""
    return f"{statements}{guard}{template}"


def _values(name: str, template: str) -> Sequence[str]:
    if name != "date_string":
        return ("false", "true")
    return re.findall(r"""\bdate_string\s*=\s*("[^"\n]*"|'[^'\n]*')""", template)


def _texts(template: str, special_tokens: Mapping[str, str]) -> list[str]:
    """Return what a template makes of a few conversations; empty where it refuses one."""
    found = []
    for generation_prompt in (False, True):
        for turns in _PROBES:
            try:
                chat = ChatTemplate(template, special_tokens)
                found.append(chat.text(turns, generation_prompt=generation_prompt))
            except TemplateError:
                found.append("")
    return found
