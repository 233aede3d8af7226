"""Records that are training data of another sort: recognised, and refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.sources import people
from engine.sources.columns import ANSWERS, PROMPTS, fold
from engine.sources.files import Refused
from engine.sources.flags import is_off, is_on

_MEDIA_KEYS = ("images", "videos", "audios", "image", "audio", "video")
_PREFERENCE_KEYS = (
    *("chosen", "rejected", "chosen_messages", "rejected_messages", "preferred_output"),
    *("non_preferred_output", "chosen_response", "rejected_response", "better_response_id"),
)
_SIDES = (
    *(("response_a", "response_b"), ("answer_a", "answer_b"), ("output_1", "output_2")),
    *(("conversation_a", "conversation_b"), ("response_0", "response_1"), ("a0", "a1")),
    *(("response_j", "response_k"), ("completion_a", "completion_b")),
    *(("answer_0", "answer_1"), ("human_ref_A", "human_ref_B"), ("output_a", "output_b")),
    *(("response1", "response2"), ("response_1", "response_2"), ("summary_a", "summary_b")),
)
# The comparisons of summaries by OpenAI: two or more texts, and which of them was chosen.
_COMPARED = ("summaries", "choice")
_PAIRS = (
    *(("premise", "hypothesis"), ("anchor", "positive"), ("positive", "negative"), ("pos", "neg")),
)
# A question and a text that may or may not answer it (QNLI, MS MARCO, FEVER), by a label.
_ASKED = ("question", "query", "claim", "search_query")
_WEIGHED = (
    *("sentence", "document", "doc", "passage", "paragraph", "text", "context", "evidence"),
    *("product_title", "product", "title"),
)
_WEIGHTS = frozenset((
    *("label", "labels", "gold_label", "relevance", "is_relevant", "relevant", "entailment"),
    *("match", "is_match", "relevance_label", "relevance_score", "is_answer", "is_selected"),
))  # fmt: skip
_SAME = ("is_duplicate", "is_paraphrase", "are_paraphrases", "entailment_judgment", "gold_label")
# Columns that say whether an answer is wanted: by any no, or only by the word.
_WANTED = frozenset((
    *("kto_tag", "relevance", "is_relevant", "is_correct", "is_answer", "is_selected"),
    *("is_chosen", "desirable", "is_desirable", "is_acceptable"),
))  # fmt: skip
_WANTED_WORD = frozenset(("label", "correct", "chosen", "relevant"))
_UNWANTED = frozenset(("rejected", "is_rejected"))
# KTO's rows, and those of WikiQA and MultiRC, whose label may be a number.
_NUMBERED = (
    frozenset(("prompt", "completion")),
    *(frozenset(("question", "answer", more)) for more in ("document_title", "paragraph")),
)
_ENDS = (("1", "2"), ("a", "b"), ("one", "two"), ("x", "y"))
_STEMS = frozenset({
    *("question", "q", "sentence", "sent", "s", "text", "t", "phrase", "query", "passage"),
    *("utterance", "paragraph", "string", "document", "doc", "statement", "title", "premise"),
    *("intrebare", "intrebarea", "propozitie", "propozitia", "text", "frage", "satz", "phrase"),
    *("pregunta", "frase", "pergunta", "domanda", "frasi", "vraag", "zin", "pytanie", "zdanie"),
    *("вопрос", "предложение", "问题", "句子", "question_text", "input", "src", "original"),
})  # fmt: skip
_CHOICES = ("choices", "options", "endings", "mc1_targets")
_LABELS = ("label", "labels", "category", "intent", "sentiment", "class", "score", "stars", "toxic")
_PAIR_LABELS = frozenset(_LABELS) | {
    *("is_duplicate", "duplicate", "similarity", "similar", "gold_label", "entailment", "relation"),
    *("relatedness", "paraphrase", "is_paraphrase", "match", "entailment_judgment", "relevance"),
}
_CLASSED = frozenset(("text", "sentence", "utterance", "tweet", "review", "content", "comment"))

_TOLD_BY = frozenset((
    *_PREFERENCE_KEYS,
    *(first for first, _ in _SIDES),
    *_MEDIA_KEYS,
    *_CHOICES,
    *("paragraphs", "answers", "input_ids", "summaries"),
))  # fmt: skip
"""The fields by which training data of another sort is told."""

OTHER_DATA: Mapping[str, str] = {
    "preference": "preference pairs",
    people.CODE: "messages between people",
    "text-pairs": "pairs of texts to be compared",
    "not-text": "rows with images, sound or video",
    "extractive-qa": "passages with marked answers",
    "multiple-choice": "multiple choice",
    "no-turns": "text without turns",
    "labels-only": "texts with labels",
    "token-ids": "token numbers",
    "single-message": "messages of a tree",
}
"""Refusals that are about what a data set is for, and what such a set is called."""


def check(fields: Mapping[str, Any]) -> None:
    """See that a record is no training data of another sort.

    Raises:
        Refused: It is.
    """
    if (pair := _compared(tuple(fields))) and all(
        isinstance(fields[name], str | None) for name in pair[:2]
    ):
        listed = ", ".join(pair)
        raise Refused(
            "text-pairs",
            f"a row is a pair of texts that are compared ({listed}), and neither answers the other",
        )
    if app := people.app_of(fields):
        raise Refused(people.CODE, people.described(app))
    if is_preference(fields):
        raise Refused("preference", "it holds a preferred and a rejected answer, not one answer")
    check_wanted(fields)
    if _TOLD_BY.isdisjoint(fields):
        return
    if any(fields.get(key) for key in _MEDIA_KEYS):
        raise Refused("not-text", "images, sound or video belong to it")
    if isinstance(fields.get("paragraphs"), list) or _has_spans(fields):
        raise Refused("extractive-qa", "its answers are places in a passage, not replies")
    if any(isinstance(fields.get(key), list | dict) for key in _CHOICES) and _is_letter(fields):
        raise Refused("multiple-choice", "its answer is the number of a choice, not a text")
    if isinstance(fields.get("input_ids"), list):
        raise Refused("token-ids", "it holds the numbers of tokens, not text")


def check_wanted(fields: Mapping[str, Any]) -> None:
    """See that no column of a record says that its answer is not wanted.

    Raises:
        Refused: One does.
    """
    for meaning, name in _verdicts(tuple(fields)):
        if _says_no(meaning, fields[name], fields):
            said = f"its {name[:40]} says that the answer is not wanted"
            raise Refused("rejected-answer", said)


def is_preference(fields: Mapping[str, Any]) -> bool:
    """Say whether a record holds two answers of which one was preferred.

    A flag or nothing at all in the place of an answer ("chosen": true) is none.
    """
    if _TOLD_BY.isdisjoint(fields):
        return False
    return any(key in fields and _is_answer(fields[key]) for key in _PREFERENCE_KEYS) or any(
        first in fields and second in fields
        and any(fields[side] is not None and not isinstance(fields[side], bool)
                for side in (first, second))
        for first, second in (*_SIDES, _COMPARED)
    )  # fmt: skip


def _is_answer(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip()) and not (is_on(value) or is_off(value))
    return value is not None and not isinstance(value, bool | float)


@lru_cache(maxsize=512)
def _verdicts(names: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    """Return the columns that may say whether an answer is wanted, each with its plain name."""
    folded = ((fold(name), name) for name in names if isinstance(name, str))
    known = _WANTED | _WANTED_WORD | _UNWANTED
    return tuple((plain, name) for plain, name in folded if plain in known)


def _says_no(meaning: str, value: Any, fields: Mapping[str, Any]) -> bool:
    if meaning in _UNWANTED:
        return value is True or (isinstance(value, str) and value.strip().lower() == "true")
    if meaning in _WANTED or any(layout <= fields.keys() for layout in _NUMBERED):
        return is_off(value)
    # A number may be a class or the place of a choice.
    return value is False or (isinstance(value, str) and value.strip().lower() == "false")


@lru_cache(maxsize=512)
def _compared(names: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the columns of a table of pairs by their names: two texts, and their label if any.

    Such are the tables of paraphrases, similarity, entailment and search (QQP, STS, MNLI, QNLI).
    Empty where there is none, or where a column answers and no other says what is compared.
    """
    folded = {fold(name): name for name in names if isinstance(name, str)}
    asked = next((name for name in PROMPTS if name in folded), "")
    answer = next((name for name in ANSWERS if name in folded), "")
    same = next((name for name in _SAME if name in folded), "")
    if answer:
        whole = asked and asked != answer and same
        return (folded[asked], folded[answer], folded[same]) if whole else ()
    found = next(((a, b) for a, b in _PAIRS if a in folded and b in folded), None)
    if found is None and not _WEIGHTS.isdisjoint(folded):
        one = next((name for name in _ASKED if name in folded), "")
        other = next((name for name in _WEIGHED if name in folded), "")
        found = (one, other) if one and other else None
    for name in folded if found is None else ():
        for first, second in _ENDS:
            stem = name.removesuffix(first)
            other = stem + second
            if stem != name and stem.rstrip("_") in _STEMS and other in folded:
                found = (name, other)
    if found is None:
        return ()
    labels = [name for name in folded if name in _PAIR_LABELS | _WEIGHTS
              or name.endswith(("score", "label"))]  # fmt: skip
    return tuple(folded[name] for name in (*found, *labels[:1]))


