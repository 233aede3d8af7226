"""A real model that is small enough for a test to train, merge and save in seconds."""

from __future__ import annotations

from pathlib import Path

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# Enough words for the tokenizer to learn some merges; what they say is of no matter.
_LINES = (
    "What did you take away from the meeting on Monday?",
    "I said no, and it took me a week to see why. The role was not mine to take.",
    "The garden taught me that waiting is also work, and that rain does most of it.",
    "Why did you choose the smaller flat? Because the light in the kitchen is good.",
    "user assistant system tool question answer note reflection decision learning week",
    "12 34 56 78 90 1999 2024, 3.14 and 100%: numbers are split digit by digit.",
    "Über die Brücke, naïve café, Ștefan și țară, 日本語, 🙂",
)


def make_tiny_model(folder: Path, *, seed: int = 0, hidden: int = 64, layers: int = 2) -> Path:
    """Write a random Llama with its own ByteLevel BPE tokenizer and a ChatML template.

    The folder is what a base model's folder is: ``config.json``,
    ``generation_config.json``, ``model.safetensors``, ``tokenizer.json``,
    ``tokenizer_config.json`` and ``chat_template.jinja``. The tokenizer has the
    form of SmolLM2's (digits one by one, then byte level) and about 450 tokens;
    ``<|im_end|>`` ends a turn and a text.

    Args:
        folder: Where the model is written; it is made.
        seed: Seed of the weights.
        hidden: Width of the model; a multiple of 16.
        layers: Number of layers.

    Returns:
        The folder.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=make_tokenizer(),
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHATML
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=hidden * 2,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    # The generator's state is put back, so that a test's own seed is not touched.
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer() -> object:
    """Return the tokenizer of :func:`make_tiny_model`, a ``tokenizers.Tokenizer``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        _LINES,
        trainers.BpeTrainer(
            vocab_size=450,
            special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return tokenizer
