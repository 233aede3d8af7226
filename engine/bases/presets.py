"""The base models that are known by name.

Shapes are those of the published ``config.json``, and a test counts their weights against the
published number of parameters. So a run's memory can be told without the model or a hub.
"""

from __future__ import annotations

from engine.bases.base import BasePreset
from engine.bases.shape import ModelShape

EMBEDDED = "smollm2-135m-instruct"

_QLORA = "qlora"
_SMALL = "small-cpu"
_QUANT = "q4_k_m"
# At 4 bits so small a model loses what an answer shown to a person needs.
_UNQUANTISED = "f16"
SMALL_BELOW = 1_000_000_000
"""Models of fewer weights than this train on a processor, and are exported unquantised."""


def _llama_family() -> tuple[BasePreset, ...]:
    return (
        BasePreset(
            name="llama-3.1-8b",
            title="Llama 3.1 8B Instruct",
            hub_id="meta-llama/Llama-3.1-8B-Instruct",
            four_bit_id="unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit",
            default_quant=_QUANT,
            preset="llama3-8b",
            download_bytes=16_070_000_000,
            licence="Llama 3.1",
            shape=ModelShape(4096, 32, 32, 8, 128, 14336, 128256),
            parameters=8_030_261_248,
            template="llama-3",
            gated=True,
            aliases=("llama3-8b", "llama3.1-8b", "llama-3-8b"),
        ),
        BasePreset(
            name="mistral-7b",
            title="Mistral 7B Instruct v0.3",
            hub_id="mistralai/Mistral-7B-Instruct-v0.3",
            four_bit_id="unsloth/mistral-7b-instruct-v0.3-bnb-4bit",
            default_quant=_QUANT,
            preset="mistral-7b",
            download_bytes=14_500_000_000,
            licence="Apache-2.0",
            shape=ModelShape(4096, 32, 32, 8, 128, 14336, 32768),
            parameters=7_248_023_552,
            template="mistral",
            gated=True,
        ),
    )


def _phi() -> tuple[BasePreset, ...]:
    return (
        BasePreset(
            name="phi-3-mini",
            title="Phi-3 mini 4k Instruct",
            hub_id="microsoft/Phi-3-mini-4k-instruct",
            four_bit_id="unsloth/Phi-3-mini-4k-instruct-bnb-4bit",
            default_quant=_QUANT,
            preset="phi-3-mini",
            download_bytes=7_640_000_000,
            licence="MIT",
            shape=ModelShape(3072, 32, 32, 32, 96, 8192, 32064),
            parameters=3_821_079_552,
            template="phi-3",
            aliases=("phi3-mini",),
        ),
        BasePreset(
            name="phi-3-medium",
            title="Phi-3 medium 4k Instruct",
            hub_id="microsoft/Phi-3-medium-4k-instruct",
            four_bit_id="unsloth/Phi-3-medium-4k-instruct-bnb-4bit",
            default_quant=_QUANT,
            preset="phi-3-medium",
            download_bytes=27_920_000_000,
            licence="MIT",
            shape=ModelShape(5120, 40, 40, 10, 128, 17920, 32064),
            parameters=13_960_238_080,
            template="phi-3",
            aliases=("phi3-medium",),
        ),
    )


def _qwen2() -> BasePreset:
    return BasePreset(
        name="qwen2.5-7b",
        title="Qwen 2.5 7B Instruct",
        hub_id="Qwen/Qwen2.5-7B-Instruct",
        four_bit_id="unsloth/Qwen2.5-7B-Instruct-bnb-4bit",
        default_quant=_QUANT,
        preset="qwen2.5-7b",
        download_bytes=15_240_000_000,
        licence="Apache-2.0",
        shape=ModelShape(3584, 28, 28, 4, 128, 18944, 152064),
        parameters=7_615_616_512,
        template="qwen-2.5",
        aliases=("qwen-2.5-7b",),
    )


def _qwen3(size: str, shape: ModelShape, parameters: int, download: int) -> BasePreset:
    small = parameters < SMALL_BELOW
    return BasePreset(
        name=f"qwen3-{size}",
        title=f"Qwen 3 {size.upper()}",
        hub_id=f"Qwen/Qwen3-{size.upper()}",
        four_bit_id=f"unsloth/Qwen3-{size.upper()}-bnb-4bit",
        default_quant=_UNQUANTISED if small else _QUANT,
        preset=f"qwen3-{size}",
        download_bytes=download,
        licence="Apache-2.0",
        shape=shape,
        parameters=parameters,
        template="qwen-3",
        aliases=(f"qwen-3-{size}",),
    )


