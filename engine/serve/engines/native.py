"""llama.cpp's own server with continuous batching, in a process of its own.

It comes as a wheel, ``xllamacpp``, or as the program ``llama-server``, whose options are those of
its documentation: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from engine.errors import DependencyMissing, EngineFailed, GgufDamaged
from engine.serve.beside import cores
from engine.serve.engines.base import EngineName, EngineOptions, Served
from engine.serve.engines.kept import start_kept
from engine.serve.engines.launch import PACKAGE, LlamaOptions, launch_llama
from engine.serve.engines.memory import gguf_needs
from engine.serve.engines.running import Running
from engine.serve.engines.shapes import (
    gguf_header,
    installed,
    loading_s,
    refuse_endless_template,
)
from engine.serve.header import GgufHeader
from engine.serve.logs import new_log

PROGRAM = "llama-server"
_WARM_UP = "Warm up: é 12"
_CONNECTIONS = 128
_LEAST_BATCH = 512
# Its options can come by the environment too, and would have it listen elsewhere.
_VARIABLES = ("LLAMA_ARG_", "LLAMA_API_KEY")


class Native:
    """llama.cpp's own server; see :class:`engine.serve.engines.base.EngineKind`.

    Args:
        program: The ``llama-server`` to take where the wheel is not installed; empty looks for it
            on the path.
        wheel: Whether the wheel is taken where it is installed.
    """

    name: EngineName = "native"

    def __init__(self, program: str = "", *, wheel: bool = True) -> None:
        self._program = program
        self._wheel = wheel

    @property
    def installed(self) -> bool:
        """Whether the wheel or the program is there."""
        return self._has_wheel or self._found is not None

    @property
    def _has_wheel(self) -> bool:
        return self._wheel and installed(PACKAGE)

    @property
    def _found(self) -> str | None:
        return shutil.which(self._program or PROGRAM)

    def require(self, model: Served) -> None:
        """Check that it is installed and that the file is a whole GGUF."""
        gguf_header(model)
        if not self.installed:
            raise DependencyMissing(
                f"llama.cpp's own server is not installed: neither {PACKAGE} nor {PROGRAM}",
                hint=f"install it with: pip install {PACKAGE}, or choose another engine",
            )

    def needs(self, model: Served, options: EngineOptions) -> int:
        """Return about how many bytes of memory it will take."""
        return gguf_needs(model.path, gguf_header(model), options.context, options.slots)

    async def start(self, model: Served, options: EngineOptions) -> Running:
        """Start it, and wait until it answers."""
        await asyncio.to_thread(self.require, model)
        header = await asyncio.to_thread(gguf_header, model)
        await asyncio.to_thread(refuse_endless_template, header, model)
        how = _options(model, options, header)
        limit_s = loading_s(model.path, options.start_timeout_s)
        if self._has_wheel:
            engine = await self._start_wheel(model, how, limit_s)
        else:
            assert self._found is not None
            engine = await start_kept(
                self.name,
                model,
                program_command(self._found, model, how),
                timeout_s=limit_s,
                without=_VARIABLES,
            )
        engine.slots, engine.gives_vectors = how.slots, header.embeds
        try:
            async with asyncio.timeout(limit_s):
                props = await _first_words(engine)
                engine.context = int(props["default_generation_settings"]["n_ctx"])
                engine.leaves_out = left_out(props)
        except TimeoutError as error:
            await asyncio.shield(engine.close())
            raise EngineFailed(
                f"the engine of {model.id} read no text within {limit_s:.0f} s",
                hint="a smaller quantisation is faster",
            ) from error
        except BaseException:
            await asyncio.shield(engine.close())
            raise
        return engine

    async def _start_wheel(self, model: Served, how: LlamaOptions, limit_s: float) -> Running:
        log = new_log("engines", model.id)
        with log.open("ab") as output:
            launched = launch_llama(model.path.resolve(), how, log=output)
        engine = Running(self.name, model, launched, log)
        try:
            await engine.ready(limit_s)
        except BaseException:
            await asyncio.shield(engine.close())
            raise
        return engine


def _options(model: Served, options: EngineOptions, header: GgufHeader) -> LlamaOptions:
    return LlamaOptions(
        context=min(options.context, header.context or options.context),
        slots=options.slots,
        threads=options.threads or cores(),
        gpu_layers=options.gpu_layers,
        alias=model.id,
        connections=options.slots + _CONNECTIONS,
        embeddings=options.embeddings or header.embeds,
        # A file that writes says nothing of how a text's vector is made.
        pooling="" if header.embeds else "mean",
    )


def program_command(program: str, model: Served, how: LlamaOptions) -> Sequence[str]:
    """Return the command line of ``llama-server``, with places for a socket and a key's file.

    Args:
        program: The program.
        model: The model.
        how: How it is started.
    """
    command = [program, "--model", str(model.path.resolve()), "--alias", how.alias]
    command += ["--host", "{socket}", "--api-key-file", "{key_file}"]
    command += ["--ctx-size", str(how.context * how.slots), "--parallel", str(how.slots)]
    command += ["--threads", str(how.threads), "--threads-http", str(how.connections)]
    command += ["--n-gpu-layers", str(how.gpu_layers if how.gpu_layers >= 0 else _ALL_LAYERS)]
    command += ["--cache-ram", "0", "--no-webui", "--no-slots", "--offline"]
    command += ["--no-prefill-assistant"]  # A turn of the assistant is whole, as in OpenAI's API.
    command += ["--log-verbosity", str(how.verbosity)]
    if how.embeddings:
        batch = str(max(_LEAST_BATCH, how.context))
        command += ["--embeddings", "--batch-size", batch, "--ubatch-size", batch]
        command += ["--pooling", how.pooling] if how.pooling else []
    return command


_ALL_LAYERS = 999
"""More layers than any model has; older versions know no word for all."""


def left_out(props: Mapping[str, Any]) -> frozenset[str]:
    """Return what of a chat the model's template leaves out, by llama.cpp's own trial of it.

    Args:
        props: What the server says at ``/props``; older versions do not say it.
    """
    caps = props.get("chat_template_caps") or {}
    return frozenset(name for name in _TRIED if caps.get(f"supports_{name}") is False)


_TRIED = ("tools", "tool_calls")


async def _first_words(engine: Running) -> dict[str, Any]:
    """Tokenise once, which ends the process on some damaged files, and return ``/props``."""
    try:
        asked = {"content": _WARM_UP, "add_special": True}
        (await engine.client.post("/tokenize", json=asked)).raise_for_status()
        props = (await engine.client.get("/props")).raise_for_status().json()
        return dict(props)
    except httpx.HTTPStatusError as error:
        raise GgufDamaged(
            f"the engine can't compute with {engine.model.path.name}: {_words(error.response)}",
            hint="get the file again, or export it again with: finetui export RUN",
        ) from error
    except httpx.TransportError as error:
        raise await engine.refusal() from error


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
