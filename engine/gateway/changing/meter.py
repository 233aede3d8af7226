"""What a server has answered, counted, and how fast it writes."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 10.0
"""The time over which tokens a second are counted."""


@dataclass
class Meter:
    """Counts since the server started.

    Attributes:
        requests: Requests answered, with whatever result.
        failed: Those that ended in an error of the server's own.
        prompt_tokens: Tokens read.
        tokens: Tokens written.
    """

    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    _written: deque[tuple[int, int]] = field(default_factory=deque)

    def count(self, *, failed: bool, prompt_tokens: int, tokens: int) -> None:
        """Count an answered request."""
        self.requests += 1
        self.failed += failed
        self.prompt_tokens += prompt_tokens
        self.tokens += tokens

    def wrote(self, tokens: int) -> None:
        """Count tokens for the rate, as they are written."""
        # In tenths of a second, so that a fast model fills no memory.
        now = int(time.monotonic() * 10)
        if self._written and self._written[-1][0] == now:
            tokens += self._written.pop()[1]
        self._written.append((now, tokens))
        self._forget(now)

    @property
    def rate(self) -> float:
        """Tokens written in the last ten seconds, a second."""
        self._forget(int(time.monotonic() * 10))
        return round(sum(tokens for _, tokens in self._written) / WINDOW_S, 1)

    def _forget(self, now: int) -> None:
        while self._written and now - self._written[0][0] > WINDOW_S * 10:
            self._written.popleft()
