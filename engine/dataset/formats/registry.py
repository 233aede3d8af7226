"""The formats by name."""

from __future__ import annotations

import difflib

from engine.dataset.formats.base import Format
from engine.dataset.formats.marked import to_chatml, to_completion, to_instruct_text
from engine.dataset.formats.messages import to_chat, to_openai, to_sharegpt
from engine.dataset.formats.pairs import to_alpaca, to_instruction
from engine.errors import FormatUnknown

FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        Format(
            "chat",
            "messages with roles: trl, axolotl, unsloth, hosted APIs",
            {"messages": "role/content"},
            to_chat,
        ),
        Format(
            "instruction",
            "prompt and completion, one question a row: trl, older APIs",
            {"prompt": "text", "completion": "text"},
            to_instruction,
        ),
        Format(
            "alpaca",
            "instruction, input and output: LLaMA-Factory, axolotl, litgpt",
            {
                "instruction": "text",
                "input": "text",
                "output": "text",
                "system": "text",
                "history": "pairs",
            },
            to_alpaca,
            optional=("system", "history"),
        ),
        Format(
            "sharegpt",
            "conversations of from and value: LLaMA-Factory, axolotl, FastChat",
            {"conversations": "from/value"},
            to_sharegpt,
        ),
        Format(
            "openai",
            "messages as OpenAI's fine-tuning takes them, with its rules checked",
            {"messages": "role/content"},
            to_openai,
            metadata=False,
            smallest=10,
            container="jsonl",
        ),
        Format(
            "completion",
            "plain text with <|user|> and <|assistant|>",
            {"text": "text"},
            to_completion,
        ),
        Format(
            "chatml",
            "plain text with <|im_start|> and <|im_end|>, as ChatML templates render it",
            {"text": "text"},
            to_chatml,
        ),
        Format(
            "instruct-text",
            "plain text with ### Instruction: and ### Response:",
            {"text": "text"},
            to_instruct_text,
        ),
    )
}
"""The formats by name, in the order in which they are offered."""


def format_of(name: str) -> Format:
    """Return a format by name.

    Raises:
        FormatUnknown: There is none of that name.
    """
    if name in FORMATS:
        return FORMATS[name]
    near = difflib.get_close_matches(name.lower(), FORMATS, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? " if near else ""
    raise FormatUnknown(
        f"there is no export format {name!r}", hint=f"{meant}the formats are: {', '.join(FORMATS)}"
    )
