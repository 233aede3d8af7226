"""llama.cpp's own server with continuous batching, in a process of its own."""

from __future__ import annotations

import asyncio

import httpx

from engine.errors import GgufDamaged
from engine.serve.beside import cores
from engine.serve.engines.base import EngineName, EngineOptions, Served
from engine.serve.engines.launch import PACKAGE, LlamaOptions, launch_llama
from engine.serve.engines.memory import gguf_needs
from engine.serve.engines.running import Running
from engine.serve.engines.shapes import gguf_header, installed, require_package
from engine.serve.logs import new_log

_WARM_UP = "Warm up: é 12"


class Native:
    """llama.cpp's own server; see :class:`engine.serve.engines.base.EngineKind`."""

    name: EngineName = "native"

    @staticmethod
    def installed() -> bool:
        """Return whether it is there."""
        return installed(PACKAGE)

    def require(self, model: Served) -> None:
        """Check that it is installed and that the file is a whole GGUF."""
        gguf_header(model)
        require_package(PACKAGE, f"llama.cpp's own server ({PACKAGE})", PACKAGE)

    def needs(self, model: Served, options: EngineOptions) -> int:
        """Return about how many bytes of memory it will take."""
        return gguf_needs(model.path, gguf_header(model), options.context, options.slots)

    async def start(self, model: Served, options: EngineOptions) -> Running:
        """Start it, and wait until it answers."""
        await asyncio.to_thread(self.require, model)
        header = await asyncio.to_thread(gguf_header, model)
        log = new_log("engines", model.id)
        how = LlamaOptions(
            context=min(options.context, header.context or options.context),
            slots=options.slots,
            threads=options.threads or cores(),
            gpu_layers=options.gpu_layers,
            alias=model.id,
            connections=options.slots + 128,
            embeddings=options.embeddings or header.embeds,
            pooling="" if header.embeds else "mean",
        )
        with log.open("ab") as output:
            launched = launch_llama(model.path.resolve(), how, log=output)
        engine = Running(self.name, model, launched, log)
        try:
            await engine.ready(options.start_timeout_s)
            engine.slots = how.slots
            engine.context = await _first_words(engine)
        except BaseException:
            await asyncio.shield(engine.close())
            raise
        return engine


async def _first_words(engine: Running) -> int:
    """Tokenise once, which ends the process on some damaged files, and return the context."""
    try:
        asked = {"content": _WARM_UP, "add_special": True}
        (await engine.client.post("/tokenize", json=asked)).raise_for_status()
        props = (await engine.client.get("/props")).raise_for_status().json()
        return int(props["default_generation_settings"]["n_ctx"])
    except httpx.HTTPStatusError as error:
        raise GgufDamaged(
            f"the engine can't compute with {engine.model.path.name}: {_words(error.response)}",
            hint="export it again with: finetui export RUN",
        ) from error
    except httpx.TransportError as error:
        raise await engine.refusal() from error


def _words(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
