"""A chat template as the models' own tools run it, without those tools.

The environment is that of transformers' ``apply_chat_template`` (sandboxed Jinja,
``trim_blocks``, ``lstrip_blocks``, loop controls, ``raise_exception``,
``strftime_now``, a ``tojson`` that escapes no HTML, and ``generation`` blocks), so
that the text is the same to the character; a test compares the two.
"""

from __future__ import annotations

import json
import re
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
from engine.tokens.thinking import has_thinking, split_thinking

# Real templates are up to 40,000 characters long, and go round once or twice a message.
_MOST_SOURCE = 1_000_000
_MOST_ROUNDS = 100_000
_MOST_ROUNDS_A_MESSAGE = 1_000
_MOST_TEXT = 10_000_000
_MOST_BITS = 100_000
_WIDE = re.compile(r"%[^%a-z]*(?:\*|\d{5})")
_PROBE = "finetui-probe-thought"
_COUNT = "finetui_count_round"
# The names under which templates look for the thinking part of an answer.
_THINKING = re.compile(r"""(?:\.|\[['"]|get\(['"])(reasoning_content|reasoning|thinking)\b""")
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


class _Loops:
    """Counts the rounds of loops and the calls of macros in one rendering."""

    def __init__(self, messages: int) -> None:
        self._left = _MOST_ROUNDS + _MOST_ROUNDS_A_MESSAGE * messages

    def count(self) -> None:
        """Count one more.

        Raises:
            jinja2.TemplateError: There were too many.
        """
        self._left -= 1
        if self._left < 0:
            raise jinja2.TemplateError("it loops without end")


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox in which a template can't work for ever, nor fill the memory by one word."""

    intercepted_binops = frozenset(["*", "**", "%"])

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        found: list[nodes.For | nodes.Macro] = [*tree.find_all(nodes.For)]
        for node in [*found, *tree.find_all(nodes.Macro)]:
            count = nodes.Call(nodes.Name(_COUNT, "load"), [], [], None, None)
            node.body.insert(0, nodes.ExprStmt(count).set_lineno(node.lineno))
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%":
            if isinstance(left, str) and _WIDE.search(left):
                raise jinja2.TemplateError("it makes a text that is too long")
        elif not isinstance(left, int | float) or not isinstance(right, int | float):
            whole = [part for part in (left, right) if isinstance(part, int)]
            sized = [part for part in (left, right) if hasattr(part, "__len__")]
            if whole and sized and len(sized[0]) * whole[0] > _MOST_TEXT:
                raise jinja2.TemplateError("it makes a text that is too long")
        elif operator == "**" and _bits(left) * right > _MOST_BITS:
            raise jinja2.TemplateError("it makes a number that is too large")
        return super().call_binop(context, operator, left, right)


def _bits(number: float) -> int:
    return number.bit_length() if isinstance(number, int) else 1


def _environment() -> ImmutableSandboxedEnvironment:
    environment = _Environment(
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
        self.special_tokens: Mapping[str, str] = dict(special_tokens)
        if len(source) > _MOST_SOURCE:
            raise TemplateError(
                f"the chat template is {len(source):,} characters long; "
                f"{_MOST_SOURCE:,} are the most",
                hint="choose another base, or give it another template",
            )
        try:
            self._compiled = _environment().from_string(source)
        except (jinja2.TemplateError, RecursionError, SyntaxError) as error:
            raise TemplateError(
                f"the base model's chat template can't be read: {error}",
                hint="choose another base, or mend its chat_template",
            ) from error
        self._thinking: tuple[str, ...] = ()
        self._thinking = self._names_of_thinking()

    @property
    def named_tokens(self) -> tuple[str, ...]:
        """The special tokens that the template may name, each as ``name=token``, in order."""
        return tuple(f"{name}={token}" for name, token in sorted(self.special_tokens.items()))

    @property
    def bos_token(self) -> str:
        """The token that begins a text; empty where the base's files name none."""
        return self.special_tokens.get("bos_token", "")

    def _names_of_thinking(self) -> tuple[str, ...]:
        """Return under which names the template takes an answer's thinking part, and writes it.

        Many templates have a name for it and yet leave it out, being of models that don't
        think by default; then it stays in the answer's text.
        """
        names = tuple(sorted(set(_THINKING.findall(self.source))))
        if not names:
            return ()
        self._thinking = names
        try:
            text = self.text([Turn("user", "?"), Turn("assistant", f"<think>{_PROBE}</think>!")])
        except TemplateError:
            return ()
        return names if _PROBE in text else ()

    def text(self, turns: Sequence[Turn], *, generation_prompt: bool = False) -> str:
        """Return a conversation as the model's text.

        Args:
            turns: The conversation.
            generation_prompt: Whether the text ends where an answer begins.

        Raises:
            TemplateError: The template refuses the conversation or fails on it.
        """
        loops = _Loops(len(turns))
        written: list[str] = []
        room = _MOST_TEXT + 2 * sum(len(turn.content) for turn in turns)
        try:
            for part in self._compiled.generate(
                messages=[self.message(turn) for turn in turns],
                tools=None,
                documents=None,
                add_generation_prompt=generation_prompt,
                **{_COUNT: loops.count},
                **self.special_tokens,
            ):
                room -= len(part)
                if room < 0:
                    raise jinja2.TemplateError("it writes without end")
                written.append(part)
        except jinja2.TemplateError as error:
            reason = error.message or type(error).__name__
            raise TemplateError(
                f"the chat template refuses the conversation: {reason}", hint=_HINT
            ) from error
        # A template is a program of someone else's: it can fail in any way of these.
        except (
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
            MemoryError,
        ) as error:
            reason = str(error) or type(error).__name__
            raise TemplateError(
                f"the chat template fails on the conversation: {reason}", hint=_HINT
            ) from error
        return "".join(written)

    def message(self, turn: Turn) -> dict[str, str]:
        """Return a turn as the template gets it, with its thinking part under its own names."""
        if turn.role == "assistant" and self._thinking and has_thinking(turn.content):
            thought, answer = split_thinking(turn.content)
            return {"role": turn.role, "content": answer, **dict.fromkeys(self._thinking, thought)}
        return {"role": turn.role, "content": turn.content}
