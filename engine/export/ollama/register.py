"""Giving an export to a running Ollama, and asking it one question to see that it is well fed.

The file goes there by its digest, unless Ollama has it; the model is made of it with the template,
the system message and the parameters that its Modelfile has. Then it answers a held-out prompt of
the dataset, and the number of tokens that Ollama counts in it is held against training's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

from engine.errors import DatasetMissing, OllamaDiffers, OllamaNameTaken
from engine.export.held_out import dataset_prompts
from engine.export.ollama.address import Address
from engine.export.ollama.client import Line, Ollama
from engine.export.ollama.modelfile import OllamaModel
from engine.export.ollama.names import same
from engine.models import Turn
from engine.sizes import size_words
from engine.text import inert
from engine.tokens import Tokenizer, prompt_ids

ANSWER_TOKENS = 256
"""The longest answer to the one question, in tokens."""

_LONGEST_PROMPT = 1_500
_QUESTION = (Turn("user", "Who are you?"),)
_READ = 1 << 22
_MOST = 10**18


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done: words, and how much of it, in bytes, where that is known.

    ``grows`` says that the words are those of the step before, and more.
    """

    words: str
    done: int = 0
    total: int = 0
    grows: bool = False


Tell = Callable[[Step], None]
"""Is told of each step, again and again; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A model that Ollama has now.

    Args:
        name: Its name there.
        address: Where that is.
        version: Ollama's version.
        digest: The file's SHA-256.
        sent: The bytes that were sent; 0 where Ollama had the file.
        replaced: Whether a model of that name was there before.
        question: What it was asked.
        answer: What it said.
        prompt_tokens: The tokens that Ollama counted in the prompt; None where it does not say.
        trained_tokens: Those of the same prompt in training.
        done_reason: Why the answer ended: "stop", "length", ….
    """

    name: str
    address: str
    version: str
    digest: str
    sent: int
    replaced: bool
    question: str
    answer: str
    prompt_tokens: int | None
    trained_tokens: int
    done_reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def register(
    address: Address,
    name: str,
    gguf: Path,
    model: OllamaModel,
    tokenizer: Tokenizer,
    *,
    prompt: Sequence[Turn] = _QUESTION,
    replace: bool = False,
    tell: Tell = lambda step: None,
    client: Callable[[Address], Ollama] = Ollama,
) -> Registered:
    """Give a model to Ollama and ask it one question.

    Args:
        address: Where Ollama listens.
        name: The model's name there, with its tag.
        gguf: Its file.
        model: What Ollama is told of it.
        tokenizer: That of training.
        prompt: What it is asked.
        replace: Whether a model of that name may be replaced.
        tell: Is told of each step.
        client: Makes the client.

    Raises:
        OllamaNameTaken: There is a model of that name, and it may not be replaced.
        OllamaDiffers: The model is there, and Ollama counts other tokens, or it does not stop.
        OllamaError: Ollama can't be reached, or does not take the model.
    """
    with client(address) as ollama:
        tell(Step(f"ask Ollama at {address.shown} who it is"))
        version = ollama.version()
        there = _there(ollama, name)
        if there is not None and not replace:
            raise _taken(address, name, there)
        digest = _digest(gguf, tell)
        sent = _send(ollama, gguf, digest, tell)
        request = {
            "model": name,
            "files": {gguf.name: digest},
            "parameters": dict(model.parameters),
            **({"template": model.template} if model.template else {}),
            **({"system": model.system} if model.system else {}),
        }
        for status in ollama.create(request):
            tell(Step(f"Ollama: {status}"))
        done = _asked(ollama, name, prompt, tell)
    told = Registered(
        name=name,
        address=address.shown,
        version=version,
        digest=digest,
        sent=sent,
        replaced=there is not None,
        question=prompt[-1].content,
        answer=done.text,
        prompt_tokens=done.prompt_tokens,
        trained_tokens=len(prompt_ids(tokenizer, _whole(model, prompt))),
        done_reason=done.reason,
    )
    _check(told, model)
    return told


