"""A GGUF through llama-cpp-python: one request at a time, on any machine that compiles it."""

from __future__ import annotations

import asyncio

from engine.serve.engines.base import Engine, EngineName, EngineOptions, Served
from engine.serve.engines.memory import gguf_needs
from engine.serve.engines.shapes import (
    gguf_header,
    refuse_embeddings,
    refuse_endless_template,
    require_package,
)
from engine.serve.engines.starting import start_one_by_one


class LlamaCppPython:
    """llama-cpp-python; see :class:`engine.serve.engines.base.EngineKind`."""

    name: EngineName = "llama-cpp-python"

    def require(self, model: Served) -> None:
        """Check that it is installed and that the file is a whole GGUF that writes."""
        refuse_embeddings(gguf_header(model), model)
        require_package("llama_cpp", "llama-cpp-python", "llama-cpp-python starlette uvicorn")

    def needs(self, model: Served, options: EngineOptions) -> int:
        """Return about how many bytes of memory it will take."""
        return gguf_needs(model.path, gguf_header(model), options.context, 1, python=True)

    async def start(self, model: Served, options: EngineOptions) -> Engine:
        """Start it, and wait until it answers."""
        await asyncio.to_thread(self.require, model)
        header = await asyncio.to_thread(gguf_header, model)
        await asyncio.to_thread(refuse_endless_template, header, model)
        context = min(options.context, header.context or options.context)
        return await start_one_by_one(self.name, model, options, context)
