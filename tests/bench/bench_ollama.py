"""Derived Go templates of public chat templates: ``python -m tests.bench.bench_ollama [--data D]``.

D holds folders of public chat templates (``chat-templates-llamacpp``, ``chat-templates-chujie``,
``ollama-templates``). Go itself fills every template, in the way that Ollama documents:

- Ollama's own templates, with the conversations of its tests, against the renderings that it
  keeps of them: that our program fills templates as Ollama does;
- the template derived from each chat template, against the prompts of training;
- Ollama's own templates against the prompts of the chat templates that it gives them to.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from engine.errors import FinetuiError, TemplateError
from engine.export.ollama.derive import derive
from engine.export.ollama.go import go_template
from engine.models import Turn
from engine.tokens import Tokenizer, shipped
from tests.bench.bench_templates import DATA, templates, tokenizer_for
from tests.support.go_templates import GoTemplates, build

HELLO = Turn("user", "Hello, how are you?")
FINE = Turn("assistant", "I'm doing great. How can I help you today?")
MORE = Turn("user", "I'd like to show off how chat templating works!")
SYSTEM = Turn("system", "You are a helpful assistant.")
SPACED = Turn("user", "\n  code:\n\n    x = 1 \n")
ROUGH = Turn("assistant", " and so on\n\n")
PLAIN: dict[str, tuple[Turn, ...]] = {
    "user": (HELLO,),
    "user-assistant-user": (HELLO, FINE, MORE),
    "system-user-assistant-user": (SYSTEM, HELLO, FINE, MORE),
}
CONVERSATIONS: dict[str, tuple[Turn, ...]] = PLAIN | {
    "system-user": (SYSTEM, HELLO),
    "four questions": (HELLO, FINE, MORE, FINE, HELLO, FINE, MORE),
    "system, four questions": (SYSTEM, HELLO, FINE, MORE, FINE, HELLO, FINE, MORE),
    "white space": (SPACED, ROUGH, SPACED),
    "white space, system": (Turn("system", " Be kind. \n"), SPACED, ROUGH, SPACED),
}
# Ollama's own test takes one space from the end of what these write.
SPACE_AT_END = {"chatqa", "llama2-chat", "mistral-instruct", "openchat", "vicuna"}


def expected(tokenizer: Tokenizer, turns: Sequence[Turn]) -> str | None:
    """Return the prompt of training; None where the template refuses the conversation."""
    try:
        return tokenizer.chat.text(tokenizer.prepared(turns), generation_prompt=True)
    except TemplateError:
        return None


def own_renderings(go: GoTemplates, folder: Path) -> None:
    """Print how many of Ollama's own renderings our program makes."""
    found: Counter[bool] = Counter()
    for path in sorted(folder.glob("*.gotmpl")):
        template = path.read_text("utf-8").replace("\r\n", "\n")
        for name, turns in PLAIN.items():
            wanted = folder / "testdata" / path.name / name
            if wanted.is_file():
                text = go.fill([(template, turns)])[0]
                text = text.removesuffix(" ") if path.stem in SPACE_AT_END else text
                found[text == wanted.read_text("utf-8")] += 1
    print(f"Ollama's own renderings of its templates: {found[True]} same, {found[False]} other")


def derived(go: GoTemplates, real: dict[str, str]) -> None:
    """Print what came of each chat template."""
    same = other = refused = 0
    seconds = 0.0
    print()
    print("| chat template | conversations as in training | what TEMPLATE can't do |")
    print("|---|---|---|")
    for name, source in real.items():
        try:
            tokenizer = tokenizer_for(source)
        except FinetuiError as error:
            print(f"| {name} | - | {error.message} |")
            continue
        begun = time.perf_counter()
        found = derive(tokenizer, adds_begin=False)
        seconds += time.perf_counter() - begun
        if found.form is None:
            print(f"| {name} | no TEMPLATE | {found.reason} |".replace("\n", " "))
            continue
        prompts = {label: expected(tokenizer, turns) for label, turns in CONVERSATIONS.items()}
        taken = {label: prompt for label, prompt in prompts.items() if prompt is not None}
        template = go_template(found.form)
        texts = go.fill([(template, CONVERSATIONS[label]) for label in taken])
        right = sum(a == b for a, b in zip(texts, taken.values(), strict=True))
        same, other = same + right, other + len(taken) - right
        refused += len(prompts) - len(taken)
        print(f"| {name} | {right} of {len(taken)} | {'; '.join(found.notes)} |")
    print()
    print(f"derived: {same:,} conversations as in training, {other:,} otherwise, {refused:,} that")
    print(f"the chat template refuses; {1000 * seconds / len(real):.0f} ms a template")


def theirs(go: GoTemplates, folder: Path) -> None:
    """Print where Ollama's own templates write other prompts than the chat templates."""
    print()
    print("| Ollama's template | for the chat template | as in training | otherwise |")
    print("|---|---|---|---|")
    for number, entry in enumerate(json.loads((folder / "index.json").read_text("utf-8"))):
        tokenizer = tokenizer_for(entry["template"])
        template = (folder / f"{entry['name']}.gotmpl").read_text("utf-8")
        begin = dict(one.split("=", 1) for one in tokenizer.chat.named_tokens)["bos_token"]
        wrong = []
        right = 0
        for label, turns in CONVERSATIONS.items():
            prompt = expected(tokenizer, turns)
            if prompt is None:
                continue
            text = go.tried([(template, turns)])[0]["text"]
            # Their templates leave the token that begins a text to llama.cpp.
            if text in (prompt, prompt.removeprefix(begin)):
                right += 1
            else:
                wrong.append(label)
        print(f"| {entry['name']} | {number:02} | {right} | {', '.join(wrong) or '-'} |")


def main(data: Path) -> None:
    """Print all of it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "finetui-go-build"
    with tempfile.TemporaryDirectory() as folder:
        go = GoTemplates(build(Path(folder), cache))
        own = data / "ollama-templates" / "template"
        own_renderings(go, own)
        real = {f"shipped/{name}": shipped.named(name) for name in shipped.names()}
        derived(go, real | dict(templates(data)))
        theirs(go, own)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    chosen = parser.parse_args().data
    if next(templates(chosen), None) is None:
        print(f"needs chat templates under {chosen}; name another folder with --data")
    else:
        main(chosen)
