"""A loaded GGUF that answers. Runs in worker processes only: llama.cpp can end its process."""

from __future__ import annotations

import codecs
import copy
import ctypes
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from engine.serve.contexts import Adapter, second_context
from engine.serve.protocol import BadRequest, Sampling, Threads, Timings, check_ids

_PIECE_BYTES = 256


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer; the last one has a reason and timings, and may be empty of text.

    ``threads`` stands in the last one, and in one without text wherever something else that
    uses the processor begins or ends.
    """

    text: str
    reason: Literal["", "stop", "length", "cancelled"] = ""
    timings: Timings | None = None
    threads: Threads | None = None


class Answering(Protocol):
    """A loaded model, as a :class:`engine.serve.desk.Desk` asks it; see :class:`Model`."""

    context: int
    vocabulary: int

    def tokenise(self, text: str, *, special: bool = True) -> tuple[int, ...]:
        """Return the token ids of a text; nothing is added at its ends."""
        ...

    def prompt(self, text: str) -> tuple[int, ...]:
        """Return the ids of a prompt, with what the model's files say to add."""
        ...

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return messages in the model's chat template, with the generation prompt."""
        ...

    def answer(
        self, ids: Sequence[int], how: Sampling, cancelled: threading.Event
    ) -> Iterator[Piece]:
        """Yield an answer in pieces as its tokens come; the last piece has the timings."""
        ...


class StopScanner:
    """Lets text through up to the first stop text, across any cutting into pieces.

    Text that may be the beginning of a stop text is held back until it is known.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """Take the next text and return what may be shown."""
        held = self._held + text
        found = [index for stop in self._stops if (index := held.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return held[: min(found)]
        keep = max((_overlap(held, stop) for stop in self._stops), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def rest(self) -> str:
        """Return what is still held, at the end of an answer."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of ``text`` that ``stop`` begins with."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


