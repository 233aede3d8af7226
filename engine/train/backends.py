"""What trains: the same adapter on the same base, through transformers and peft or through unsloth.

Only the training child imports this module's libraries. unsloth is imported before
them all, and only where there is a card, since it raises at import without one.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import BaseInvalid, DependencyMissing
from engine.telemetry import GpuFacts
from engine.train.gpu import TorchFacts, explain
from engine.train.loss import Likelihood, nll_at_trained, nll_of_model
from engine.train.spec import ALL_LINEAR, TrainSpec

if TYPE_CHECKING:
    import torch

# Layers that some models keep in one piece.
_FUSED = {
    "q_proj": "qkv_proj",
    "k_proj": "qkv_proj",
    "v_proj": "qkv_proj",
    "gate_proj": "gate_up_proj",
    "up_proj": "gate_up_proj",
}


INERT = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True}
"""How a folder of a model is loaded: none of its code is run, and no pickle is read."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Why a run trains on the processor, and what would give it a GPU."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Device:
    """What a run computes on. ``card`` is the GPU's uuid, empty on the processor.

    ``visible`` is ``CUDA_VISIBLE_DEVICES`` as it was set for the run; None where it was not.
    """

    name: str
    card: str = ""
    visible: str | None = None

    @property
    def cuda(self) -> bool:
        """Whether it is an NVIDIA card."""
        return bool(self.card)


@dataclass(frozen=True, slots=True)
class Backend:
    """A chosen trainer: its name, and how it computes the loss."""

    name: str
    likelihood: Likelihood
    four_bit: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """A base model with a fresh adapter, whose output is still the base's, and its tokenizer."""

    model: Any
    tokenizer: Any


