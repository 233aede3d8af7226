"""Texts on which tokenizers differ from one another."""

from __future__ import annotations

TEXTS = (
    "Hello world, plainly.",
    "In 2024, 1234567 items at 3.14159% (nr. 007)",
    "Ce faci, măi? Țară și țuică, Ștefan; cu ş vechi.",
    "日本語のテキストです。漢字かな交じり文。",
    "👩‍👩‍👧‍👦 family, 🏳️‍🌈 flag, 👍🏽 thumb",
    "def f(x):\n\treturn x**2  # ok\n\n    y = {'a': [1, 2]}",
    "one\r\ntwo\r\n\r\nthree\rfour",
    "  leading   spaces \n\n\n trailing  ",
    "it's we'll I'D they've; don’t",
    "\u00a0nbsp\u200bzero width\ufeffbom e\u0301 é",
    "https://example.org/a?b=c&d=%20#x <b>bold</b> [[link|name]]",
)
CONTROL_TEXTS = (
    "<|im_start|>user\nhi<|im_end|>\n",
    "a<|endoftext|>b <|im_end|><|im_end|>c",
)
