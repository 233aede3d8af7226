"""Chat templates of finetui's own, for bases that bring none or should learn another form.

Each writes the same text as the template that it is named after, for conversations of
text that both take; ``python -m tests.bench.bench_templates`` compares them.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

from engine.errors import TemplateError
from engine.paths import shorten

_CONTROL = re.compile(r"<\|[a-z_]+\|>|<(?:start|end)_of_turn>")
_MOST_BYTES = 1_000_000


@cache
def names() -> tuple[str, ...]:
    """Return the names of the templates, in order."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".jinja") for name in found if name.endswith(".jinja")))


def named(name: str) -> str:
    """Return the text of a template of finetui's own.

    Raises:
        TemplateError: There is none of that name.
    """
    if name not in names():
        raise TemplateError(
            f"there is no chat template {name}",
            hint=f"name one of {', '.join(names())}, or the path of a Jinja file",
        )
    return (files(__package__) / f"{name}.jinja").read_text("utf-8")


def template_text(name_or_path: str) -> str:
    """Return a template by its name, or from a file.

    Raises:
        TemplateError: There is none of that name, or the file can't be read.
    """
    if name_or_path in names():
        return named(name_or_path)
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        return named(name_or_path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise TemplateError(
                f"{shorten(path)} is larger than {_MOST_BYTES:,} bytes",
                hint="name a chat template, a file of Jinja text",
            )
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(
            f"the chat template {shorten(path)} can't be read: {error}",
            hint="name a readable file of Jinja text",
        ) from error


def control_tokens(template: str) -> tuple[str, ...]:
    """Return the control tokens that a template writes by name, in order, once each."""
    return tuple(dict.fromkeys(_CONTROL.findall(template)))
