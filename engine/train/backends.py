"""What trains: the same adapter on the same base, through transformers and peft or through unsloth.

Only the training child imports this module's libraries, and unsloth before all others, since it
changes them when it is imported.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.bases.template import read_json
from engine.errors import DependencyMissing, SettingsError
from engine.train.devices import Device, Precision, choose_precision, torch_dtype
from engine.train.gpu import vision_problem
from engine.train.layers import target_layers
from engine.train.loss import Likelihood, nll_at_trained, nll_of_model
from engine.train.spec import TrainSpec

INERT = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True}
"""How a folder of a model is loaded: none of its code is run, and no pickle is read."""

INSTALL = "pip install 'finetui[train]'"
"""How unsloth and bitsandbytes are installed, on any machine."""

NOT_QUANTISED = (
    *("lm_head", "embed_out", "score"),
    *("router", "mlp.gate", "block_sparse_moe.gate", "moe.gate"),
    *("vision_tower", "visual", "audio_tower", "multi_modal_projector", "mm_projector", "merger"),
)
"""Layers that stay as they are in a base in 4 or 8 bits: heads, routers, towers."""

_LAYERS_OF = {4: "Linear4bit", 8: "Linear8bitLt"}


@dataclass(frozen=True, slots=True)
class Backend:
    """A chosen trainer.

    Attributes:
        name: ``trl`` or ``unsloth``.
        likelihood: How the loss of an evaluation is computed.
        bits: 4 or 8 where the base's layers are kept so, else 0.
        precision: The number format of everything else, but for the adapter, which is in 32 bits.
    """

    name: str
    likelihood: Likelihood
    bits: int
    precision: Precision


@dataclass(frozen=True, slots=True)
class Loaded:
    """A base model with a fresh adapter, whose output is still the base's, and its tokenizer."""

    model: Any
    tokenizer: Any


def installed(package: str) -> bool:
    """Say whether a package is installed, without importing it."""
    return importlib.util.find_spec(package) is not None


def backend_name(spec: TrainSpec, *, cuda: bool) -> tuple[str, str]:
    """Return which trainer a spec gets on a kind of device, and why. Imports nothing heavy.

    ``auto`` takes unsloth on a GPU, where its kernels are. On a CPU neither is faster
    (docs/training.md has the measurement), and trl is there in every installation.
    """
    if spec.backend != "auto":
        return spec.backend, "as set"
    if not cuda:
        return "trl", "no GPU: unsloth is not faster on a CPU"
    if not installed("unsloth"):
        return "trl", f"unsloth is not installed; it is faster: {INSTALL}"
    return "unsloth", "faster on a GPU"


def base_bits(spec: TrainSpec, base_dir: Path) -> int:
    """Return in how many bits a base's layers will be kept: 4 or 8, else 0.

    A base that is stored in 4 or 8 bits is trained as it is stored.
    """
    stored = read_json(base_dir / "config.json").get("quantization_config")
    if isinstance(stored, Mapping):
        if stored.get("load_in_4bit"):
            return 4
        if stored.get("load_in_8bit"):
            return 8
    return 4 if spec.load_in_4bit else 8 if spec.load_in_8bit else 0


def check_installed(name: str, bits: int) -> None:
    """Check that what a trainer needs is there, without importing it.

    Args:
        name: ``trl`` or ``unsloth``.
        bits: What :func:`base_bits` returns.

    Raises:
        DependencyMissing: It is not, with how to install it.
    """
    if name == "unsloth" and not installed("unsloth"):
        raise DependencyMissing(
            "the backend unsloth is not installed",
            hint=f"install it with: {INSTALL}, or set backend to trl",
        )
    if bits and not installed("bitsandbytes"):
        raise DependencyMissing(
            f"a base in {bits} bits needs bitsandbytes, which is not installed",
            hint=f"install it with: {INSTALL}, or set load_in_{bits}bit to false",
        )
    if (problem := vision_problem()) is not None:
        raise DependencyMissing(problem.message, hint=problem.fix)


def choose(spec: TrainSpec, device: Device) -> Backend:
    """Return what trains a spec on a device.

    Raises:
        DependencyMissing: The spec asks for what is not installed.
        SettingsError: The device doesn't have the precision that the spec asks for.
    """
    name, _ = backend_name(spec, cuda=device.cuda)
    bits = base_bits(spec, Path(spec.base_dir))
    check_installed(name, bits)
    # On a GPU unsloth's kernels are inside the model, and the engine's own thinning is not.
    own = name == "unsloth" and device.cuda
    return Backend(
        name=name,
        likelihood=nll_of_model if own else nll_at_trained,
        bits=bits,
        precision=choose_precision(spec, device),
    )


def describe(backend: Backend, device: Device, examples: int) -> str:
    """Return what a run trains with, as a line of its log."""
    bits = f", base in {backend.bits} bits" if backend.bits else ""
    return f"{backend.name} on {device.name} in {backend.precision}{bits}: {examples} examples"


def load(spec: TrainSpec, backend: Backend, device: Device) -> Loaded:
    """Load the base and put a fresh adapter on it.

    Raises:
        BaseInvalid: The base has no layers of the names that the spec asks for.
        SettingsError: The base can't be kept in the bits that the spec asks for.
    """
    # bitsandbytes says at each pass through each layer in 8 bits that it casts.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    loaded = (_load_unsloth if backend.name == "unsloth" else _load_peft)(spec, backend, device)
    for parameter in loaded.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return loaded


