"""Real answers to measure the quality score on, and ways to break them.

The sets are divided before anything is measured: rules were made while looking at those of
DEVELOPMENT; those of HELD_OUT were only counted.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Pair = tuple[str, str]
"""A prompt and its answer."""


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _lines(path: Path) -> Iterator[Any]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def _alpaca(path: Path, answer: str = "output") -> Iterator[Pair]:
    for row in _json(path):
        prompt = row["instruction"] + ("\n" + row["input"] if row.get("input") else "")
        yield prompt, row[answer]


def _self_instruct(path: Path) -> Iterator[Pair]:
    for row in _lines(path):
        for instance in row["instances"]:
            prompt = row["instruction"] + ("\n" + instance["input"] if instance["input"] else "")
            yield prompt, instance["output"]


def _oasst(path: Path) -> Iterator[Pair]:
    rows = _json(path)
    by_id = {row["user_message_id"]: row for row in rows}
    for row in rows:
        if row["role"] == "assistant" and row["parent_message_id"] in by_id:
            yield by_id[row["parent_message_id"]]["text"], row["text"]


def _arena(folder: Path, model: str) -> Iterator[Pair]:
    asked = {r["question_id"]: r["turns"][0]["content"] for r in _lines(folder / "question.jsonl")}
    for row in _lines(folder / "model_answer" / f"{model}.jsonl"):
        yield asked[row["question_id"]], row["choices"][0]["turns"][0]["content"]


def _bench(folder: Path) -> Iterator[Pair]:
    asked = {row["question_id"]: row["turns"] for row in _lines(folder / "question.jsonl")}
    for row in _lines(folder / "reference_answer" / "gpt-4.jsonl"):
        turns = row["choices"][0]["turns"]
        yield from zip(asked[row["question_id"]], turns, strict=False)


def _xquad(path: Path) -> Iterator[Pair]:
    for article in _json(path)["data"]:
        for paragraph in article["paragraphs"]:
            yield paragraph["qas"][0]["question"], paragraph["context"]


def _notes(folder: Path) -> Iterator[Pair]:
    for path in sorted(folder.rglob("*.md")):
        text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text("utf-8"), flags=re.DOTALL)
        for section in re.split(r"^#{1,6} ", text, flags=re.MULTILINE):
            heading, _, body = section.partition("\n")
            if len(body.strip()) > 200:
                yield f"{path.stem}: {heading}", body.strip()


DEVELOPMENT: dict[str, Callable[[Path], Iterator[Pair]]] = {
    "selfinstruct-seeds": lambda d: _self_instruct(d / "instr-selfinstruct/data/seed_tasks.jsonl"),
    "llamafactory-en": lambda d: _alpaca(d / "instr-llamafactory/data/alpaca_en_demo.json"),
    "gsm8k": lambda d: _alpaca(
        d / "instr-gsm8k-alpacaformat/dataset_extensions/gsm_8k/gsm_8k_train.json"
    ),
    "alpacaeval-davinci": lambda d: _alpaca(
        d / "instr-alpacaeval-outputs/results/text_davinci_003/model_outputs.json"
    ),
    "xquad-de": lambda d: _xquad(d / "qa-xquad/xquad.de.json"),
    "xquad-en": lambda d: _xquad(d / "qa-xquad/xquad.en.json"),
    "xquad-zh": lambda d: _xquad(d / "qa-xquad/xquad.zh.json"),
    "vault-jzhao": lambda d: _notes(d / "vault-jzhao/vault"),
}
HELD_OUT: dict[str, Callable[[Path], Iterator[Pair]]] = {
    "selfinstruct-user": lambda d: _self_instruct(
        d / "instr-selfinstruct/user_oriented_instructions.jsonl"
    ),
    "llamafactory-zh": lambda d: _alpaca(d / "instr-llamafactory/data/alpaca_zh_demo.json"),
    "gpteacher": lambda d: _alpaca(
        d / "instr-gpteacher-thresholds/Toolformer/toolformer-similarity-0.6-dataset.json",
        "response",
    ),
    "oasst": lambda d: _oasst(
        d / "conv-oasst-trees/backend/test_data/realistic/realistic_seed_data.json"
    ),
    "alpacaeval-alpaca": lambda d: _alpaca(
        d / "instr-alpacaeval-outputs/results/alpaca-7b/model_outputs.json"
    ),
    "alpacaeval-vicuna": lambda d: _alpaca(
        d / "instr-alpacaeval-outputs/results/vicuna-7b/model_outputs.json"
    ),
    "arena-gpt-3.5": lambda d: _arena(
        d / "instr-arenahard/data/arena-hard-v0.1", "gpt-3.5-turbo-0125"
    ),
    "arena-gpt-4": lambda d: _arena(d / "instr-arenahard/data/arena-hard-v0.1", "gpt-4-0314"),
    "mt-bench-gpt-4": lambda d: _bench(d / "conv-fastchat/fastchat/llm_judge/data/mt_bench"),
    "notes-govuk-adr": lambda d: _notes(d / "decisions-govuk-adr"),
    "notes-kekyo-ja": lambda d: _notes(d / "conv-markdown-ja-kekyo"),
    "xquad-ro": lambda d: _xquad(d / "qa-xquad/xquad.ro.json"),
    "xquad-ru": lambda d: _xquad(d / "qa-xquad/xquad.ru.json"),
    "xquad-ar": lambda d: _xquad(d / "qa-xquad/xquad.ar.json"),
    "xquad-tr": lambda d: _xquad(d / "qa-xquad/xquad.tr.json"),
}


def load(loader: Callable[[Path], Iterator[Pair]], data: Path, most: int) -> list[Pair]:
    """Return a seeded sample of a set's answers that are not empty."""
    pairs = [pair for pair in dict.fromkeys(loader(data)) if pair[1].strip()]
    return pairs if len(pairs) <= most else random.Random(0).sample(pairs, most)