def _has_spans(fields: Mapping[str, Any]) -> bool:
    answers = fields.get("answers")
    first = answers[0] if isinstance(answers, list) and answers else answers
    return isinstance(first, dict) and "answer_start" in first


def _is_letter(fields: Mapping[str, Any]) -> bool:
    for key in ("answer", "label", "answerKey", "answer_index", "answer_idx", "target"):
        value = fields.get(key)
        if isinstance(value, int) or (isinstance(value, str) and len(value.strip()) == 1):
            return True
    return False


def why_unknown(fields: Mapping[str, Any]) -> Refused:
    """Return why no conversation can be made of a record of no known layout."""
    names = {fold(str(key)): key for key in fields}
    if "parent_id" in names and names.keys() & {"role", "author"}:
        return Refused("single-message", "it is one message of a tree, not a conversation")
    if (texts := _CLASSED & names.keys()) and (labels := [n for n in _LABELS if n in names]):
        said = f"a {next(iter(sorted(texts)))} and its {labels[0]}, but nothing that answers"
        return Refused("labels-only", said)
    if isinstance(fields.get("text"), str):
        return Refused(
            "no-turns",
            "a text without markers between its turns, such as <|user|> and <|assistant|>",
        )
    if any(isinstance(turn, dict | str) for turn in _listed(fields.get("turns"))):
        return Refused("no-answer", "it holds questions without answers")
    if isinstance(fields.get("choices"), list):
        return Refused("no-question", "it holds answers without their questions")
    asked = next((names[name] for name in PROMPTS if name in names), None)
    if asked is not None and len(names) <= 3 and not names.keys() & set(ANSWERS):
        return Refused("no-answer", f"it has a {str(asked)[:40]}, but nothing that answers it")
    listed = ", ".join(str(key)[:40] for key in list(fields)[:6]) or "none"
    return Refused("unknown-layout", f"neither messages nor an instruction; its fields: {listed}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
