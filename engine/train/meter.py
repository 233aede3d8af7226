"""How fast a run goes, how far it is, and what it has seen; kept with each checkpoint."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine.paths import write_atomic
from engine.train.checkpoints import PROGRESS_FILE

_WINDOW = 20


class Meter:
    """Counts tokens and time of steps. Evaluations and saving don't count as steps' time.

    ``tokens`` are all tokens that went through the model, without padding;
    ``trained_tokens`` those that carried loss; ``seconds`` the time of steps.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tokens = 0
        self.trained_tokens = 0
        self.seconds = 0.0
        self._clock = clock
        self._began = clock()
        self._in_step = 0
        # The last steps alone give the rate, so that it follows a machine that slows down.
        self._recent: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def begin(self) -> None:
        """A step begins."""
        self._began = self._clock()
        self._in_step = 0

    def count(self, tokens: int, trained: int) -> None:
        """A batch of the step went through the model."""
        self._in_step += tokens
        self.tokens += tokens
        self.trained_tokens += trained

    def end(self) -> None:
        """The step is done."""
        taken = self._clock() - self._began
        self.seconds += taken
        self._recent.append((taken, self._in_step))

    @property
    def tokens_per_s(self) -> float:
        """Tokens a second over the last steps; 0 before the first."""
        taken = sum(seconds for seconds, _ in self._recent)
        return sum(tokens for _, tokens in self._recent) / taken if taken else 0.0

    @property
    def last_s(self) -> float:
        """Seconds that the last step took; 0 before the first."""
        return self._recent[-1][0] if self._recent else 0.0

    @property
    def step_s(self) -> float:
        """Seconds that a step takes: the median of the last ones, which a slow one can't raise."""
        return statistics.median(seconds for seconds, _ in self._recent) if self._recent else 0.0

    def eta_s(self, steps_left: int) -> float | None:
        """Seconds that ``steps_left`` steps will take at the present rate; None before a step."""
        if not self._recent:
            return None
        return steps_left * sum(seconds for seconds, _ in self._recent) / len(self._recent)

    def save(self, checkpoint: Path) -> None:
        """Write the counts into a checkpoint."""
        counts = {
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "seconds": round(self.seconds, 3),
        }
        write_atomic(checkpoint / PROGRESS_FILE, json.dumps(counts).encode())

    def restore(self, checkpoint: Path) -> None:
        """Take up the counts of a checkpoint."""
        counts = json.loads((checkpoint / PROGRESS_FILE).read_bytes())
        self.tokens = int(counts["tokens"])
        self.trained_tokens = int(counts["trained_tokens"])
        self.seconds = float(counts["seconds"])
