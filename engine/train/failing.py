"""Naming what a run dies of: a loss that is not a number any more."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import RunDiverged

_SHOWN = 5
_GROWN = 2.0
_IDLE_STEPS = 5
"""With fp16 a single step without a gradient is usual: the scale of the loss is being found."""


@dataclass(slots=True)
class Failing:
    """Remembers the last losses and gradient norms, and names the loss that is not a number.

    ``fp16`` says that the run computes in 16 bits with a narrow range, which overflow.
    """

    fp16: bool
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=_SHOWN))
    norms: deque[float] = field(default_factory=lambda: deque(maxlen=_SHOWN))
    idle: int = 0

    def trains_nothing(self, norm: object) -> bool:
        """Count a step's gradient norm; say whether it is the fifth in a row that is no number.

        Such a gradient is cut to nothing, so the step changes no weight while the loss looks sound.
        """
        finite = norm is None or math.isfinite(float(str(norm)))
        self.idle = 0 if finite else self.idle + 1
        return self.idle == _IDLE_STEPS

    def check(self, step: int, logs: Mapping[str, Any], best_step: int = 0) -> None:
        """Raise where the loss of a step is not a number.

        Args:
            step: The step.
            logs: ``loss``, ``learning_rate`` and, if known, ``grad_norm`` of the step.
            best_step: The step of the best adapter that is kept; 0 where there is none.

        Raises:
            RunDiverged: It is not; the hint goes by what came before.
        """
        loss, norm = float(logs["loss"]), logs.get("grad_norm")
        if math.isfinite(loss):
            self.losses.append(loss)
            if norm is not None and math.isfinite(float(norm)):
                self.norms.append(float(norm))
            return
        last = ", ".join(f"{value:.3g}" for value in self.losses)
        words = [f"the loss is {loss} at step {step}"]
        words.append(f"learning rate {float(logs['learning_rate']):.2e}")
        if norm is not None:
            words.append(f"gradient norm {float(norm):.3g}")
        words.append(f"the losses before: {last}" if last else "it was no number from the start on")
        kept = f"; the best adapter, of step {best_step}, is kept" if best_step else ""
        raise RunDiverged("; ".join(words) + kept, hint=self._hint(best_step))

    def _hint(self, best_step: int) -> str:
        export = "; what is kept can be exported with: finetui export RUN" if best_step else ""
        if not self.losses:
            what = "set precision to fp32, and check the base's files"
            return f"{what}: its own weights or one example give it no number{export}"
        if self.fp16 and not self._grows():
            return f"fp16 has overflowed: set precision to bf16 or fp32{export}"
        return f"start a run with half the learning rate, or a longer warm-up{export}"

    def _grows(self) -> bool:
        """Say whether losses or gradients had been growing."""
        return any(
            len(values) > 1 and values[-1] > _GROWN * min(values)
            for values in (self.losses, self.norms)
        )
