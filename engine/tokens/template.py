"""A chat template as the models' own tools run it, without those tools.

The environment is that of transformers' ``apply_chat_template`` (sandboxed Jinja,
``trim_blocks``, ``lstrip_blocks``, loop controls, ``raise_exception``,
``strftime_now``, a ``tojson`` that escapes no HTML, and ``generation`` blocks), so
that the text is the same to the character; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import TemplateError
from engine.models import Turn

_HINT = "edit the example so that question and answer take turns, or choose another base"


class _Generation(Extension):
    """``{% generation %}`` marks the trained part for some tools; here it only prints it."""

    tags = {"generation"}  # noqa: RUF012  (the name and type are Jinja's)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: The Jinja text.
        special_tokens: What the template may name: ``bos_token``, ``eos_token``, ….

    Raises:
        TemplateError: The text is not a template.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str]) -> None:
        self.source = source
        self._special_tokens = dict(special_tokens)
        try:
            self._compiled = _environment().from_string(source)
        except jinja2.TemplateError as error:
            raise TemplateError(
                f"the base model's chat template can't be read: {error}",
                hint="choose another base, or mend its chat_template",
            ) from error

    def text(self, turns: Sequence[Turn], *, generation_prompt: bool = False) -> str:
        """Return a conversation as the model's text.

        Args:
            turns: The conversation.
            generation_prompt: Whether the text ends where an answer begins.

        Raises:
            TemplateError: The template refuses the conversation or fails on it.
        """
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        try:
            return self._compiled.render(
                messages=messages,
                tools=None,
                documents=None,
                add_generation_prompt=generation_prompt,
                **self._special_tokens,
            )
        except jinja2.TemplateError as error:
            reason = error.message or type(error).__name__
            raise TemplateError(
                f"the chat template refuses the conversation: {reason}", hint=_HINT
            ) from error
        # A template is a program of someone else's: it can fail in any way of these.
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateError(
                f"the chat template fails on the conversation: {error}", hint=_HINT
            ) from error
