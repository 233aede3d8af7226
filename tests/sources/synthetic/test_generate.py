from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.sources.synthetic.book import Book
from engine.sources.synthetic.draw import Draw, permuted
from engine.sources.synthetic.generate import Made, Recipe, Tally, generate, shares
from engine.sources.synthetic.load import load
from engine.sources.synthetic.noise import LEVELS, Noise
from engine.sources.synthetic.problems import Broken
from engine.sources.synthetic.shipped import shipped
from tests.sources.synthetic.support import LANGUAGES, SMALL, files

IDENTITY = load(shipped().read_text("utf-8"))

recipes = st.builds(
    Recipe,
    count=st.integers(1, 60),
    seed=st.integers(0, 10),
    languages=st.sampled_from([LANGUAGES, ("ro", "en"), ("ro",)]),
    noise=st.sampled_from(LEVELS),
)


def made(book: Book, recipe: Recipe) -> tuple[list[Made], Tally]:
    tally = Tally()
    return list(generate(book, recipe, tally)), tally


def read(source: str) -> Book:
    try:
        book = load(source)
    except Broken:
        assume(False)
    return book


def answers_of(book: Book) -> dict[tuple[str, str, str], set[str]]:
    """Return every answer that each template can give, whatever the slots."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for template in book.templates:
        for language, wording in template.wordings.items():
            for number in range(wording.answers.size()):
                pieces, _ = wording.answers.way(number)
                text = "".join(piece.text for piece in pieces).strip()
                plain = "\n".join(line.rstrip() for line in text.split("\n"))
                found[template.topic, template.name, language].add(plain)
    return found


@given(files(), recipes)
def test_questions_are_different_and_answers_as_they_are_written(
    source: str, recipe: Recipe
) -> None:
    book = read(source)
    assume(all(t.wordings[c].answers.size() < 2000 for t in book.templates for c in LANGUAGES))
    found, tally = made(book, recipe)
    questions = [example.question for example in found]
    assert len(set(questions)) == len(questions)
    assert all(question and question == " ".join(question.split()) for question in questions)
    known = answers_of(book)
    for example in found:
        template = example.template
        assert example.answer in known[template.topic, template.name, example.language]
        assert not example.repeat
    assert [example.index for example in found] == list(range(len(found)))
    assert sum(tally.made.values()) == len(found)
    assert len(found) + sum(tally.missing.values()) == recipe.count


@given(files(), recipes)
def test_languages_get_equal_shares_as_long_as_they_last(source: str, recipe: Recipe) -> None:
    found, tally = made(read(source), recipe)
    wanted = shares(recipe)
    assert max(wanted.values()) - min(wanted.values()) <= 1
    assert sum(wanted.values()) == recipe.count
    counted = Counter(example.language for example in found)
    for language, share in wanted.items():
        assert counted[language] == tally.made[language]
        assert counted[language] + tally.missing[language] == share


@given(files(), recipes, st.integers(1, 60))
def test_a_smaller_count_is_the_beginning_of_a_larger_one(
    source: str, recipe: Recipe, fewer: int
) -> None:
    book = read(source)
    less = Recipe(min(fewer, recipe.count), recipe.seed, recipe.languages, recipe.noise)
    short, _ = made(book, less)
    assert made(book, recipe)[0][: len(short)] == short


@given(files(), recipes)
def test_the_same_seed_gives_the_same(source: str, recipe: Recipe) -> None:
    first, second = made(load_again(source), recipe), made(load_again(source), recipe)
    assert [(m.question, m.answer) for m in first[0]] == [(m.question, m.answer) for m in second[0]]
    assert first[1] == second[1]


def load_again(source: str) -> Book:
    return read(source)


@given(files(), recipes)
def test_repeats_fill_the_count_and_say_so(source: str, recipe: Recipe) -> None:
    book = read(source)
    fresh, tally = made(book, recipe)
    repeating = Recipe(recipe.count, recipe.seed, recipe.languages, recipe.noise, repeats=True)
    filled, counted = made(book, repeating)
    assert len(filled) == recipe.count
    assert counted.missing == tally.missing
    assert sum(example.repeat for example in filled) == sum(tally.missing.values())
    assert [m.question for m in filled if not m.repeat] == [m.question for m in fresh]


def test_all_there_is_is_given_and_the_rest_is_counted() -> None:
    found, tally = made(load(SMALL), Recipe(7, 0, LANGUAGES))
    assert sorted(example.question for example in found) == [
        "Cine este Nova?", "Cine ești?", "Who are you?", "Who is Nova?",
    ]  # fmt: skip
    assert tally == Tally({"en": 2, "ro": 2}, {"en": 2, "ro": 1})


def test_two_ways_to_one_text_count_once() -> None:
    source = SMALL.replace("Who [are you|is {name}]?", "Who [a|ab][bc|c]?")
    found, tally = made(load(source), Recipe(10, 0, ("en",)))
    assert sorted(example.question for example in found) == ["Who abbc?", "Who abc?", "Who ac?"]
    assert tally.missing == {"en": 7}


@pytest.mark.parametrize("noise", LEVELS)
def test_slots_of_question_and_answer_agree(noise: Noise) -> None:
    makers = {"Claude": "Anthropic", "Mistral": "Mistral AI", "Llama": "Meta", "GPT": "OpenAI"}
    asked = [
        example
        for example in made(IDENTITY, Recipe(600, 3, LANGUAGES, noise))[0]
        if example.template.name == "who-makes-it"
    ]
    assert len(asked) >= 12
    for example in asked:
        (name,) = [name for name in makers if name.lower() in example.question.lower()]
        assert makers[name] in example.answer


def test_topics_and_templates_take_turns() -> None:
    found, _ = made(IDENTITY, Recipe(144, 0, LANGUAGES))
    for language in LANGUAGES:
        mine = [example.template for example in found if example.language == language]
        topics = Counter(template.topic for template in mine)
        assert set(topics) == set(IDENTITY.topics)
        assert max(topics.values()) - min(topics.values()) == 0
        # Six topics of up to six templates or a few more: each is met within twelve rounds.
        assert {template.name for template in mine} == {t.name for t in IDENTITY.templates}


def test_another_seed_gives_another_order() -> None:
    orders = {
        tuple(example.question for example in made(IDENTITY, Recipe(20, seed, LANGUAGES))[0])
        for seed in range(5)
    }
    assert len(orders) == 5


def test_answers_of_one_template_take_turns() -> None:
    found, _ = made(IDENTITY, Recipe(400, 0, ("en",)))
    by_template: dict[str, list[str]] = defaultdict(list)
    for example in found:
        by_template[example.template.name].append(example.answer)
    first, second, *_ = by_template["what-is-rag"]
    assert first != second


@given(st.integers(1, 300), st.integers())
def test_permuted_is_a_permutation(size: int, key: int) -> None:
    assert sorted(permuted(index, size, key) for index in range(size)) == list(range(size))


def test_permuted_does_not_keep_neighbours_together() -> None:
    size = 1_000_000
    found = [permuted(index, size, "key") for index in range(200)]
    assert sum(abs(a - b) < 1000 for a, b in pairwise(found)) < 5


def test_draws_are_the_same_in_every_version() -> None:
    draw = Draw(7, "en", "topic")
    assert [draw.below(100) for _ in range(8)] == [59, 9, 35, 22, 65, 69, 91, 5]
    assert Draw("x").shuffled("abcdef") == list("debcaf")
    assert [permuted(index, 10, 7) for index in range(10)] == [3, 8, 0, 4, 1, 5, 6, 7, 2, 9]


def test_no_brace_or_bracket_is_left_in_the_shipped_texts() -> None:
    for noise in LEVELS:
        found, _ = made(IDENTITY, Recipe(5000, 0, LANGUAGES, noise))
        for example in found:
            assert not re.search(r"[\[\]{}|\\]", example.question + example.answer)
