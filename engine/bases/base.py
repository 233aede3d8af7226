"""What a base model is to the other stages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.bases.shape import ModelShape


@dataclass(frozen=True, slots=True)
class BasePreset:
    """A base model known by a short name.

    Args:
        name: The short name.
        title: The model's full name.
        hub_id: The model on the hub; empty for the embedded one.
        four_bit_id: The same model stored in 4 bits, for training on one card; empty
            where there is none.
        default_quant: The quantisation that an export takes unless told otherwise.
        preset: The name of the hyperparameter preset that fits the model.
        download_bytes: About how much is downloaded; 0 for the embedded model.
        licence: The licence's usual short name.
        shape: The sizes of its published ``config.json``; of a multimodal model the language part.
        parameters: The published number of weights, a vision tower included.
        template: The shipped chat template that is its own; see ``engine/tokens/shipped``.
        gated: Whether the hub asks to accept the licence first.
        aliases: Other names that mean it.
    """

    name: str
    title: str
    hub_id: str
    four_bit_id: str
    default_quant: str
    preset: str
    download_bytes: int
    licence: str
    shape: ModelShape
    parameters: int
    template: str
    gated: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def embedded(self) -> bool:
        """Whether the model comes out of an installed package, without a network."""
        return not self.hub_id


@dataclass(frozen=True, slots=True)
class Base:
    """A base model that is here, as a Hugging Face directory.

    Args:
        name: The name by which it is chosen; caches of it are kept under this name.
        directory: The Hugging Face directory: config, tokenizer and safetensors.
        fingerprint: Changes when the model does; see :func:`engine.bases.check.fingerprint`.
        chat_template: The Jinja text of its chat template.
        default_quant: The quantisation that an export takes unless told otherwise.
        parameters: How many weights the model has.
        preset: The name of the hyperparameter preset that fits it.
        embedded: Whether it is the one out of the installed package.
        hub_id: Where it was downloaded from; empty otherwise.
        note: What a person should know, such as that its template is a stand-in.
    """

    name: str
    directory: Path
    fingerprint: str
    chat_template: str
    default_quant: str
    parameters: int
    preset: str
    embedded: bool
    hub_id: str = ""
    note: str = ""
