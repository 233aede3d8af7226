"""What a run's evaluations say of it, in one word and in one sentence."""

from __future__ import annotations

from typing import Literal

from engine.runs.hung import hung_words
from engine.runs.view import RunView

Verdict = Literal["better", "worse-than-base", "no-validation"]


def verdict(view: RunView) -> Verdict | None:
    """Say whether a run's best evaluation is better than its base's.

    One that is just as good is not better.

    Returns:
        The word; ``no-validation`` for a run without evaluations, None for one whose base alone
        has been evaluated, and for one that was cut short while level with its base.
    """
    base, best = dict(view.evals).get(0), view.best
    if base is None or best is None:
        return None if view.evals else "no-validation"
    if _cut_short(view):
        return None
    return "better" if best[1] < base else "worse-than-base"


def verdict_words(view: RunView) -> str:
    """Return the sentence on a run's evaluations, such as ``got worse after step 60``.

    Args:
        view: The run's state; it may be going on.

    Returns:
        The sentence, without a full stop; empty where there is nothing to say yet.
    """
    base, best = dict(view.evals).get(0), view.best
    if base is None or best is None:
        silent = view.active or view.evals or not view.losses
        return "" if silent else "not evaluated: no validation split"
    step, loss = best
    early = "stopped early: " if view.result.get("early_stopped") is True else ""
    if loss >= base:
        if view.active:
            return f"has not beaten its base yet: {loss:.3f} at best, the base {base:.3f}"
        if _cut_short(view):
            return f"too short to judge: level with its base at step {step:,}, {base:.3f}"
        return (
            f"{early}never beat its base: {loss:.3f} at best (step {step:,}), the base {base:.3f}"
        )
    if worse_since(view):
        kept = ": the best is kept" if view.kept == step else ""
        return f"{early}got worse after step {step:,}{kept}"
    change = 1 - loss / base
    return f"{early}{change:.1%} below its base, best at step {step:,}"


def _cut_short(view: RunView) -> bool:
    """Say whether a run ended before its time after one evaluation, which equals its base's.

    Until the learning rate has risen, a run is its base.
    """
    if view.active or view.status == "finished" or len(view.evals) != 2:
        return False
    (first, base), (_, loss) = view.evals
    return first == 0 and f"{loss:.3f}" == f"{base:.3f}"


def worse_since(view: RunView) -> bool:
    """Say whether every evaluation after the best one is worse, and there is one."""
    best = view.best
    return best is not None and any(step > best[0] and loss > best[1] for step, loss in view.evals)


def stall_words(view: RunView) -> str:
    """Return that a run makes no steps, such as ``no step for 12 min; those before took 8 s``.

    Args:
        view: The run's state.

    Returns:
        The words; empty where steps come as they should, or none is due.
    """
    return hung_words(view.quiet_s, view.usual_s) if view.hung else ""
