"""Whether a run fits, as the form shows it: a gauge, the parts, and what would fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from tui.widgets.words import bar, one_line

if TYPE_CHECKING:
    from engine.train.fit import Fit

_GAUGE = 24


def fit_lines(found: Fit) -> list[Content]:
    """Return a fit as two lines, and a third where the run doesn't fit."""
    parts, limit = found.parts, found.limit
    held = parts.adapter + parts.gradients + parts.optimizer
    sizes = (
        ("weights", parts.weights),
        ("adapter", held),
        ("activations", parts.activations),
        ("logits", parts.logits),
        ("context", parts.context),
    )
    style = "$primary" if found.fits else "$error"
    free = "" if found.target.cuda else " free"
    lines = [
        Content.assemble(
            ("▕", "$text-muted"),
            (bar(parts.total, limit, _GAUGE), style),
            ("▏ ", "$text-muted"),
            f"{parts.total / 1e9:.1f} of {limit / 1e9:.1f} GB{free} ",
            ("fits", "$text-success") if found.fits else ("does not fit", "bold $text-error"),
            (f"  {one_line(found.target.name)}", "$text-muted"),
        ),
        Content.styled(
            " · ".join(f"{name} {size / 1e9:.2f}" for name, size in sizes) + " GB", "$text-muted"
        ),
    ]
    if not found.fits:
        lines.append(_offer(found))
    return lines


def _offer(found: Fit) -> Content:
    if not found.nearest:
        return Content.styled("no settings fit: take a smaller base", "$text-warning")
    first = found.nearest[0]
    return Content.styled(f"fits with {first.words} (ctrl+f)", "$text-warning")
