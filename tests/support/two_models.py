"""Two tiny models that answer differently, files that are none, and what llama.cpp says of them.

What the models answer was computed by ``llama-cpp-python`` 0.3.36, greedily::

    Llama(path, n_ctx=512, n_threads=1)("Hello", max_tokens=20, temperature=0)

which is another build of llama.cpp than the one that serves them here.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.tiny_gguf import file, write_model

PROMPT = "Hello"
WORDS = {
    "one": ["Queen"] * 8 + [" Surviv"] * 12,
    "two": [" rhyming"] * 4 + [" basically"] * 13 + [" MU"] * 3,
}
"""Each model's answer, token by token."""

TOKENS = 8
ANSWERS = {name: "".join(words[:TOKENS]) for name, words in WORDS.items()}
CONTEXT = 4096


def make_models(folder: Path) -> Path:
    """Write the models and the files that are none into a folder.

    ``cut`` ends in the middle of its weights, ``empty`` says of a model nothing, and ``liar`` is
    whole by its header, names a kind of tokenizer that it does not have, and is refused by
    llama.cpp itself.
    """
    folder.mkdir(parents=True)
    whole = write_model(folder / "one.gguf", context=CONTEXT, seed=1)
    write_model(folder / "two.gguf", context=CONTEXT, seed=2)
    data = whole.read_bytes()
    (folder / "cut.gguf").write_bytes(data[: len(data) // 2])
    (folder / "empty.gguf").write_bytes(file([], []))
    kind = b"tokenizer.ggml.model"
    at = data.index(b"gpt2", data.index(kind))
    (folder / "liar.gguf").write_bytes(data[:at] + b"none" + data[at + 4 :])
    return folder