def choose_prompt(run_dir: Path, model: OllamaModel, tokenizer: Tokenizer) -> Sequence[Turn]:
    """Return the prompt that a model is asked: the first held-out one that is not too long."""
    try:
        for found in dataset_prompts(run_dir):
            if len(prompt_ids(tokenizer, _whole(model, found.turns))) <= _LONGEST_PROMPT:
                return found.turns
    except DatasetMissing:
        pass
    return _QUESTION


def _whole(model: OllamaModel, prompt: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return a prompt with the system message that one without is to get from Ollama."""
    if model.trained_system and prompt[0].role != "system":
        return (Turn("system", model.trained_system), *prompt)
    return tuple(prompt)


def _there(ollama: Ollama, name: str) -> Line | None:
    named = (one for one in ollama.models() if same(str(one.get("name", "")), name))
    return next(named, None)


def _taken(address: Address, name: str, there: Mapping[str, Any]) -> OllamaNameTaken:
    size, at = there.get("size"), str(there.get("modified_at", ""))[:10]
    words = [size_words(size)] if _is_count(size) else []
    words += [f"of {inert(at)}"] if at else []
    known = f" ({', '.join(words)})" if words else ""
    return OllamaNameTaken(
        f"Ollama at {address.shown} has a model {name} already{known}",
        hint="choose another name with --create NAME, or replace it with --force",
    )


def _digest(gguf: Path, tell: Tell) -> str:
    digest, size, done = hashlib.sha256(), gguf.stat().st_size, 0
    with gguf.open("rb") as file:
        while piece := file.read(_READ):
            tell(Step(f"read {gguf.name}", done, size))
            digest.update(piece)
            done += len(piece)
    return f"sha256:{digest.hexdigest()}"


def _send(ollama: Ollama, gguf: Path, digest: str, tell: Tell) -> int:
    if ollama.has_blob(digest):
        tell(Step(f"Ollama has {gguf.name} already"))
        return 0
    ollama.push_blob(gguf, digest, lambda done, all: tell(Step(f"send {gguf.name}", done, all)))
    return gguf.stat().st_size


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    prompt_tokens: int | None
    reason: str


def _asked(ollama: Ollama, name: str, prompt: Sequence[Turn], tell: Tell) -> _Answer:
    tell(Step(f"load {name} and ask it one question"))
    # What Ollama remembers of a prompt is not counted when it reads it again.
    ollama.unload(name)
    said: list[str] = []
    last: Line = {}
    for part in ollama.chat(
        {
            "model": name,
            "messages": [{"role": turn.role, "content": turn.content} for turn in prompt],
            "options": {"temperature": 0, "seed": 0, "num_predict": ANSWER_TOKENS},
        }
    ):
        message = part.get("message")
        text = message.get("content") if isinstance(message, dict) else None
        said.append(text if isinstance(text, str) else "")
        tell(Step(f"{name} answers: {inert(''.join(said)[-60:])}", grows=True))
        last = part
    counted = last.get("prompt_eval_count")
    return _Answer(
        "".join(said),
        counted if _is_count(counted) else None,
        str(last.get("done_reason") or ""),
    )


def _is_count(value: object) -> TypeGuard[int]:
    """Whether a value is a number of bytes or tokens that can be."""
    return type(value) is int and 0 <= value < _MOST


def _check(told: Registered, model: OllamaModel) -> None:
    """Raise where the model is not fed as it was trained, or does not stop."""
    counted, trained = told.prompt_tokens, told.trained_tokens
    if counted is not None and counted != trained:
        raise OllamaDiffers(
            f"{told.name} is in Ollama, which counts {counted:,} tokens in a prompt that was "
            f"{trained:,} in training",
            hint=_why_other(counted - trained, model),
        )
    if told.done_reason and told.done_reason != "stop":
        raise OllamaDiffers(
            f"{told.name} is in Ollama, and did not stop by itself within {ANSWER_TOKENS} tokens "
            f"({inert(told.done_reason)})",
            hint="were its answers shorter in training? Then train for longer, or ask it again",
        )


def _why_other(more: int, model: OllamaModel) -> str:
    if not model.template:
        return f"there is no TEMPLATE: {model.reason}"
    if more == 1:
        return "is the token that begins a text written twice? Export it again"
    return (
        "newer versions of Ollama may use the chat template inside the GGUF: start Ollama with "
        "OLLAMA_GO_TEMPLATE=1, and run the same command again"
    )