def find_device() -> Device:
    """Return the first NVIDIA card, or the processor.

    A run takes one card: where there are several, the others are hidden from it,
    since a trainer that sees more would split its batches over them.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ("0" if visible is None else visible).split(",")[0]
    import torch

    if not torch.cuda.is_available():
        threads = torch.get_num_threads()
        name = f"processor, {threads} thread{'s' if threads > 1 else ''}"
        return Device(name=name, visible=visible)
    card = torch.cuda.get_device_properties(0)
    return Device(name=card.name, card=str(getattr(card, "uuid", "") or "0"))


def fallback(
    spec: TrainSpec, device: Device, machine: GpuFacts, torch: TorchFacts
) -> Fallback | None:
    """Return what to say of a run that trains on the processor; None where it trains on a GPU.

    Args:
        spec: What the run shall do.
        device: What it computes on.
        machine: What NVML and the system say.
        torch: What torch says.
    """
    if device.cuda:
        return None
    problem = explain(machine, torch)
    if problem is not None:
        return Fallback(f"training on the CPU, which is far slower: {problem.message}", problem.fix)
    if spec.backend != "auto":
        return None
    return Fallback(
        "training on the CPU, which is far slower than a GPU: no NVIDIA GPU was found",
        "finetui doctor says what it sees",
    )


def installed(package: str) -> bool:
    """Say whether a package is installed, without importing it."""
    return importlib.util.find_spec(package) is not None


def choose(spec: TrainSpec, device: Device) -> Backend:
    """Return what trains a spec on a device.

    Raises:
        DependencyMissing: The spec asks for what is not here.
    """
    name = spec.backend
    if name == "auto":
        name = "unsloth" if device.cuda and installed("unsloth") else "trl"
    if name == "unsloth":
        if not device.cuda:
            raise DependencyMissing(
                "unsloth needs an NVIDIA card, and none is usable here",
                hint="take the backend trl, or auto",
            )
        if not installed("unsloth"):
            raise DependencyMissing(
                "unsloth is not installed", hint="install it with: pip install 'finetui[gpu]'"
            )
    four_bit = spec.load_in_4bit and device.cuda
    if four_bit and not installed("bitsandbytes"):
        raise DependencyMissing(
            "a base in 4 bits needs bitsandbytes, which is not installed",
            hint="install it with: pip install 'finetui[gpu]', or set load_in_4bit to false",
        )
    likelihood = nll_of_model if name == "unsloth" else nll_at_trained
    return Backend(name=name, likelihood=likelihood, four_bit=four_bit)


def load(spec: TrainSpec, backend: Backend, device: Device) -> Loaded:
    """Load the base and put a fresh adapter on it.

    Raises:
        BaseInvalid: The base has no layers of the names that the spec asks for.
    """
    if backend.name == "unsloth":
        return _load_unsloth(spec, backend)
    return _load_peft(spec, backend, device)


def compute_dtype(device: Device) -> torch.dtype:
    """Return the type of activations: 32 bits on a processor, 16 on a card."""
    import torch

    if not device.cuda:
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _load_peft(spec: TrainSpec, backend: Backend, device: Device) -> Loaded:
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        BitsAndBytesConfig,
        set_seed,
    )
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    dtype = compute_dtype(device)
    quantised = {}
    if backend.four_bit:
        # NF4 with double quantisation, as in QLoRA (arXiv:2305.14314).
        quantised["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    model = AutoModelForCausalLM.from_pretrained(
        spec.base_dir,
        dtype=dtype,
        **INERT,
        device_map={"": 0} if device.cuda else None,
        **quantised,
    )
    if backend.four_bit:
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=spec.gradient_checkpointing
        )
    set_seed(spec.seed)  # the adapter's first weights are random
    config = LoraConfig(
        r=spec.r,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=target_layers(model, spec),
        bias="none",
        task_type="CAUSAL_LM",
    )
    tokenizer = AutoTokenizer.from_pretrained(
        spec.base_dir, local_files_only=True, trust_remote_code=False
    )
    return Loaded(model=get_peft_model(model, config), tokenizer=tokenizer)


def _load_unsloth(spec: TrainSpec, backend: Backend) -> Loaded:
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=spec.base_dir,
        max_seq_length=spec.max_length,
        dtype=None,  # bfloat16 where the card has it
        load_in_4bit=backend.four_bit,
        use_exact_model_name=True,  # a local directory, not a name to be looked up
        local_files_only=True,
        trust_remote_code=False,
    )
    model = FastLanguageModel.get_peft_model(
        model,
        r=spec.r,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=target_layers(model, spec),
        bias="none",
        use_gradient_checkpointing="unsloth" if spec.gradient_checkpointing else False,
        random_state=spec.seed,
    )
    return Loaded(model=model, tokenizer=tokenizer)


def target_layers(model: Any, spec: TrainSpec) -> list[str]:
    """Return the names of the layers that get an adapter, as this model has them.

    Raises:
        BaseInvalid: One that the spec names is not there, fused with others or alone.
    """
    return match_layers(linear_layers(model), spec.target_modules, base=spec.base)


def linear_layers(model: Any) -> list[str]:
    """Return the last parts of the names of a model's linear layers, but for its output layer."""
    head = model.get_output_embeddings()
    names = {
        name.rpartition(".")[2]
        for name, layer in model.named_modules()
        # Layers in 4 or 8 bits are of other classes, and all of them have these two fields.
        if layer is not head and hasattr(layer, "in_features") and hasattr(layer, "out_features")
    }
    return sorted(names)


def match_layers(there: Iterable[str], wanted: Iterable[str], *, base: str) -> list[str]:
    """Return which of a model's layers are meant by names of the Llama family.

    Raises:
        BaseInvalid: A name has no layer.
    """
    there, found, missing = list(there), set(), []
    for name in wanted:
        if name == ALL_LINEAR:
            found.update(there)
        elif name in there:
            found.add(name)
        elif _FUSED.get(name) in there:
            found.add(_FUSED[name])
        else:
            missing.append(name)
    if missing or not found:
        raise BaseInvalid(
            f"{base} has no layers called {', '.join(missing) or 'linear'}",
            hint=f"set target_modules to {ALL_LINEAR}, or to some of: {', '.join(there)}",
        )
    return sorted(found)
