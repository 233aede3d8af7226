"""Is the answer shouted: whole sentences in capitals?

Names, abbreviations, constants, keywords, headings and labels are written in capitals by
right. Sentences are not: they are told by the small words between others ("THE", "OF"),
or, in a language without a table of them, by many words in a row.
"""

from __future__ import annotations

import re
from string import ascii_uppercase

from engine.quality.score.fault import Fault, ramp
from engine.quality.score.language import GRAMMARS, word_set
from engine.quality.score.view import View, fold

_WORD = re.compile(r"\b[^\W\d_]+(?:['’-][^\W\d_]+)*\b")
_QUERY = re.compile(
    r"\bSELECT\b[^.]{1,200}\bFROM\b|\bINSERT INTO\b|\bUPDATE \w+ SET\b|\bCREATE TABLE\b"
    r"|\bDELETE FROM\b"
)


def _folded(text: str) -> frozenset[str]:
    return frozenset(map(fold, word_set(text)))


_FEWEST = 7
"""Words in capitals in a row from which they are more than a heading or a name."""
_SMALL = frozenset(
    word for grammar in GRAMMARS.values() for word in grammar.common | grammar.dangling
) | _folded(
    """
    и в с к у о а я но не на по что как это для из или он она они был была было так же есть
    если при его
    di che il non una per con sono come anche della del alla dei
    não uma os as com para mais como foi ao das dos de da do em um na no num numa até é por pelo
    pela depois durante muito ser quando
    het een niet van zijn op voor met dat ook door
    nie na się jest to że jak czy dla oraz do od po ze za ale tak co jego jej są był tylko już przez
    przy aby potem
    ani jsou jsem byl bylo který která když než při pro ve se že
    és az hogy nem van volt egy is meg ha vagy csak mint kell azután
    och att det som är på av för med till den inte eller om ett har og at er på af til ikke et en
    ja on ei se että oli kun mutta ovat niin kuin hän
    i je u na se da su za ne kao ili koji koja što
    та й це що як але не від до він вона вони було якщо потім
    bir ve bu için ile çok daha gibi olan
    και το να της του είναι που με για
    """
)
_ASKED = re.compile(
    r"upper ?case|all[- ]caps|\bcaps\b|capital|majuscul|grossbuchstab|versal|mayuscul|maiuscol"
    r"|maiuscul|hoofdletter|заглавн|прописн|大写|大文字|shout|yell|morse|acronym|\bsql\b"
)
_LONGEST = 20_000
_OPENED = re.compile(r"[\"“„«»‘‚「『][\s*_]{0,4}$")
_CLOSED = re.compile(r"[\s*_]{0,3}[.,!?…]{0,3}[\s*_]{0,3}[\"”“»«’」』]")
_CITED = 40
"""Words in quotation marks up to which capitals are a headline's or a sign's."""
_LEAD = re.compile(r"[^\W\d_]{2,}[^:\n]*:[ \t*_\"“„«»]*(?:\n[ \t]*){0,2}(?:>[ \t]*)?[*_\"“„«»]*$")
_LIGHT = 0.25
"""What capitals weigh at most that a line before them announces: "The sign said: …"."""
_LAW = re.compile(
    r"\bwarrant|\bliab|\bdamages\b|\bmerchantab|infringement|\bas is\b|indemnif|disclaim|\btort"
    r"|licens(?:or|ee)|\bhereby|gewahrleist|haftung|haftet|schadens?ersatz|garanti|responsab"
    r"|dommages|\bdanos\b|\bdanni\b|raspunder|\bdaune|гарант|ответственн|ущерб"
)


def look(view: View) -> list[Fault]:
    """Return the sentences of an answer that are all in capitals."""
    text = view.plain[:_LONGEST]
    if text.islower() or (view.code and view.prose is view.folded):
        return []
    upper = _upper(text)
    if upper < 30 or upper * 10 < len(text):
        return []
    if _ASKED.search(view.prompt_folded) or _loud(view.prompt):
        return []
    runs = _runs(text)
    if not runs:
        return []
    runs = [run for run in runs if not _cited(text, run)]
    if not runs:
        return []
    shouted = sum(number for _, _, number in runs)
    best = max(runs, key=lambda run: run[2])
    total = sum(1 for match in _WORD.finditer(text) if len(match[0]) > 1)
    share = shouted / max(1, total)
    weight = 0.22 + 0.3 * ramp(share, 0.2, 0.9)
    if all(_announced(text, run) for run in runs):
        weight = min(weight, _LIGHT)
    why = f"{shouted} words of sentences are written in capitals"
    return [Fault("readability", "capitals", weight, why, best[0], best[1])]


def _upper(text: str) -> int:
    if text.isascii():
        return sum(map(text.count, ascii_uppercase))
    return sum(map(str.isupper, text))


def _loud(prompt: str) -> bool:
    letters = sum(map(str.isalpha, prompt))
    return letters > 10 and sum(map(str.isupper, prompt)) * 10 > letters * 7


def _runs(text: str) -> list[tuple[int, int, int]]:
    """Return where words of sentences stand in capitals: start, end, how many."""
    runs: list[tuple[int, int, int]] = []
    run: list[re.Match[str]] = []
    others = 0
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isupper():
            run.append(match)
            others = 0
        elif run and len(word) > 1:
            others += 1
            # One word in another way ("iPhone") doesn't end it; a script without capitals does.
            if others > 1 or not (word[0].isupper() or word.islower()):
                runs += _sentence(text, run)
                run, others = [], 0
    return runs + _sentence(text, run)


def _cited(text: str, run: tuple[int, int, int]) -> bool:
    """Say whether capitals are those of a headline in quotation marks, or of a legal clause."""
    start, end, number = run
    opened = _OPENED.search(text, max(0, start - 6), start)
    if opened and number <= _CITED and _CLOSED.match(text, end):
        # Something must be said around it: an answer that is one quotation is shouted.
        return any(map(str.islower, text[:start] + text[end:]))
    return len(_LAW.findall(fold(text[start:end]))) >= 2


def _announced(text: str, run: tuple[int, int, int]) -> bool:
    start, _, number = run
    before = text[max(0, start - 200) : start]
    lead = _LEAD.search(before)
    return number <= _CITED and lead is not None and any(map(str.islower, lead[0]))


def _sentence(text: str, run: list[re.Match[str]]) -> list[tuple[int, int, int]]:
    """Return a run of words in capitals, if they are a sentence's."""
    words = [match[0] for match in run if len(match[0]) > 1]
    if len(words) < _FEWEST or 2 * len(words) < len(run):
        return []
    start, end = run[0].start(), run[-1].end()
    small = sum(fold(match[0]) in _SMALL for match in run if len(match[0]) > 1 or match[0] > "z")
    unknown = not small and len(words) >= 20 and sum(map(len, words)) > 4 * len(words)
    if not unknown and (small < 2 or small * 8 < len(words)):
        return []
    return [] if _QUERY.search(text, start, end) else [(start, end, len(words))]
