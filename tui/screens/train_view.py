"""The lines over a run's live view, and its curves; nothing here touches a widget."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from tui.bridge.run_tail import JobState
from tui.widgets.plot import Curve
from tui.widgets.rows import Style
from tui.widgets.runs import SIGNS
from tui.widgets.words import bar, duration, one_line

_COLOURS: Mapping[Style, str] = {
    "accent": "$text-accent",
    "warning": "$text-warning",
    "success": "$text-success",
    "error": "$text-error",
    "muted": "$text-muted",
}


def headline(job: JobState, width: int, now: float) -> list[Content]:
    """Return two lines: what the job is and how far it has got."""
    return [_first_line(job, width, now), _second_line(job, width)]


def _first_line(job: JobState, width: int, now: float) -> Content:
    view = job.view
    sign, style = SIGNS.get(view.status, ("?", "muted"))
    colour = _COLOURS.get(style, "")
    figures: list[tuple[str, str]] = []
    end = now if view.active else view.ended or view.last_seen
    took = duration(end - view.started) if view.started else ""
    if took and view.active:
        figures.append((took, ""))
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
        (f" {'in' if view.status == 'finished' else 'after'} {took}", "")
        if took and not view.active
        else ("", ""),
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
        muted, name = "$text-muted", held.short
        curves = [
            Curve("loss", held.view.losses, style=muted, faint="$text-muted 30%", group=name),
            Curve("eval", held.view.evals, "marks", muted, muted, "◇", name),
        ]
    name = job.short if curves else ""
    return [
        *curves,
        Curve("loss", job.view.losses, group=name),
        Curve("eval", job.view.evals, "marks", "$accent", "$accent", "◆", name),
    ]


def no_curve(job: JobState) -> str:
    """Return what stands where the plot will be."""
    if job.view.active:
        phase = one_line(job.view.phase)
        return f"the curve begins with the first step{f' · now: {phase}' if phase else ''}"
    return "this run wrote no step"
