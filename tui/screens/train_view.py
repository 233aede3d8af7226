"""What the Train screen says of a run, as lines; nothing here touches a widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from tui.bridge.run_tail import JobState
from tui.widgets.plot import Curve
from tui.widgets.rows import Part, Style
from tui.widgets.words import ago, bar, duration, fit, one_line

SIGNS: Mapping[str, tuple[str, Style]] = {
    "created": ("…", "accent"),
    "running": ("▶", "accent"),
    "stopping": ("▶", "warning"),
    "finished": ("✓", "success"),
    "stopped": ("■", "muted"),
    "failed": ("✗", "error"),
    "died": ("✗", "error"),
}
"""The sign and colour of each status of the run protocol."""

_COLOURS: Mapping[Style, str] = {
    "accent": "$text-accent",
    "warning": "$text-warning",
    "success": "$text-success",
    "error": "$text-error",
    "muted": "$text-muted",
}


def row_parts(job: JobState, width: int, now: float, *, held: bool) -> list[Part]:
    """Return a row of the list: sign, id, base, dataset, loss, age.

    Args:
        job: The run or export.
        width: Cells of the row.
        now: Seconds since the epoch, for the age.
        held: Whether its curves are held for comparing.
    """
    sign, style = SIGNS.get(job.view.status, ("?", "muted"))
    age = short_age(job.view.started, now)
    if job.quant:
        size = _bytes(job.view.result.get("tuned_bytes"))
        shown = size or (job.view.status if not job.view.active else job.view.phase)
        room = max(0, width - 8 - 6)
        return [
            ("   └ ", "muted"),
            (f"{sign} ", style),
            (fit(f"{job.quant}  {one_line(shown)}", room), "row"),
            (f"{age:>6}", "muted"),
        ]
    loss = "" if job.view.loss is None else f"{job.view.loss:.2f}"
    if job.view.eval_loss is not None:
        loss = f"◆{job.view.eval_loss:.2f}"
    rest = max(0, width - 2 - 5 - 6 - 6)
    base = min(max(rest // 2, 8), 24)
    return [
        (f"{sign} ", style),
        (fit(job.short, 4) + ("≈" if held else " "), "strong"),
        (fit(one_line(job.base), base - 1) + " ", "row"),
        (fit(one_line(job.dataset), max(0, rest - base)), "muted"),
        (f"{loss:>6}", "row"),
        (f"{age:>6}", "muted"),
    ]


def short_age(then: float, now: float) -> str:
    """Return an age in at most five cells: ``now``, ``4 min``, ``12 h``, ``3 d``."""
    if then <= 0:
        return ""
    seconds = max(0.0, now - then)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        count = int(seconds // size)
        if count:
            return f"{count} {unit}"
    return "now"


def headline(job: JobState, width: int, now: float) -> list[Content]:
    """Return two lines: what the job is and how far it has got."""
    return [_first_line(job, width, now), _second_line(job, width)]


def _first_line(job: JobState, width: int, now: float) -> Content:
    view = job.view
    sign, style = SIGNS.get(view.status, ("?", "muted"))
    colour = _COLOURS.get(style, "")
    figures: list[tuple[str, str]] = []
    end = now if view.active else view.ended or view.last_seen
    if view.started:
        figures.append((duration(end - view.started), "" if view.active else "in"))
    if view.total_steps and not job.quant:
        figures.append((f"{view.step:,}/{view.total_steps:,}", "step"))
    if view.epoch and view.active:
        figures.append((f"{view.epoch:.1f}", "epoch"))
    if view.active and view.eta_s is not None:
        figures.append((duration(view.eta_s), "ETA"))
    if view.active and view.tokens_per_s is not None:
        figures.append((f"{view.tokens_per_s:,.0f} tokens/s", ""))
    if view.active and view.lr is not None:
        figures.append((f"{view.lr:.1e}", "lr"))
    parts: list[tuple[str, str]] = [
        (f"{sign} ", colour),
        (job.name, "bold"),
        (f" {view.status}", colour),
    ]
    used = sum(len(text) for text, _ in parts)
    for value, label in figures:
        more = f"{label} {value}" if label else value
        if used + len(more) + 3 > width:
            break
        used += len(more) + 3
        parts += [
            (" · ", "$text-muted"),
            (f"{label} " if label else "", "$text-muted"),
            (value, ""),
        ]
    return Content.assemble(*parts)


def _second_line(job: JobState, width: int) -> Content:
    view = job.view
    if view.status in ("failed", "died"):
        last = one_line(view.message.splitlines()[-1] if view.message else "it said nothing")
        hint = f" · {one_line(view.hint)}" if view.hint else ""
        return Content.assemble((last, "$text-error"), (hint, "$text-muted"))
    if not view.active:
        return _outcome(job)
    phase = one_line(view.phase)
    percent = f" {100 * view.step // view.total_steps}%" if view.total_steps else ""
    room = max(0, min(width - len(phase) - len(percent) - 4, 60))
    if not view.total_steps or room < 8:
        return Content.styled(phase or "waiting for the job to begin", "$text-muted")
    return Content.assemble(
        ("▕", "$text-muted"),
        (bar(view.step, view.total_steps, room), "$primary"),
        ("▏", "$text-muted"),
        (percent, ""),
        (f"  {phase}", "$text-muted"),
    )


def _outcome(job: JobState) -> Content:
    view = job.view
    if job.quant:
        rate = view.result.get("tokens_per_s")
        speed = f"answers at {rate:.0f} tokens/s · " if isinstance(rate, int | float) else ""
        return Content.assemble((speed, ""), ("5 puts it beside its base", "$text-muted"))
    losses = dict(view.evals)
    words: list[tuple[str, str]] = []
    if 0 in losses and view.eval_loss is not None and len(losses) > 1:
        before, after = losses[0], view.eval_loss
        change = (after - before) / before if before else 0.0
        style = "$text-success" if after < before else "$text-warning"
        figures = f"{before:.3f} → {after:.3f}"
        words = [("eval ", "$text-muted"), (figures, ""), (f"  {change:+.1%}", style)]
    then = "e exports it" if view.status == "finished" else "r goes on from its last checkpoint"
    if view.status == "stopped" and not view.checkpoints:
        then = one_line(view.message) or "it left no checkpoint"
    return Content.assemble(*words, (f"{' · ' if words else ''}{then}", "$text-muted"))


def curves_of(job: JobState, held: JobState | None) -> list[Curve]:
    """Return the curves of a run, and behind them those of the run that is held."""
    curves: list[Curve] = []
    if held is not None and held.dir != job.dir:
        curves += [
            Curve(
                f"{held.short} loss", held.view.losses, style="$text-muted", faint="$text-muted 30%"
            ),
            Curve(
                f"{held.short} eval", held.view.evals, "marks", "$text-muted", "$text-muted", "◇"
            ),
        ]
    prefix = f"{job.short} " if curves else ""
    return [
        *curves,
        Curve(f"{prefix}loss", job.view.losses),
        Curve(f"{prefix}eval", job.view.evals, "marks", "$accent", "$accent", "◆"),
    ]


def no_curve(job: JobState) -> str:
    """Return what stands where the plot will be."""
    if job.view.active:
        phase = one_line(job.view.phase)
        return f"the curve begins with the first step{f' · now: {phase}' if phase else ''}"
    return "this run wrote no step"


def differences(
    spec: Mapping[str, object], other: Mapping[str, object]
) -> list[tuple[str, str, str]]:
    """Return the hyperparameters in which two specs differ: name, here, there."""
    names = [name for name in dict.fromkeys([*spec, *other]) if not name.endswith("_dir")]
    return [
        (name, _word(spec.get(name)), _word(other.get(name)))
        for name in names
        if spec.get(name) != other.get(name)
    ]


def _word(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return one_line(str(value))


def pairs(rows: Sequence[tuple[str, str]], width: int, *, label: int = 9) -> list[Content]:
    """Return label and value lines, values cut to the width."""
    return [
        Content.assemble(
            (f"{name:<{label}}", "$text-muted"), fit(value, max(width - label, 1)).rstrip()
        )
        for name, value in rows
    ]


def _bytes(value: object) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:,.0f} MB"


def when(job: JobState, now: float) -> str:
    """Return when a job began, in words."""
    return ago(job.view.started, now)