def _gemma(version: str, size: str, shape: ModelShape, parameters: int, *, of: str) -> BasePreset:
    """Return a Gemma; ``of`` is how its copy in 4 bits is called after its size."""
    small = parameters < SMALL_BELOW
    name = f"gemma-{version}{size}"
    return BasePreset(
        name=name,
        title=f"Gemma {version.rstrip('-')} {size.upper()} Instruct".replace("  ", " "),
        hub_id=f"google/{name}-it",
        four_bit_id=f"unsloth/{name}-it{of}",
        default_quant=_UNQUANTISED if small else _QUANT,
        preset=name,
        download_bytes=2 * parameters,
        licence="Gemma",
        shape=shape,
        parameters=parameters,
        template="gemma",
        gated=True,
        aliases=(f"gemma{version}{size}",) if version else (),
    )


def _smollm2(size: str, shape: ModelShape, parameters: int) -> BasePreset:
    name = f"smollm2-{size}-instruct"
    embedded = name == EMBEDDED
    small = parameters < SMALL_BELOW
    return BasePreset(
        name=name,
        title=f"SmolLM2 {size.upper()} Instruct",
        hub_id="" if embedded else f"HuggingFaceTB/SmolLM2-{size.upper()}-Instruct",
        four_bit_id="",
        default_quant=_UNQUANTISED if small else _QUANT,
        preset=_SMALL if embedded else f"smollm2-{size}",
        download_bytes=0 if embedded else 2 * parameters,
        licence="Apache-2.0",
        shape=shape,
        parameters=parameters,
        template="smollm2",
        aliases=(f"smollm2-{size}",),
    )


_ALL = (
    _smollm2("135m", ModelShape(576, 30, 9, 3, 64, 1536, 49152, tied=True), 134_515_008),
    _smollm2("360m", ModelShape(960, 32, 15, 5, 64, 2560, 49152, tied=True), 361_821_120),
    _smollm2("1.7b", ModelShape(2048, 24, 32, 32, 64, 8192, 49152, tied=True), 1_711_376_384),
    *_llama_family(),
    *_phi(),
    _qwen2(),
    _qwen3(
        "0.6b",
        ModelShape(1024, 28, 16, 8, 128, 3072, 151936, tied=True),
        596_049_920,
        1_500_000_000,
    ),
    _qwen3(
        "1.7b",
        ModelShape(2048, 28, 16, 8, 128, 6144, 151936, tied=True),
        1_720_574_976,
        4_060_000_000,
    ),
    _qwen3(
        "4b",
        ModelShape(2560, 36, 32, 8, 128, 9728, 151936, tied=True),
        4_022_468_096,
        8_040_000_000,
    ),
    _qwen3("8b", ModelShape(4096, 36, 32, 8, 128, 12288, 151936), 8_190_735_360, 16_380_000_000),
    _qwen3("14b", ModelShape(5120, 40, 40, 8, 128, 17408, 151936), 14_768_307_200, 29_540_000_000),
    _gemma(
        "",
        "2b",
        ModelShape(2048, 18, 8, 1, 256, 16384, 256000, tied=True),
        2_506_172_416,
        of="-bnb-4bit",
    ),
    _gemma(
        "2-",
        "2b",
        ModelShape(2304, 26, 8, 4, 256, 9216, 256000, tied=True, caps_logits=True),
        2_614_341_888,
        of="-bnb-4bit",
    ),
    _gemma(
        "2-",
        "9b",
        ModelShape(3584, 42, 16, 8, 256, 14336, 256000, tied=True, caps_logits=True),
        9_241_705_984,
        of="-bnb-4bit",
    ),
    _gemma(
        "3-",
        "270m",
        ModelShape(640, 18, 4, 1, 256, 2048, 262144, tied=True),
        268_098_176,
        of="-bnb-4bit",
    ),
    _gemma(
        "3-",
        "1b",
        ModelShape(1152, 26, 4, 1, 256, 6912, 262144, tied=True),
        999_885_952,
        of="-bnb-4bit",
    ),
    _gemma(
        "3-",
        "4b",
        ModelShape(2560, 34, 8, 4, 256, 10240, 262208, tied=True, padded=True),
        4_300_079_472,
        of="-bnb-4bit",
    ),
    _gemma(
        "3-",
        "12b",
        ModelShape(3840, 48, 16, 8, 256, 15360, 262208, tied=True, padded=True),
        12_187_325_040,
        of="-bnb-4bit",
    ),
)

PRESETS: dict[str, BasePreset] = {preset.name: preset for preset in _ALL}


def preset_for(text: str) -> BasePreset | None:
    """Return the preset that a name, an alias or a hub id means, if any."""
    lowered = text.lower()
    for preset in _ALL:
        if lowered == preset.name or lowered in preset.aliases:
            return preset
        if preset.hub_id and lowered == preset.hub_id.lower():
            return preset
    return None


def known_names() -> list[str]:
    """Return every name that means a known base, aliases included."""
    return [name for preset in _ALL for name in (preset.name, *preset.aliases)]


def fitting(parameters: int) -> tuple[str, str]:
    """Return the default quantisation and the hyperparameter preset for a model's size."""
    return (_UNQUANTISED, _SMALL) if parameters < SMALL_BELOW else (_QUANT, _QLORA)
