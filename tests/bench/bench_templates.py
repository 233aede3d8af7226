"""What is trained under real templates: ``python -m tests.bench.bench_templates [--data DIR]``.

DIR holds folders of public chat templates (``chat-templates-llamacpp``,
``chat-templates-chujie``, ``ollama-templates``). Each template is rendered with twelve
conversations, and what the engine says is held against two other ways to know it:

- the text is that of transformers' own ``apply_chat_template``; where the engine lets an
  answer continue the generation prompt, it begins with transformers' generation prompt;
- the trained stretches are as many as the answers; each holds its answer, once, and no
  word of any other message; what else it holds is printed, form by form, to be read; and
  answers that repeat the question, or have white space around, are trained in the same form.

A template with ``generation`` marks is held against those, as transformers reads them, too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import FinetuiError, TemplateError
from engine.models import Turn
from engine.tokens import Tokenizer, prompt_ids, render, segments, shipped, spans
from engine.tokens.template import ChatTemplate
from tests.support.tiny_base import CHATML, byte_tokenizer

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NAMED = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>"}
CONTROL = re.compile(
    r"<[|｜][^|｜<>\s]{1,60}[|｜]>|<(?:start|end)_of_turn>|</?s>|<(?:eos|bos|sep|step)>"
    r"|<\|?turn\|?>|<seed:[a-z]+>|<end_of_utterance>|<end_message>|</?(?:assistant|user)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|TOOL_RESULTS|AVAILABLE_TOOLS|TOOL_CALLS)\]"
)
ENDS = {
    "</s>", "<|im_end|>", "<|END_OF_TURN_TOKEN|>", "<|eot_id|>", "<turn|>", "<|return|>",
    "<end_of_turn>", "<eos>", "<seed:eos>", "<｜end▁of▁sentence｜>",
}  # fmt: skip


def _talk(*contents: str) -> tuple[Turn, ...]:
    roles = {"S": "system", "U": "user", "A": "assistant", "T": "tool"}
    return tuple(Turn(roles[one[0]], one[1:]) for one in contents)  # type: ignore[arg-type]


PLAIN = {
    "one": _talk("Uquebec", "Aanswerone"),
    "three": _talk("Uquebec", "Aanswerone", "Uromeo", "Aanswertwo", "Usierra", "Aanswerthree"),
    "system": _talk("Svictor", "Uquebec", "Aanswerone"),
    "system, two": _talk("Svictor", "Uquebec", "Aanswerone", "Uromeo", "Aanswertwo"),
    "tool": _talk("Uquebec", "Aanswerone", "Tzulu", "Aanswertwo"),
    "ends in a question": _talk("Uquebec", "Aanswerone", "Uromeo"),
}
THINKING = {
    "thinking": _talk("Uquebec", "A<think>\nkilo lima\n</think>\n\nanswerone"),
    "thinking, two": _talk(
        "Uquebec", "A<think>\nkilo\n</think>\n\nanswerone",
        "Uromeo", "A<think>\nlima\n</think>\n\nanswertwo",
    ),
}  # fmt: skip
# The same shape as another conversation, with answers that are hard to find in the text.
HARD = {
    "the question again": ("system, two", ("yes", "say yes please", "yes", "yes please", "yes")),
    "one letter": ("three", ("a", "e", "e", "a", "m", "s")),
    "part of a mark": ("three", ("end", "im_end", "<", "|", "assistant", "assistant")),
    "white space": ("three", (" q \n", "  a\n b \n", "r\n", "\nc  ", "\t", " d")),
}


# What prompts hold, or what follows the end of an answer: the model does not write it.
OF_THE_PROMPT = re.compile(
    r"</s>|<\|start\|>assistant|<.Assistant.>|<assistant>|</?think>|<.tool.outputs.end.>|\s"
)
PEERS = {
    "chatml": "ollama/01 chatml",
    "gemma": "llamacpp/google-gemma-2-2b-it",
    "instruction": "chujie/alpaca",
    "llama-3": "chujie/llama-3-instruct",
    "mistral": "chujie/mistral-instruct",
    "phi-3": "llamacpp/microsoft-Phi-3.5-mini-instruct",
    "qwen-2.5": "llamacpp/Qwen-Qwen2.5-7B-Instruct",
    "qwen-3": "llamacpp/Qwen-Qwen3-0.6B",
}


@dataclass
class Row:
    """What came of one template."""

    name: str
    ok: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    forms: Counter[tuple[str, str]] = field(default_factory=Counter)
    continued: int = 0
    apart: int = 0
    marked: int = 0


def templates(data: Path) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the templates in a folder of data."""
    for path in sorted((data / "chat-templates-llamacpp").rglob("*.jinja")):
        yield f"llamacpp/{path.stem}", path.read_text("utf-8")
    for path in sorted((data / "chat-templates-chujie").rglob("*.jinja")):
        text = path.read_text("utf-8")
        # Its read-me has the files read so: most are indented for people.
        indented = "{%-" not in text
        yield f"chujie/{path.stem}", re.sub(" {4}|\n", "", text) if indented else text
    for path in sorted((data / "ollama-templates").rglob("*.jinja*")):
        yield f"ollama/{path.stem}", path.read_text("utf-8")
    index = data / "ollama-templates" / "template" / "index.json"
    if index.is_file():
        for number, entry in enumerate(json.loads(index.read_text("utf-8"))):
            yield f"ollama/{number:02} {entry['name']}", entry["template"]
    # Those of the installed trl come with marks of what it trains.
    spec = importlib.util.find_spec("trl")
    for place in spec.submodule_search_locations or () if spec else ():
        for path in sorted(Path(place, "chat_templates").glob("*.jinja")):
            yield f"trl/{path.stem}", path.read_text("utf-8")


