"""What an engine is: a process of its own that has one model loaded and speaks OpenAI's protocol.

An engine may end at any moment, by a fault of its own or a signal; whoever uses one looks at
:attr:`Engine.alive` after a broken connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from engine.errors import FinetuiError

if TYPE_CHECKING:  # the names of engines are asked for where no request is made
    import httpx

EngineName = Literal["native", "llama-cpp-python", "transformers", "vllm"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True, slots=True)
class Served:
    """A model that is served.

    Attributes:
        id: Its name in requests and answers, such as ``brief:q4_k_m``.
        path: Its GGUF, or the folder of a model in Hugging Face's form.
        adapter: A peft adapter's folder over a folder's model; None for none.
        run: The run that it came from; empty for a file of one's own.
        quant: Its quantisation; empty where that is not known.
        tokenizer_dir: The base's folder, by whose template chats are rendered as in training; None
            takes the template in the file.
    """

    id: str
    path: Path
    adapter: Path | None = None
    run: str = ""
    quant: str = ""
    tokenizer_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine is started.

    Attributes:
        context: The context window of one request, in tokens; what the model was trained for, if
            that is less.
        slots: How many requests are computed at once, where the engine can.
        threads: Threads for computing; 0 takes all cores.
        gpu_layers: Layers put on a GPU, -1 for all; without effect where there is none.
        embeddings: Whether vectors are asked for and not answers.
        start_timeout_s: How long loading may take, in seconds.
    """

    context: int = 4096
    slots: int = 4
    threads: int = 0
    gpu_layers: int = -1
    embeddings: bool = False
    start_timeout_s: float = 600.0


class Engine(Protocol):
    """A running engine.

    Attributes:
        name: Which engine it is.
        model: What it has loaded.
        pid: Its process id.
        context: The context window of one request, in tokens.
        slots: How many requests it computes at once; others wait in it.
        leaves_out: What its model's chat template leaves out of a chat, as far as it says so:
            "tools", "tool_calls".
        gives_vectors: Whether it answers with vectors alone and writes no text.
        client: Speaks to it: a client whose base address, transport and key are set. Its paths
            are ``/v1/chat/completions``, ``/v1/completions``, ``/v1/embeddings`` and ``/health``.
    """

    name: EngineName
    model: Served
    pid: int
    context: int
    slots: int
    leaves_out: frozenset[str]
    gives_vectors: bool
    client: httpx.AsyncClient

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        ...

    @property
    def memory(self) -> int:
        """Its resident memory and that of its children, in bytes; 0 when it has ended."""
        ...

    async def ended(self) -> FinetuiError:
        """Wait until its process has ended, and return how, with its last words."""
        ...

    async def close(self) -> None:
        """End it, at once; closing again does nothing. What it computes is lost."""
        ...


class EngineKind(Protocol):
    """A kind of engine that can be started."""

    name: EngineName

    def require(self, model: Served) -> None:
        """Check that it is installed and can load a model of that form; nothing heavy is loaded.

        Raises:
            DependencyMissing: It is not installed.
            EngineUnfit: It can't load a model of that form.
            GgufDamaged: The file is not whole.
        """
        ...

    def needs(self, model: Served, options: EngineOptions) -> int:
        """Return about how many bytes of memory it will take, from the file's size and header."""
        ...

    async def start(self, model: Served, options: EngineOptions) -> Engine:
        """Start it, and wait until it answers.

        A task that waits for it may be cancelled; the process is ended then.

        Raises:
            DependencyMissing: It is not installed.
            EngineUnfit: It can't load a model of that form.
            GgufDamaged: The file is damaged, or the engine ended on it.
            EngineFailed: It ended or kept silent for another reason; the message has its words.
        """
        ...