class Model:
    """A GGUF loaded by llama.cpp. Its methods may be called from one thread at a time.

    Args:
        path: The file.
        context: The context window in tokens.
        threads: Threads for computing.
        gpu_layers: Layers on the GPU, -1 for all; without effect in a CPU build.
        free: Says how many threads an answer takes that may take so many; all by default.

    Raises:
        ValueError: llama.cpp refused the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        context: int,
        threads: int,
        gpu_layers: int,
        free: Callable[[int], Threads] | None = None,
    ) -> None:
        import llama_cpp  # 0.3 s, and the whole process may end in it.

        self._llama_cpp = llama_cpp
        self._llama: Any = llama_cpp.Llama(
            model_path=str(path),
            n_ctx=context,
            n_threads=threads,
            n_threads_batch=threads,
            n_gpu_layers=gpu_layers,
            # With verbose off the binding points stderr at /dev/null while loading, and an
            # abort's reason would be lost.
            verbose=True,
        )
        # From here on a line a token would bury what matters in the log.
        self._llama.verbose = False
        logging.getLogger("llama-cpp-python").setLevel(logging.WARNING)
        self.context = int(self._llama.n_ctx())
        self.vocabulary = int(self._llama.n_vocab())
        self._vocab: Any = llama_cpp.llama_model_get_vocab(self._llama.model)
        self._buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        self._adapter: Adapter | None = None
        self._free = free or (lambda most: Threads(most or threads, most or threads))
        self._no_abort = llama_cpp.ggml_abort_callback()  # A null function: never asked.

    def with_adapter(self, path: Path) -> Model:
        """Return a model of the same weights with an adapter over them, in a context of its own.

        Both may compute at once, each in its thread. Close it before this one.

        Args:
            path: A GGUF LoRA.

        Raises:
            ValueError: llama.cpp refused it.
        """
        adapter = Adapter(self._llama, path)
        try:
            llama = second_context(self._llama)
            adapter.put_on(llama)
        except ValueError:
            adapter.close()
            raise
        made = copy.copy(self)
        made._llama, made._adapter = llama, adapter
        made._buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        return made

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's scalar fields as text."""
        metadata: Mapping[str, str] = self._llama.metadata
        return metadata

    def warm_up(self) -> None:
        """Tokenise and compute once, so that a file that breaks later breaks now.

        Some damaged files load and end the process at their first tokenisation.
        """
        ids = self.tokenise("Warm up: é 12") or (0,)
        self._llama.eval(list(ids))
        self._llama.reset()

    def tokenise(self, text: str, *, special: bool = True) -> tuple[int, ...]:
        """Return the token ids of a text; nothing is added at its ends."""
        # llama.cpp ends the process on bytes that are not UTF-8, so lone surrogates go.
        data = text.encode("utf-8", "replace")
        return tuple(self._llama.tokenize(data, add_bos=False, special=special))

    def prompt(self, text: str) -> tuple[int, ...]:
        """Return the ids of a prompt, with the BOS token that the file says to add."""
        ids = self.tokenise(text)
        bos = self._llama.token_bos()
        adds = bos >= 0 and self._llama_cpp.llama_vocab_get_add_bos(self._vocab)
        return (bos, *ids) if adds and ids[:1] != (bos,) else ids

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return messages in the file's own chat template, with the generation prompt.

        Raises:
            BadRequest: The file has no template, or the template refuses the messages.
        """
        from jinja2 import TemplateError
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        template = self.metadata.get("tokenizer.chat_template", "")
        if not template:
            raise BadRequest("this GGUF has no chat template", "no-chat-template")
        try:
            formatter = Jinja2ChatFormatter(
                template=template,
                eos_token=self._special(self._llama.token_eos()),
                bos_token=self._special(self._llama.token_bos()),
            )
            return str(formatter(messages=list(messages)).prompt)
        except (TemplateError, ValueError, TypeError) as error:
            raise BadRequest(f"the chat template refuses this: {error}", "template") from error

    def _special(self, token: int) -> str:
        return str(self._llama._model.token_get_text(token)) if token >= 0 else ""

    def answer(
        self, ids: Sequence[int], how: Sampling, cancelled: threading.Event
    ) -> Iterator[Piece]:
        """Yield an answer in pieces as its tokens come; the last piece has the timings.

        Args:
            ids: The prompt, sent to the model as it is.
            how: Sampling and limits.
            cancelled: Set from another thread, ends the answer; also while the prompt is read.

        Raises:
            BadRequest: The prompt does not fit, or has ids that the vocabulary lacks.
        """
        check_ids(ids, self.context, self.vocabulary)
        limit = min(how.max_tokens, self.context - len(ids))
        clock = Clock(len(ids))
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        scanner = StopScanner(how.stop)
        reason: Literal["stop", "length", "cancelled"] = "cancelled"
        taken = self._take_threads(how.threads)
        if taken.beside:
            yield Piece("", threads=taken)
        for token in self._tokens(ids, how, cancelled):
            if token in how.stop_token_ids or self._ends(token):
                clock.tick(counted=False)
                reason = "stop"
                break
            clock.tick()
            text = scanner.feed(decoder.decode(self._piece(token)))
            if text:
                yield Piece(text)
            if scanner.stopped or clock.tokens >= limit:
                reason = "stop" if scanner.stopped else "length"
                break
            before, taken = taken, self._take_threads(how.threads)
            if taken != before:
                yield Piece("", threads=taken)
        # A character that is not whole yet is left out, as by llama.cpp's server.
        yield Piece(scanner.rest(), reason, clock.timings(), taken)

    def _take_threads(self, most: int) -> Threads:
        """Compute with as many threads as are free now, and return how many those are."""
        library, ctx = self._llama_cpp, self._llama.ctx
        wanted = self._free(most)
        if library.llama_n_threads(ctx) != wanted.now:
            library.llama_set_n_threads(ctx, wanted.now, wanted.now)
        return replace(wanted, now=int(library.llama_n_threads(ctx)))

    def _tokens(
        self, ids: Sequence[int], how: Sampling, cancelled: threading.Event
    ) -> Iterator[int]:
        llama = self._llama
        llama.set_seed(how.seed)
        if not how.cache_prompt:
            # A prompt that is read in other batches gives other last bits, and by them other
            # answers; without the cache an answer depends on the request alone.
            llama.reset()
        tokens = llama.generate(
            list(ids),
            temp=how.temperature,
            top_k=how.top_k,
            top_p=how.top_p,
            min_p=how.min_p,
            repeat_penalty=how.repeat_penalty,
        )
        first = self._first(tokens, cancelled)
        if first is None:
            return
        yield first
        while not cancelled.is_set():
            yield int(next(tokens))

    def _first(self, tokens: Iterator[int], cancelled: threading.Event) -> int | None:
        """Read the prompt; None when that was cancelled."""
        # The callback is asked at each node of the graph, which is dear while tokens are drawn
        # one by one; there the event is looked at between tokens instead.
        abort = self._llama_cpp.ggml_abort_callback(lambda _: cancelled.is_set())
        self._llama_cpp.llama_set_abort_callback(self._llama.ctx, abort, None)
        try:
            return int(next(tokens))
        except RuntimeError:
            if not cancelled.is_set():
                raise
            self._llama.reset()
            return None
        finally:
            self._llama_cpp.llama_set_abort_callback(self._llama.ctx, self._no_abort, None)

    def _ends(self, token: int) -> bool:
        return bool(self._llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def _piece(self, token: int) -> bytes:
        """Return the bytes of a token; none for a special one."""
        length = self._llama_cpp.llama_token_to_piece(
            self._vocab, token, self._buffer, len(self._buffer), 0, False
        )
        if length < 0:
            self._buffer = ctypes.create_string_buffer(-length)
            return self._piece(token)
        return self._buffer.raw[:length]

    def close(self) -> None:
        """Free the context, and the weights where they are this model's own."""
        self._llama.close()
        if self._adapter is not None:
            self._adapter.close()


class Clock:
    """Measures an answer.

    Args:
        prompt_tokens: How long its prompt is.

    Attributes:
        tokens: How many tokens were counted.
    """

    def __init__(self, prompt_tokens: int) -> None:
        self._prompt_tokens = prompt_tokens
        self._start = time.perf_counter()
        self._first = self._last = 0.0
        self.tokens = 0

    def tick(self, *, counted: bool = True) -> None:
        """Note that a token came; the one that ends an answer is not counted."""
        now = time.perf_counter()
        self._first = self._first or now
        if counted:
            self._last = now
            self.tokens += 1

    def timings(self) -> Timings:
        """Return what was measured."""
        span, after_first = self._last - self._first, self.tokens - 1
        return Timings(
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self.tokens,
            ttft=self._first - self._start if self._first else 0.0,
            tokens_per_s=after_first / span if after_first > 0 and span > 0 else 0.0,
        )