def tokenizer_for(template: str) -> Tokenizer:
    """Return a tokenizer of bytes and of the control tokens that a template names."""
    control = list(dict.fromkeys(["<s>", "</s>", *sorted(set(CONTROL.findall(template)))]))
    ends = [index for index, name in enumerate(control) if name in ENDS]
    return Tokenizer(byte_tokenizer(control), ChatTemplate(template, NAMED), ends)


def messages_of(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Return turns as transformers takes them."""
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def theirs(template: str, turns: Sequence[Turn], *, prompt: bool = False) -> str:
    """Return transformers' own rendering."""
    from transformers.utils.chat_template_utils import render_jinja_template

    done, _ = render_jinja_template(
        [messages_of(turns)], chat_template=template, add_generation_prompt=prompt, **NAMED
    )
    return str(done[0])


def marked(tokenizer: Tokenizer, turns: Sequence[Turn]) -> tuple[str, list[tuple[int, int]]]:
    """Return transformers' text and the ranges between ``generation`` marks in it."""
    from transformers.utils import chat_template_utils as utils

    text, ranges = utils._render_with_assistant_indices(
        compiled_template=utils._compile_jinja_template(tokenizer.template),
        messages=[tokenizer.chat.message(turn) for turn in turns],
        tools=None, documents=None, add_generation_prompt=False, **NAMED,
    )  # fmt: skip
    return text, [(start, end) for start, end in ranges]


def check(row: Row, template: str, tokenizer: Tokenizer, name: str, turns: tuple[Turn, ...]) -> Any:
    """Look at one conversation and return its trained stretches; None where it was refused."""
    try:
        rendered = render(tokenizer, turns)
    except TemplateError as error:
        row.refused[error.message] += 1
        return None
    trained = [part.text for part in segments(rendered) if part.kind == "trained"]
    prepared = tokenizer.prepared(turns)
    if not any("<think>" in turn.content for turn in turns):
        text = theirs(template, prepared)
        if rendered.text != text:
            row.continued += 1
            if not rendered.text.startswith(theirs(template, prepared[:-1], prompt=True)):
                row.wrong.append(f"{name}: neither their text nor their prompt")
    if turns[-1].role == "assistant":
        prompt = prompt_ids(tokenizer, turns[:-1])
        if rendered.ids[: len(prompt)] != prompt:
            if name in THINKING:
                row.apart += 1
            else:
                row.wrong.append(f"{name}: the last answer doesn't follow its prompt")
    at_once = spans._placed_at_once
    try:
        spans._placed_at_once = lambda *_: {}
        if spans.place(tokenizer, prepared) != (rendered.text, list(rendered.answers)):
            row.wrong.append(f"{name}: otherwise when each answer is looked at by itself")
    finally:
        spans._placed_at_once = at_once
    if tokenizer.decode([i for i in rendered.labels if i >= 0]) != "".join(trained):
        row.wrong.append(f"{name}: the labels are not the stretches")
    return trained


def check_words(row: Row, name: str, turns: Sequence[Turn], trained: list[str]) -> None:
    """Check that each stretch holds its answer and no word of another message."""
    answers = [turn.content for turn in turns if turn.role == "assistant"]
    if len(trained) != len(answers):
        row.wrong.append(f"{name}: {len(trained)} stretches for {len(answers)} answers")
        return
    words = {word for turn in turns for word in re.findall(r"[a-z]+", turn.content)} - {"think"}
    for answer, stretch in zip(answers, trained, strict=True):
        own = answer.rpartition("</think>")[2].strip()
        others = words - set(re.findall("[a-z]+", answer))
        if stretch.count(own) != 1 or any(word in stretch for word in others):
            row.wrong.append(f"{name}: {stretch!r}")
        elif "<think>" not in answer:
            lead, _, end = stretch.partition(own)
            row.forms[(lead, end)] += 1
    row.ok += 1


def check_marks(row: Row, name: str, tokenizer: Tokenizer, turns: Sequence[Turn]) -> None:
    """Check stretches against a template's own marks.

    These may take in what the prompt holds, as the header or the opening of a thinking part,
    and what follows an answer's end: white space, or the end of the text. An answer that
    continues its prompt otherwise is not compared.
    """
    text, ranges = marked(tokenizer, turns)
    rendered = render(tokenizer, turns)
    marks = {at for start, end in ranges for at in range(start, end)}
    for answer in rendered.answers:
        if rendered.text[: answer.end] != text[: answer.end]:
            continue
        row.marked += 1
        if not set(range(answer.start, answer.end)) <= marks:
            row.wrong.append(
                f"{name}: trained, but not marked: {text[answer.start : answer.end]!r}"
            )
        marks -= set(range(answer.start, answer.end))
    left = "".join(text[at] for at in sorted(marks)) if rendered.text == text else ""
    if OF_THE_PROMPT.sub("", left):
        row.wrong.append(f"{name}: marked, but not trained: {left!r}")


def check_hard(row: Row, name: str, contents: Sequence[str], plain: list[str], hard: list[str],
               turns: Sequence[Turn]) -> None:  # fmt: skip
    """Check that hard answers are trained in the form of easy ones."""
    easy = [turn.content for turn in turns if turn.role == "assistant"]
    answers = [
        content for content, turn in zip(contents, turns, strict=True) if turn.role == "assistant"
    ]
    row.ok += 1
    for word, answer, expected, stretch in zip(easy, answers, plain, hard, strict=True):
        # Templates trim answers each in their way, or not at all.
        ways = {answer, answer.strip(), answer.lstrip(), answer.rstrip(), answer.lstrip("\n")}
        ways |= {answer.rstrip("\n"), answer.strip("\n")}
        if stretch not in {expected.replace(word, way) for way in ways}:
            row.wrong.append(f"{name}: {stretch!r}, as {expected!r}")


def survey(name: str, template: str) -> Row:
    """Render one template with all conversations."""
    row = Row(name)
    try:
        tokenizer = tokenizer_for(template)
    except FinetuiError as error:
        row.refused[error.message] += 1
        return row
    found: dict[str, list[str]] = {}
    for label, turns in (PLAIN | THINKING).items():
        trained = check(row, template, tokenizer, label, turns)
        if trained is not None:
            found[label] = trained
            check_words(row, label, turns, trained)
            if re.search(r"\{%-?\s*generation", template):
                check_marks(row, label, tokenizer, tokenizer.prepared(turns))
    for label, (shape, contents) in HARD.items():
        easy = PLAIN[shape]
        turns = tuple(Turn(t.role, text) for t, text in zip(easy, contents, strict=True))
        trained = check(row, template, tokenizer, label, turns)
        if trained is not None and shape in found:
            check_hard(row, label, contents, found[shape], trained, easy)
    return row


def main(data: Path) -> None:
    """Print a table of all templates."""
    rows = [survey(name, template) for name, template in templates(data)]
    total = len(PLAIN) + len(THINKING) + len(HARD)
    print(f"| template | of {total} conversations | trained around the answer | refused, wrong |")
    print("|---|---|---|---|")
    for row in rows:
        forms = ", ".join(f"`{lead}`…`{end}`" for lead, end in row.forms) or "-"
        forms = forms.replace("\n", "⏎").replace("|", "\\|").replace("``", "")
        notes = [f"{count}: {reason}" for reason, count in row.refused.items()]
        notes += [f"WRONG {one}" for one in row.wrong]
        print(f"| {row.name} | {row.ok} | {forms} | {'; '.join(notes)!s} |".replace("\n", " "))
    print()
    print(f"{len(rows)} templates, {total * len(rows):,} conversations")
    print(f"rendered {sum(row.ok for row in rows):,}; in {sum(row.continued for row in rows):,} "
          "the last answer continues its prompt otherwise than the finished text")  # fmt: skip
    print(f"answers held against the template's own marks {sum(row.marked for row in rows):,}")
    print(f"answers with thinking that no prompt leads to {sum(row.apart for row in rows):,}")
    print(f"refused {sum(sum(row.refused.values()) for row in rows):,}")
    print(f"wrong {sum(len(row.wrong) for row in rows):,}")
    shipped_rows(dict(templates(data)))
    print()
    speed()


def shipped_rows(real: dict[str, str]) -> None:
    """Print how the templates of finetui's own compare with those that they are named after."""
    print()
    print("| own template | real one | same text | other text | not taken by one |")
    print("|---|---|---|---|---|")
    for name, peer in PEERS.items():
        if peer not in real:
            continue
        own, other = ChatTemplate(shipped.named(name), NAMED), ChatTemplate(real[peer], NAMED)
        found: Counter[str] = Counter()
        for turns in (PLAIN | THINKING).values():
            for prompt in (False, True):
                try:
                    texts = [one.text(turns, generation_prompt=prompt) for one in (own, other)]
                    found["same" if texts[0] == texts[1] else "other"] += 1
                except TemplateError:
                    found["refused"] += 1
        print(f"| {name} | {peer} | {found['same']} | {found['other']} | {found['refused']} |")


def speed() -> None:
    """Print how many examples of two sizes are rendered in a second."""
    tokenizer = tokenizer_for(CHATML)
    pair = _talk("U" + "Why is that so? " * 10, "A" + "Because it was so before. " * 20)
    for label, turns in (("one answer", pair), ("ten answers", pair * 10)):
        count, start = 0, time.process_time()
        while time.process_time() - start < 1:
            render(tokenizer, turns)
            count += 1
        print(f"{label}: {count:,} examples a second of one core")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    folder = parser.parse_args().data
    if next(templates(folder), None) is None:
        print(f"needs chat templates under {folder}; name another folder with --data")
    else:
        main(folder)
