"""A model that writes: one small interface, and the embedded model behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol

from engine.bases.embedded import embedded_gguf
from engine.compose.endpoint import Endpoint
from engine.errors import EndpointUnreachable
from engine.models import Turn
from engine.serve.pool import Worker

EMBEDDED = "smollm2-135m-instruct"
"""What the embedded model is called in what it wrote."""

EMBEDDED_CONTEXT = 2048
_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.S | re.I)
_UNOPENED = re.compile(r"\A.*?</(?:think|thinking|reasoning)>", re.S | re.I)


class Writer(Protocol):
    """A model that answers a conversation."""

    @property
    def name(self) -> str:
        """The model's name, by which what it wrote is marked."""

    @property
    def place(self) -> str:
        """Where texts are sent to, for a person."""

    @property
    def longest_prompt(self) -> int:
        """How many characters of a text can be sent, about."""

    @property
    def spare_tokens(self) -> int:
        """How many tokens it may spend on thinking before it answers."""

    def write(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, seed: int
    ) -> str:
        """Return the model's answer.

        Args:
            messages: The conversation, which ends with the user.
            max_tokens: The longest answer, in tokens.
            temperature: Sampling temperature; 0 is greedy.
            seed: The seed of sampling, for models that take one.

        Raises:
            ComposeError: The endpoint can't be reached, or does not answer as it should.
            ServeError: The prompt is too long, or the worker ended.
        """


class EmbeddedWriter:
    """The embedded model, in a worker process that ends with this object.

    It has 135 million parameters: it shows that the way works, and its texts need a
    stricter eye than those of a larger model.

    Raises:
        DependencyMissing: The package with the model is not installed.
        GgufDamaged: Its file can't be loaded.
        WorkerDied: The worker ended while it loaded.
    """

    name = EMBEDDED
    place = "the embedded model on this machine"
    longest_prompt = 4_000
    spare_tokens = 0

    def __init__(self) -> None:
        self._worker = Worker.start(embedded_gguf(), context=EMBEDDED_CONTEXT)
        self._endpoint = Endpoint(
            f"{self._worker.url}/v1", EMBEDDED, key=self._worker.bearer, timeout_s=600.0
        )

    def __enter__(self) -> EmbeddedWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(
        self, messages: Sequence[Turn], *, max_tokens: int, temperature: float, seed: int
    ) -> str:
        """Return the model's answer; see :class:`Writer`."""
        try:
            return self._endpoint.write(
                messages, max_tokens=max_tokens, temperature=temperature, seed=seed
            )
        except EndpointUnreachable as error:
            if self._worker.alive:
                raise
            raise self._worker.died() from error

    def close(self) -> None:
        """End the worker; closing again does nothing."""
        self._endpoint.close()
        self._worker.close()


def without_thoughts(text: str) -> str:
    """Return an answer without what a reasoning model thought before it."""
    return _UNOPENED.sub("", _THOUGHTS.sub("", text)).strip()