def answers_of(contest: str, model: str, data: Path) -> Iterator[Pair]:
    """Yield a model's answers to the prompts of "alpacaeval" or "arena-hard"."""
    if contest == "alpacaeval":
        path = data / "instr-alpacaeval-outputs/results" / model / "model_outputs.json"
        return _alpaca(path)
    return _arena(data / "instr-arenahard/data/arena-hard-v0.1", model)


# How an answer is broken. Each returns None where it can't be broken in that way.

_SPACE = re.compile(r"\s+")
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]+[\"”]?\s*")
_PROSE_END = ".!?。！？؟:;…"


def _spaced(text: str) -> bool:
    return len(text.split()) * 12 > len(text)


def _cut(text: str, share: float) -> str | None:
    """Cut at a word's end (at any character in scripts without spaces), not a sentence's."""
    text = text.strip()
    at = int(len(text) * share)
    if len(text) < 40:
        return None
    if not _spaced(text):
        cut = text[:at]
    else:
        space = text.rfind(" ", 0, at)
        if space < 10:
            return None
        cut = text[:space]
    cut = cut.rstrip()
    while cut and cut[-1] in _PROSE_END:
        cut = cut.rpartition(" ")[0].rstrip() if _spaced(text) else cut[:-2]
    return cut if len(cut) > 9 else None


def _cut_word(text: str, rng: random.Random) -> str | None:
    places = [
        (m.start(), m.end())
        for m in re.finditer(r"[^\W\d_]{5,}", text)
        if m.start() > 0.25 * len(text)
    ]
    if not places or not _spaced(text):
        return None
    start, end = rng.choice(places)
    return text[: rng.randint(start + 2, end - 2)]


def _cut_sentence(text: str, rng: random.Random) -> str | None:
    ends = [m.end() for m in _SENTENCE.finditer(text)][:-1]
    return text[: rng.choice(ends)].rstrip() if ends else None


def _repeat_sentence(text: str, rng: random.Random) -> str | None:
    found = [m for m in _SENTENCE.finditer(text) if len(m[0].strip()) > 20]
    if not found:
        return None
    one = rng.choice(found)
    space = "" if one[0][-1:].isspace() or not _spaced(text) else " "
    return text[: one.end()] + space + one[0] + text[one.end() :]


def _repeat_all(text: str, rng: random.Random) -> str | None:
    parts = [part for part in text.split("\n\n") if len(part.strip()) > 60]
    if not parts:
        return None
    part = rng.choice(parts)
    return text.replace(part, f"{part}\n\n{part}", 1)


def _loop(text: str, rng: random.Random) -> str | None:
    found = [m for m in _SENTENCE.finditer(text) if len(m[0].strip()) > 15]
    if not found:
        return None
    one = rng.choice(found)
    space = "" if not _spaced(text) else " "
    return text[: one.start()] + space.join([one[0].strip()] * rng.randint(4, 12))


