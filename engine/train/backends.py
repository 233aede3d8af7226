"""What trains: the same adapter on the same base, through transformers and peft or through unsloth.

Only the training child imports this module's libraries. unsloth is imported before
them all, and only where there is a card, since it raises at import without one.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

from engine.errors import DependencyMissing
from engine.train.devices import Device, compute_dtype
from engine.train.layers import target_layers
from engine.train.loss import Likelihood, nll_at_trained, nll_of_model
from engine.train.spec import TrainSpec

INERT = {"local_files_only": True, "trust_remote_code": False, "use_safetensors": True}
"""How a folder of a model is loaded: none of its code is run, and no pickle is read."""


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
