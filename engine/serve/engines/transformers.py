"""A model in Hugging Face's form through transformers: merged, or a base under an adapter."""

from __future__ import annotations

import asyncio

from engine.serve.engines.base import Engine, EngineName, EngineOptions, Served
from engine.serve.engines.memory import folder_needs
from engine.serve.engines.shapes import require_folder, require_package
from engine.serve.engines.starting import start_one_by_one


class Transformers:
    """transformers; see :class:`engine.serve.engines.base.EngineKind`."""

    name: EngineName = "transformers"

    def require(self, model: Served) -> None:
        """Check that it is installed and that the folder holds a model."""
        require_folder(model)
        require_package("torch", "PyTorch", "torch")
        require_package("transformers", "transformers", "transformers starlette uvicorn")
        if model.adapter is not None:
            require_package("peft", "peft", "peft")

    def needs(self, model: Served, options: EngineOptions) -> int:
        """Return about how many bytes of memory it will take."""
        return folder_needs(model, options.context)

    async def start(self, model: Served, options: EngineOptions) -> Engine:
        """Start it, and wait until it answers."""
        await asyncio.to_thread(self.require, model)
        return await start_one_by_one(self.name, model, options, options.context)
