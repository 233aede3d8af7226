"""Models and rows made on the spot: Llama shapes with random weights, quantised layer by layer.

What a step takes in time and memory depends on shapes, formats and lengths, not on what the
weights are. Each layer is made where the computing is done, quantised there and written at once,
so that neither the host's memory nor the GPU's ever holds the model.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama's sizes, as its ``config.json`` names them."""

    name: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    tie_word_embeddings: bool


SHAPES = {
    shape.name: shape
    for shape in (
        # As published in the config.json of meta-llama/Llama-3.2-1B and Llama-3.1-8B.
        Shape("1B", 2048, 16, 32, 8, 64, 8192, 128_256, True),
        Shape("8B", 4096, 32, 32, 8, 128, 14_336, 128_256, False),
        Shape("tiny", 64, 2, 4, 2, 16, 128, 512, True),
        Shape("tiny-untied", 128, 3, 4, 2, 32, 256, 512, False),
    )
}


def make_model(folder: Path, shape: Shape, *, bits: int, device: str) -> dict[str, float]:
    """Write a model's folder, whole or not at all.

    Args:
        folder: Where; one that is there is kept.
        shape: The sizes.
        bits: 16, or 4 for NF4 with double quantisation as bitsandbytes stores it.
        device: Where layers are made and quantised.

    Returns:
        Its bytes on the disk.
    """
    import shutil

    if not folder.is_dir():
        temporary = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        _write_weights(temporary, shape, bits, device)
        _write_config(temporary, shape, bits)
        write_tokenizer(temporary)
        temporary.rename(folder)
    return {"bytes": float(sum(path.stat().st_size for path in folder.iterdir()))}


def _write_weights(folder: Path, shape: Shape, bits: int, device: str) -> None:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    index: dict[str, str] = {}
    for number, tensors in enumerate(_parts(shape, bits, device), 1):
        name = f"model-{number:05d}.safetensors"
        save_file(tensors, str(folder / name), metadata={"format": "pt"})
        index.update(dict.fromkeys(tensors, name))
    document = {"metadata": {}, "weight_map": index}
    (folder / "model.safetensors.index.json").write_text(json.dumps(document), "utf-8")


def _parts(shape: Shape, bits: int, device: str) -> Iterator[dict[str, Any]]:
    """Yield a model's tensors a layer at a time, on the host."""
    import torch

    kind = torch.bfloat16

    def random_weight(rows: int, columns: int) -> Any:
        return torch.randn(rows, columns, device=device, dtype=kind) * 0.02

    yield {"model.embed_tokens.weight": random_weight(shape.vocab_size, shape.hidden_size).cpu()}
    for number in range(shape.num_hidden_layers):
        prefix = f"model.layers.{number}."
        tensors: dict[str, Any] = {}
        for name, (rows, columns) in _linears(shape).items():
            weight = random_weight(rows, columns)
            tensors |= _stored(f"{prefix}{name}.weight", weight, bits)
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{prefix}{name}.weight"] = torch.ones(shape.hidden_size, dtype=kind)
        yield tensors
    last = {"model.norm.weight": torch.ones(shape.hidden_size, dtype=kind)}
    if not shape.tie_word_embeddings:
        last["lm_head.weight"] = random_weight(shape.vocab_size, shape.hidden_size).cpu()
    yield last


def _linears(shape: Shape) -> dict[str, tuple[int, int]]:
    hidden, inner = shape.hidden_size, shape.intermediate_size
    queries = shape.num_attention_heads * shape.head_dim
    keys = shape.num_key_value_heads * shape.head_dim
    return {
        "self_attn.q_proj": (queries, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }


def _stored(name: str, weight: Any, bits: int) -> dict[str, Any]:
    """Return a weight as it is stored: itself, or packed with its state of quantisation."""
    if bits == 16:
        return {name: weight.cpu()}
    from bitsandbytes import functional

    packed, state = functional.quantize_4bit(
        weight, blocksize=64, compress_statistics=True, quant_type="nf4"
    )
    extra = {f"{name}.{key}": value.cpu() for key, value in state.as_dict(packed=True).items()}
    return {name: packed.cpu(), **extra}


def _write_config(folder: Path, shape: Shape, bits: int) -> None:
    sizes = asdict(shape)
    del sizes["name"]
    config: dict[str, Any] = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500_000.0,
        "attention_bias": False,
        "mlp_bias": False,
        "dtype": "bfloat16",
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
        **sizes,
    }
    if bits == 4:
        config["quantization_config"] = {
            "quant_method": "bitsandbytes",
            "load_in_4bit": True,
            "load_in_8bit": False,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": "bfloat16",
            "bnb_4bit_quant_storage": "uint8",
            "llm_int8_skip_modules": ["lm_head"],
        }
    (folder / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
    generation = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    (folder / "generation_config.json").write_text(json.dumps(generation), "utf-8")


def write_tokenizer(folder: Path) -> None:
    """Write a tokenizer with a token for each byte, so that a row's length is its text's."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    names = [*CONTROL, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {name: index for index, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in CONTROL])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": CONTROL[1],
        "eos_token": CONTROL[2],
        "pad_token": CONTROL[0],
        "unk_token": CONTROL[0],
        "model_max_length": 8192,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHATML,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")


def write_rows(folder: Path, count: int, lengths: tuple[int, int]) -> None:
    """Write a dataset's training rows: ragged, their lengths spread evenly over a range.

    Args:
        folder: The dataset's folder; it is made.
        count: How many.
        lengths: The shortest and the longest, in tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shortest, longest = lengths
    order = random.Random(0)
    wanted = [shortest + (longest - shortest) * i // max(1, count - 1) for i in range(count)]
    order.shuffle(wanted)
    lines = []
    for number, length in enumerate(wanted):
        question = f"What did you learn on day {number}?"
        # The template's own text around both is 35 bytes and four control tokens.
        answer = "".join(order.choices("abcdefghij klmno", k=max(1, length - len(question) - 31)))
        messages = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
        lines.append(json.dumps({"id": f"row-{number}", "messages": messages, "metadata": {}}))
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
