"""vLLM, where it is installed: the way past one machine's processor.

Its options are those of its documentation: https://docs.vllm.ai/en/latest/cli/serve.html, for
adapters /features/lora.html, for GGUF files /features/quantization/gguf.html. finetui's tests
start a program that speaks this protocol; vLLM itself has not been run with it yet.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from engine.errors import DependencyMissing, EngineFailed, EngineUnfit, FinetuiError
from engine.serve.engines.base import Engine, EngineName, EngineOptions, Served
from engine.serve.engines.kept import start_kept
from engine.serve.engines.memory import folder_needs, gguf_needs
from engine.serve.engines.running import Running
from engine.serve.engines.shapes import (
    ADAPTER_CONFIG,
    CONFIG,
    gguf_header,
    installed,
    read_json,
    require_folder,
)

PROGRAM = "vllm"
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
_CONTEXTS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
_ENVIRONMENT = {
    "VLLM_API_KEY": "{key}",
    # It asks nobody for the files and tells nobody of its use.
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}


class Vllm:
    """vLLM; see :class:`engine.serve.engines.base.EngineKind`."""

    name: EngineName = "vllm"

    def require(self, model: Served) -> None:
        """Check that it is installed and that the model has a form that it loads."""
        if model.path.is_dir():
            require_folder(model)
        elif gguf_header(model).embeds:
            raise EngineUnfit(
                f"{model.path.name} is an embedding model", hint="choose --engine native"
            )
        if _program() is None:
            raise DependencyMissing(
                "vLLM is not installed",
                hint="install it with: pip install vllm (for a GGUF also vllm-gguf-plugin), "
                "or choose another engine",
            )

    def needs(self, model: Served, options: EngineOptions) -> int:
        """Return about how many bytes of memory it will take; on a GPU it takes most of it."""
        context = _asked_context(model, options)
        if model.path.is_dir():
            return folder_needs(model, context * options.slots)
        return gguf_needs(model.path, gguf_header(model), context, options.slots)

    async def start(self, model: Served, options: EngineOptions) -> Engine:
        """Start it, and wait until it answers."""
        await asyncio.to_thread(self.require, model)
        program = _program()
        assert program is not None
        engine = await start_kept(
            self.name,
            model,
            [*program, *vllm_arguments(model, options)],
            timeout_s=options.start_timeout_s,
            environment=_ENVIRONMENT,
        )
        engine.slots = options.slots
        try:
            engine.context = await _context(engine)
        except BaseException:
            await asyncio.shield(engine.close())
            raise
        return engine


def vllm_options(model: Served, options: EngineOptions) -> Mapping[str, object]:
    """Return vLLM's options for a model, without where it listens; the names are its long ones.

    With an adapter the adapter has the model's name, and the base below it another.
    """
    found: dict[str, object] = {
        "served-model-name": model.id,
        "max-model-len": _asked_context(model, options),
        "max-num-seqs": options.slots,
        "disable-uvicorn-access-log": True,
    }
    if model.adapter is not None:
        config = read_json(model.adapter / ADAPTER_CONFIG) or {}
        rank = int(config.get("r", _RANKS[0]))
        module = {"name": model.id, "path": str(model.adapter.resolve())}
        found |= {
            "served-model-name": f"{model.id}@base",
            "enable-lora": True,
            "lora-modules": json.dumps(module),
            "max-lora-rank": next((one for one in _RANKS if one >= rank), _RANKS[-1]),
        }
    if not model.path.is_dir():
        found["dtype"] = "float16"
    if model.tokenizer_dir is not None:
        found["tokenizer"] = str(model.tokenizer_dir.resolve())
    return found


def vllm_arguments(model: Served, options: EngineOptions) -> list[str]:
    """Return the arguments of ``vllm``, with a place for the socket."""
    found = ["serve", str(model.path.resolve()), "--uds", "{socket}"]
    for name, value in vllm_options(model, options).items():
        found += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return found


def vllm_config(model: Served, options: EngineOptions, *, port: int = 8000) -> str:
    """Return a file for ``vllm serve --config FILE``, to start it by hand on the loopback.

    It asks for the key that ``VLLM_API_KEY`` has.
    """
    import yaml

    values = {"model": str(model.path.resolve()), "host": "127.0.0.1", "port": port}
    return yaml.safe_dump(values | dict(vllm_options(model, options)), sort_keys=False)


def _asked_context(model: Served, options: EngineOptions) -> int:
    """Return the context that vLLM is asked for: it does not start with more than trained for.

    Which names of ``config.json`` say that, and which counts, is as in ``_get_and_verify_max_len``
    of vLLM's ``vllm/config/model.py``; a scaling of positions makes it no longer here.
    """
    if not model.path.is_dir():
        try:
            return min(options.context, gguf_header(model).context or options.context)
        except FinetuiError:  # said where the model is checked
            return options.context
    config = read_json(model.path / CONFIG) or {}
    inner = config.get("text_config")
    config = inner if isinstance(inner, dict) else config
    said = {name: config[name] for name in _CONTEXTS if _is_count(config.get(name))}
    trained = said.get("model_max_length") or min(said.values(), default=options.context)
    return min(options.context, int(trained))


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _program() -> list[str] | None:
    beside = Path(sys.executable).with_name(PROGRAM)
    if beside.is_file():
        return [str(beside)]
    if (found := shutil.which(PROGRAM)) is not None:
        return [found]
    if installed("vllm"):
        return [sys.executable, "-P", "-m", "vllm.entrypoints.cli.main"]
    return None


async def _context(engine: Running) -> int:
    """Return the context window that it serves the model with, in tokens."""
    try:
        listed = (await engine.client.get("/v1/models")).raise_for_status().json()
        return int(listed["data"][0]["max_model_len"])
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        if not engine.alive:
            raise await engine.refusal() from error
        raise EngineFailed(
            f"vLLM does not say what it serves: {type(error).__name__}",
            hint="the log is " + str(engine.log),
        ) from error