@contextmanager
def adapter_kept(model: Any) -> Iterator[None]:
    """Keep an adapter's weights in 32 bits while a trainer is made.

    trl rounds them to bfloat16 where the base is quantised, and steps of the usual size are then
    lost in the rounding.
    """
    kept = {name: p.data for name, p in model.named_parameters() if p.requires_grad}
    yield
    for name, parameter in model.named_parameters():
        if name in kept:
            parameter.data = kept[name]


def _load_peft(spec: TrainSpec, backend: Backend, device: Device) -> Loaded:
    from peft import get_peft_model
    from transformers import AutoTokenizer, set_seed
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = _base(spec, backend, device)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    if spec.gradient_checkpointing:
        model.enable_input_require_grads()
    set_seed(spec.seed)  # the adapter's first weights are random
    tokenizer = AutoTokenizer.from_pretrained(
        spec.base_dir, local_files_only=True, trust_remote_code=False
    )
    return Loaded(model=get_peft_model(model, _adapter(model, spec)), tokenizer=tokenizer)


def _base(spec: TrainSpec, backend: Backend, device: Device) -> Any:
    """Return the base through transformers, in the bits that were chosen.

    Of a quantised base all but the quantised layers stay in 16 bits: turning embeddings and
    output layer to 32, as peft's ``prepare_model_for_kbit_training`` does, takes 4.2 GB of a
    Llama 3.1 8B, more than its layers in 4 bits.
    """
    from transformers import AutoModelForCausalLM

    quantised = {}
    stored = "quantization_config" in read_json(Path(spec.base_dir) / "config.json")
    if backend.bits and not stored:
        quantised["quantization_config"] = _quantisation(backend)
    model = AutoModelForCausalLM.from_pretrained(
        spec.base_dir,
        dtype=torch_dtype(backend.precision),
        **INERT,
        device_map={"": 0} if device.cuda else None,
        **quantised,
    )
    check_quantised(model, spec, backend)
    return model


def _quantisation(backend: Backend) -> Any:
    """Return the settings of NF4 with double quantisation, or of LLM.int8.

    Sources: QLoRA, arXiv:2305.14314; LLM.int8(), arXiv:2208.07339.
    """
    from transformers import BitsAndBytesConfig

    if backend.bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=list(NOT_QUANTISED))
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch_dtype(backend.precision),
        llm_int8_skip_modules=list(NOT_QUANTISED),
    )


def check_quantised(model: Any, spec: TrainSpec, backend: Backend) -> None:
    """Check that the base is in the bits that were asked for, and make its layers trainable.

    On a CPU with AVX512-BF16, bitsandbytes 0.50 packs a layer in another way at the first pass
    without gradients and never unpacks it; gradients through it are wrong after that. So an
    evaluation before the first step would keep a run from learning.

    Raises:
        SettingsError: It is not in these bits.
    """
    if not backend.bits:
        return
    layers = [
        layer for layer in model.modules() if type(layer).__name__ == _LAYERS_OF[backend.bits]
    ]
    if not layers:
        raise SettingsError(
            f"{spec.base} can't be kept in {backend.bits} bits here: no layer of it was quantised",
            hint=f"set load_in_{backend.bits}bit to false",
        )
    for layer in layers:
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False


def adapter_options(model: Any, spec: TrainSpec) -> dict[str, Any]:
    """Return the adapter as peft and unsloth both take it."""
    return {
        "r": spec.r,
        "lora_alpha": spec.alpha,
        "lora_dropout": spec.dropout,
        "bias": "none",
        "use_rslora": spec.adapter == "rslora",  # arXiv:2312.03732
        "use_dora": spec.adapter == "dora",  # arXiv:2402.09353
        **target_layers(model, spec).options(),
    }


def _adapter(model: Any, spec: TrainSpec) -> Any:
    from peft import LoraConfig

    return LoraConfig(task_type="CAUSAL_LM", **adapter_options(model, spec))


def _load_unsloth(spec: TrainSpec, backend: Backend, device: Device) -> Loaded:
    from unsloth import FastLanguageModel  # before transformers and peft, which it changes

    checkpointing = "unsloth" if spec.gradient_checkpointing else False
    if backend.bits == 8 and not device.cuda:
        # On a CPU unsloth has no 8 bits, and would load 16 with a line in the log.
        model, tokenizer = _eight_bit_for_unsloth(spec, backend, device)
    else:
        model, tokenizer = FastLanguageModel.from_pretrained(
            model_name=spec.base_dir,
            max_seq_length=spec.max_length,
            dtype=torch_dtype(backend.precision),  # on a CPU its own choice, bf16, takes minutes
            load_in_4bit=backend.bits == 4,
            load_in_8bit=backend.bits == 8,
            use_exact_model_name=True,  # a local directory, not a name to be looked up
            use_gradient_checkpointing=checkpointing,
            **INERT,
        )
        check_quantised(model, spec, backend)
    model = FastLanguageModel.get_peft_model(
        model,
        use_gradient_checkpointing=checkpointing,
        random_state=spec.seed,
        **adapter_options(model, spec),
    )
    return Loaded(model=model, tokenizer=tokenizer)


def _eight_bit_for_unsloth(spec: TrainSpec, backend: Backend, device: Device) -> tuple[Any, Any]:
    """Return a base in 8 bits by transformers with unsloth's loss in it, and its tokenizer."""
    from transformers import AutoTokenizer
    from unsloth_zoo.cpu.ops import patch_chunked_causal_lm_loss

    model = _base(spec, backend, device)
    patch_chunked_causal_lm_loss(model)
    tokenizer = AutoTokenizer.from_pretrained(
        spec.base_dir, local_files_only=True, trust_remote_code=False
    )
    return model, tokenizer
