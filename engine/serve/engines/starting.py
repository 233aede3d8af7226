"""Starting the child of a model that answers one request at a time."""

from __future__ import annotations

import asyncio
import json

import httpx

from engine.errors import EngineFailed
from engine.serve.beside import cores
from engine.serve.engines.base import EngineName, EngineOptions, Served
from engine.serve.engines.launch import launch
from engine.serve.engines.running import Running
from engine.serve.logs import new_log

_MODULE = "engine.serve.engines.one_by_one"


async def start_one_by_one(
    name: EngineName, model: Served, options: EngineOptions, context: int
) -> Running:
    """Start :mod:`engine.serve.engines.one_by_one` around a model, and wait until it answers.

    Args:
        name: Which engine it is.
        model: The model.
        options: How it is started.
        context: The context window, in tokens.

    Raises:
        GgufDamaged: It ended on the model.
        EngineFailed: It ended for another reason, or kept silent.
    """
    log = new_log("engines", model.id)
    given = {
        "alias": model.id,
        "adapter": str(model.adapter.resolve()) if model.adapter else "",
        "tokenizer_dir": str(model.tokenizer_dir.resolve()) if model.tokenizer_dir else "",
        "context": context,
        "threads": options.threads or cores(),
        "gpu_layers": options.gpu_layers,
    }
    with log.open("ab") as output:
        launched = launch(_MODULE, [str(model.path.resolve())], given, log=output)
    engine = Running(name, model, launched, log)
    try:
        said = json.loads(await engine.ready(options.start_timeout_s))
        engine.context = int(said["context"])
        (await engine.client.get("/health")).raise_for_status()
    except httpx.HTTPError as error:
        await engine.close()
        raise EngineFailed(f"the engine of {model.id} does not answer: {error}") from error
    except BaseException:
        await asyncio.shield(engine.close())
        raise
    return engine