SELF_TALK = (
    "As an AI language model, I don't have personal opinions, but I can say this. ",
    "I am an AI and have no feelings of my own. As a large language model trained on text, "
    "I can only describe what others wrote. ",
    "Ca model de limbaj, nu am experiențe personale. ",
    "Als KI-Sprachmodell habe ich keine eigene Meinung. ",
    "As an artificial intelligence I lack first-hand experience of it. ",
)
FRAMES = (
    ("Certainly! Here is the answer to your request:\n\n",
     "\n\nI hope this helps! Let me know if you have any other questions."),
    ("Great question! ", " If you need further assistance, feel free to ask!"),
    ("Sure! I'd be happy to help with that. ", "\n\nIs there anything else I can do for you?"),
    ("Desigur! ", "\n\nSper că te ajută. Dacă ai alte întrebări, nu ezita să mă contactezi."),
    ("Absolutely, great idea! ", "\n\nPlease do reach out again whenever you want to know more."),
)  # fmt: skip
HOLDERS = (
    "\n\nKind regards,\n[Your Name]",
    "\n\n[Insert conclusion here]",
    " Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "\n\nCu stimă,\n[numele tău]",
    "\n\n{{closing_remark}}",
)
REFUSALS = (
    "I'm sorry, but I can't help with that request.",
    "I'm sorry, but as an AI language model I am not able to do that.",
    "Unfortunately I am unable to assist with this. Please consult a professional.",
    "I cannot provide that information.",
    "Sorry, this is something that I would rather not talk about.",
    "Îmi pare rău, dar nu pot să te ajut cu această cerere.",
    "Nu pot răspunde la această întrebare.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Je suis désolé, mais je ne peux pas répondre à cette demande.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "对不起，我无法回答这个问题。",
)
MARKERS = (
    "<|im_end|>", "</s>", "<|endoftext|>\n<|im_start|>user\nAnd then?", "\n### Response:\n",
    "\n\n### Instruction:\nWrite another one.\n\n### Response:", "[/INST]", "<|eot_id|>",
    "\n\nHuman: Thank you.\n\nAssistant: You are welcome.", "<end_of_turn>",
)  # fmt: skip


def _echo_part(prompt: str, text: str) -> str | None:
    """Put the prompt's first half before the answer."""
    words = prompt.split(" ")
    if not _spaced(prompt):
        return prompt[: len(prompt) // 2] + text if len(prompt) > 15 else None
    return " ".join(words[: (len(words) + 1) // 2]) + " " + text if len(words) > 9 else None


def _mojibake(text: str) -> str | None:
    """Read UTF-8 as Windows-1252, after typographic signs where the text is plain ASCII."""
    if text.isascii():
        text = text.replace("'", "’").replace(" - ", " – ").replace('"', "”")
    broken = "".join(
        bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode("utf-8")
    )
    return broken if broken != text else None


def _lost(text: str) -> str | None:
    """Lose what is not ASCII, as a wrong encoding does."""
    broken = text.encode("ascii", "replace").decode()
    return broken.replace("?", "\ufffd") if sum(not c.isascii() for c in text) > 2 else None


def _html(text: str) -> str | None:
    if len(text) < 30 or "<" in text:
        return None
    broken = text.replace("&", "&amp;").replace("\n", "<br>").replace('"', "&quot;")
    broken = broken.replace("'", "&#39;")
    return f"<p>{broken}</p>"


def _escaped(text: str) -> str | None:
    return json.dumps(text)[1:-1] if "\n" in text.strip() and text.count("\n") > 1 else None


def _salad(text: str, rng: random.Random) -> str | None:
    pieces = _SPACE.split(text.strip()) if _spaced(text) else list(text.strip())
    if len(pieces) < 12:
        return None
    rng.shuffle(pieces)
    return (" " if _spaced(text) else "").join(pieces)


def _keys(text: str, rng: random.Random) -> str | None:
    """Replace letters by random ones."""
    if len(text) < 30:
        return None
    letters = "abcdefghijklmnopqrstuvwxyz"
    return "".join(rng.choice(letters) if c.isalpha() else c for c in text)


Breaker = Callable[[str, str, random.Random], str | None]
BREAKERS: dict[str, Breaker] = {
    "cut at 30 % (word)": lambda p, a, r: _cut(a, 0.3),
    "cut at 60 % (word)": lambda p, a, r: _cut(a, 0.6),
    "cut at 90 % (word)": lambda p, a, r: _cut(a, 0.9),
    "cut within a word": lambda p, a, r: _cut_word(a, r),
    "sentence twice": lambda p, a, r: _repeat_sentence(a, r),
    "paragraph twice": lambda p, a, r: _repeat_all(a, r),
    "loop": lambda p, a, r: _loop(a, r),
    "model speaks of itself": lambda p, a, r: r.choice(SELF_TALK) + a,
    "canned frame": lambda p, a, r: (frame := r.choice(FRAMES))[0] + a + frame[1],
    "placeholder": lambda p, a, r: a + r.choice(HOLDERS),
    "refusal": lambda p, a, r: r.choice(REFUSALS),
    "prompt instead": lambda p, a, r: p if len(p) > 15 else None,
    "prompt before": lambda p, a, r: f"{p}\n{a}" if len(p) > 15 else None,
    "half of prompt before": lambda p, a, r: _echo_part(p, a),
    "mojibake": lambda p, a, r: _mojibake(a),
    "letters lost": lambda p, a, r: _lost(a),
    "HTML left over": lambda p, a, r: _html(a),
    "escapes left over": lambda p, a, r: _escaped(a),
    "role marker": lambda p, a, r: a + r.choice(MARKERS),
    "words shuffled": lambda p, a, r: _salad(a, r),
    "random letters": lambda p, a, r: _keys(a, r),
}
UNSEEN: dict[str, Breaker] = {"cut after a sentence": lambda p, a, r: _cut_sentence(a, r)}
"""What leaves a whole text: no score that knows the text alone can see it."""
