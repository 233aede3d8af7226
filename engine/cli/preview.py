"""``finetui dataset preview``: an example as the model sees it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine.cli.common import common_options, opened, print_json, say, table
from engine.dataset import rows_to_preview
from engine.text import inert
from engine.tokens import (
    Preview,
    Tokenizer,
    control_tokens_in_content,
    segments,
    shipped,
)
from engine.tokens import (
    preview as token_preview,
)

# What is trained is told by marks, and by colours where there are some.
_MARKS = {"trained": "⟦{}⟧", "masked": "{}", "cut": "⟨cut: {}⟩"}
_COLOURS: dict[str, dict[str, Any]] = {
    "trained": {"fg": "green", "bold": True},
    "masked": {"dim": True},
    "cut": {"fg": "red", "strikethrough": True},
}


@click.command("preview")
@click.argument("example_id")
@click.option("--base", "base_name", default=None, help="The base model (default: the settings').")
@click.option(
    "--max-length",
    type=click.IntRange(min=8),
    default=None,
    help="The longest row, in tokens (default: the settings').",
)
@click.option(
    "--template",
    default="",
    help=f"Another chat template than the base's: a Jinja file, or {', '.join(shipped.names())}.",
)
@click.option("--tokens", "list_tokens", is_flag=True, help="List each token with its id.")
@common_options
def preview(
    example_id: str,
    base_name: str | None,
    max_length: int | None,
    template: str,
    list_tokens: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Show any example as the model sees it; what is trained stands in ⟦ ⟧."""
    with opened(workspace) as space:
        card = space.store.card(example_id)
        found = rows_to_preview(space, card=card, base=base_name or "")
    (row,), base, longest = found.rows, found.base, max_length or found.max_length
    tokenizer = Tokenizer.load(base.directory, template=template)
    control = control_tokens_in_content(tokenizer, row.turns)
    seen = token_preview(tokenizer, row.turns, max_length=longest)
    if as_json:
        print_json(
            _as_dict(seen, tokenizer, list_tokens)
            | {"id": row.id, "base": base.name, "template": template, "max_length": longest}
            | {"control_tokens": control}
        )
        return
    if list_tokens:
        _say_tokens(seen, tokenizer)
    else:
        _say_text(seen)
    say()
    _say_counts(seen, base.name, longest)
    if control:
        say(f"its own text holds control tokens, so a freeze refuses it: {', '.join(control)}")


def _as_dict(seen: Preview, tokenizer: Tokenizer, list_tokens: bool) -> dict[str, object]:
    rendered = seen.rendered
    found: dict[str, object] = {
        "tokens": len(rendered.ids),
        "trained": rendered.trained_count,
        "truncated": rendered.truncated,
        "turns": [asdict(turn) | {"total": turn.total} for turn in seen.turns],
        "segments": [asdict(part) for part in segments(rendered)],
        "ids": rendered.ids,
        "labels": rendered.labels,
    }
    if list_tokens:
        found["list"] = [
            asdict(token) | {"token": tokenizer.token(token.id)} for token in seen.tokens
        ]
    return found


def _say_text(seen: Preview) -> None:
    parts = segments(seen.rendered)
    texts = [part.text for part in parts]
    texts[-1] = texts[-1].rstrip("\n")
    for part, text in zip(parts, texts, strict=True):
        words = _MARKS[part.kind].format(inert(text)) if text else ""
        _styled(words, part.kind, newline=False)
    say()


def _styled(text: str, kind: str, *, newline: bool = True) -> None:
    # https://no-color.org: any value of it but an empty one; click does not look.
    colour = False if os.environ.get("NO_COLOR") else None
    click.echo(click.style(text, **_COLOURS[kind]), nl=newline, color=colour)


def _say_tokens(seen: Preview, tokenizer: Tokenizer) -> None:
    width = len(str(len(seen.tokens)))
    for number, token in enumerate(seen.tokens, 1):
        turn = f"{token.turn + 1} {seen.turns[token.turn].role}"
        words = f"{number:>{width}}  {token.id:>7}  {token.kind:<7}  {turn:<12}  "
        text = repr(token.text or tokenizer.token(token.id))
        _styled(words + inert(text), token.kind)


def _say_counts(seen: Preview, base: str, longest: int | None) -> None:
    rows = [
        (f"{number} {turn.role}", turn.trained, turn.masked, turn.cut)
        for number, turn in enumerate(seen.turns, 1)
    ]
    table(("turn", "trained", "masked", "cut off"), rows)
    rendered = seen.rendered
    cut = f", {rendered.truncated:,} cut off at {longest or 0:,}" if rendered.truncated else ""
    say()
    say(f"{len(rendered.ids):,} tokens of {base}, {rendered.trained_count:,} trained (in ⟦ ⟧){cut}")
    lost = sum(turn.lost for turn in seen.turns)
    if not rendered.trained_count:
        say("none of its tokens would be trained, so a freeze refuses it")
    elif lost:
        say(f"{lost:,} of its {lost + rendered.trained_count:,} trained tokens are lost to the cut")
