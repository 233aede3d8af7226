"""The lines over a run's live view; nothing here touches a widget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from engine.runs import stall_words, status_words, verdict_words
from engine.runs.verdict import worse_since
from tui.bridge.run_tail import JobState
from tui.widgets.rows import Style
from tui.widgets.runs import SIGNS
from tui.widgets.words import bar, duration, one_line

if TYPE_CHECKING:
    from engine.runs import RunView

_COLOURS: Mapping[Style, str] = {
    "accent": "$text-accent",
    "warning": "$text-warning",
    "success": "$text-success",
    "error": "$text-error",
    "muted": "$text-muted",
}


def headline(job: JobState, width: int, now: float) -> list[Content]:
    """Return two lines: what the job is and how far it has got."""
    return [_first_line(job, width, now), _second_line(job, width, now)]


def _first_line(job: JobState, width: int, now: float) -> Content:
    view = job.view
    sign, style = SIGNS.get(view.status, ("?", "muted"))
    colour = _COLOURS.get(style, "")
    parts: list[tuple[str, str]] = [
        (f"{sign} ", colour),
        (job.name, "bold"),
        (f" {one_line(status_words(view, now))}", colour),
        (_taken(job), ""),
    ]
    used = sum(len(text) for text, _ in parts)
    for value, label in _figures(job, now):
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


def _taken(job: JobState) -> str:
    """Return how long a job that has ended took: its last process, where it was resumed."""
    view = job.view
    if view.active or not view.started:
        return ""
    began = view.process_started or view.started
    took = duration((view.ended or view.last_seen) - began)
    if began > view.started:
        return f" {took} after it was resumed"
    return f" {'in' if view.status == 'finished' else 'after'} {took}"


def _figures(job: JobState, now: float) -> list[tuple[str, str]]:
    """Return the figures of the headline with their labels, only such as are known now."""
    view = job.view
    figures: list[tuple[str, str]] = []
    if view.active and view.started:
        figures.append((duration(now - (view.process_started or view.started)), ""))
    if view.total_steps and not job.quant:
        figures.append((f"{view.step:,}/{view.total_steps:,}", "step"))
    if not view.active:
        return figures
    if view.epoch:
        figures.append((f"{view.epoch:.1f}", "epoch"))
    left = view.eta_at(now)
    if left is None:  # no step has ended lately, so no rate is true now
        return figures
    figures.append((duration(left), "ETA"))
    if view.tokens_per_s is not None:
        figures.append((f"{view.tokens_per_s:,.0f} tokens/s", ""))
    if view.lr is not None:
        figures.append((f"{view.lr:.1e}", "lr"))
    return figures


def _second_line(job: JobState, width: int, now: float) -> Content:
    view = job.view
    if view.status in ("failed", "died"):
        last = one_line(view.message.splitlines()[-1] if view.message else "it wrote no message")
        hint = f" · {one_line(view.hint)}" if view.hint else ""
        return Content.assemble((last, "$text-error"), (hint, "$text-muted"))
    if view.status in ("prepared", "queued"):
        waits = view.waits or view.status == "prepared"
        words = (
            "o starts it, now or in the queue" if view.status == "prepared" else "s takes it out"
        )
        said = one_line(view.message) if view.message else words
        return Content.styled(said, "$text-muted" if waits else "$text-warning")
    if not view.active:
        return _outcome(job)
    phase = one_line(view.phase)
    percent = f" {100 * view.step // view.total_steps}%" if view.total_steps else ""
    note = f" · {one_line(view.phase_note)}" if view.phase_note else ""
    room = max(0, min(width - len(phase) - len(note) - len(percent) - 4, 60))
    if not view.total_steps or room < 8:
        return Content.styled(phase or "waiting for the job to begin", "$text-muted")
    stalled = stall_words(view)
    verdict = stalled or verdict_words(view)
    wanted = len(verdict) + 3 if verdict else 0
    if wanted and room - wanted >= 8:
        room -= wanted
    parts: list[tuple[str, str]] = [
        ("▕", "$text-muted"),
        (bar(view.step, view.total_steps, room), "$primary"),
        ("▏", "$text-muted"),
        (percent, ""),
        (f"  {phase}{note}", "$text-muted"),
    ]
    if verdict:
        parts.append(
            (f" · {verdict}", "$text-warning" if stalled or is_bad(view) else "$text-success")
        )
    return Content.assemble(*parts).truncate(width, ellipsis=True)


def is_bad(view: RunView) -> bool:
    """Return whether a run's evaluations are a warning: worse than its base, or than its best."""
    base, best = dict(view.evals).get(0), view.best
    if base is None or best is None:
        return False
    return best[1] >= base or worse_since(view)


def _outcome(job: JobState) -> Content:
    words = _export_words(job) if job.quant else _eval_words(job)
    return Content.assemble(*words, (f"{' · ' if words else ''}{what_next(job)}", "$text-muted"))


def _export_words(job: JobState) -> list[tuple[str, str]]:
    tuned = job.view.result.get("tuned")
    rate = tuned.get("tokens_per_s") if isinstance(tuned, Mapping) else None
    return [(f"answers at {rate:.0f} tokens/s", "")] if isinstance(rate, int | float) else []


def _eval_words(job: JobState) -> list[tuple[str, str]]:
    if is_bad(job.view):
        return [(verdict_words(job.view), "$text-warning")]
    losses = dict(job.view.evals)
    if 0 not in losses or job.view.eval_loss is None or len(losses) < 2:
        return []
    before, after = losses[0], job.view.eval_loss
    change = (after - before) / before if before else 0.0
    style = "$text-success" if after < before else "$text-warning"
    figures = f"{before:.3f} → {after:.3f}"
    return [("eval ", "$text-muted"), (figures, ""), (f"  {change:+.1%}", style)]


def what_next(job: JobState) -> str:
    """Return what can be done with a job that has ended, or why nothing can."""
    view = job.view
    refused, _ = job.resume_refused
    if job.quant:
        if view.status == "finished":
            return "5 puts it beside its base"
        return one_line(refused) or "r exports it again"
    if view.status == "finished":
        return one_line(job.export_refused[0]) or "e exports it"
    if job.resume_step is not None:
        then = f"r resumes it from step {job.resume_step:,}"
        return f"{then} · e exports it" if not job.export_refused[0] else then
    if view.status in ("killed", "stopped"):
        return "it left no checkpoint · o starts it again, now or in the queue"
    return one_line(refused or view.message)


def no_samples(job: JobState) -> str:
    """Return what stands where the model's answers will be."""
    if job.view.active:
        return "the model answers the sample prompts at each evaluation: nothing yet"
    return "this run has answered no sample prompts (sample_prompts in its settings)"


def match_words(words: str, place: int, count: int) -> str:
    """Return which match of a search is shown; empty where nothing is searched for."""
    if not words:
        return ""
    if not count:
        return f"nothing holds {one_line(words)}"
    return f"{place:,} of {count:,} with {one_line(words)} · m next · M previous"
