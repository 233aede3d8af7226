from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.compose.backtranslate import (
    Proposal,
    Unwritten,
    note_sources,
    prompt,
    propose,
    record,
    waiting,
)
from engine.compose.endpoint import Endpoint
from engine.compose.language import words
from engine.compose.marks import take_back
from engine.compose.prompts import QUESTIONS
from engine.curate import Curator
from engine.errors import EndpointRefused, UsageError
from engine.extract.scan import scan
from engine.models import Filter, Source, Turn
from engine.store import Store
from engine.store.authors import model_of, question_by
from engine.workspace import Workspace
from tests.compose.server import Answer, Reply, Request, failure, in_turn, serving
from tests.support.hashes import hashes

VAULT = Path(__file__).resolve().parent.parent / "fixtures" / "allotment"


def topic(request: Request) -> str:
    """Return the longest word of what the user said last."""
    return max(words(request.last), key=len)


def asks(request: Request) -> str:
    """Ask about the text by its longest word, in its language, as a model would."""
    system = request.messages[0]["content"]
    language = next(name for name, how in QUESTIONS.items() if how.task == system)
    return {
        "en": f"What is the story of {topic(request)} that you noted?",
        "ro": f"Ce ai notat despre {topic(request)}?",
        "de": f"Was hast du über {topic(request)} notiert?",
    }[language]


def naming(answer: Answer) -> Answer:
    """Return a model whose answers have the text's topic in the place of TOPIC."""

    def named(request: Request) -> Reply | str:
        said = answer(request)
        return said.replace("TOPIC", topic(request)) if isinstance(said, str) else said

    return named


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return Path(shutil.copytree(VAULT, tmp_path / "vault"))


@pytest.fixture
def source(workspace: Workspace, vault: Path) -> Source:
    found = workspace.store.add_source("vault", str(vault))
    scan(workspace.store, found)
    return found


@pytest.fixture
def store(workspace: Workspace, source: Source) -> Store:
    return workspace.store


def written(store: Store, url: str, ids: list[str] | None = None) -> list[Proposal]:
    ids = waiting(store, note_sources(store)) if ids is None else ids
    with Endpoint(url, "big-one", sleep=lambda _: None) as writer:
        found = [item for item in propose(store, writer, ids) if isinstance(item, Proposal)]
    assert record(store, found) == len(found)
    return found


def questions(store: Store) -> dict[str, str]:
    return {card.example.id: card.turns[0].content for card in store.cards(Filter())}


def answers(store: Store) -> dict[str, tuple[Turn, ...]]:
    return {card.example.id: card.turns[1:] for card in store.cards(Filter())}


def test_every_undecided_note_gets_a_question_and_keeps_its_answer(
    store: Store, vault: Path
) -> None:
    before, said, files = questions(store), answers(store), hashes(vault)
    with serving(asks) as server:
        found = written(store, server.url)
    assert {item.card.example.id for item in found} == set(before)
    assert {item.before for item in found} == set(before.values())
    after = questions(store)
    assert all(after[item.card.example.id] == item.question for item in found)
    assert answers(store) == said
    assert hashes(vault) == files
    cards = list(store.cards(Filter()))
    assert all(card.edited and card.state == "undecided" for card in cards)
    for entry in store.journal():
        assert (entry.action, model_of(entry.session)) == ("edit", "big-one")


def test_the_model_sees_the_text_its_title_and_shots_of_its_language(store: Store) -> None:
    with serving(asks) as server:
        written(store, server.url)
    sent = {request.last: request for request in server.requests}
    for card in store.cards(Filter()):
        (request,) = [r for text, r in sent.items() if card.turns[1].content in text]
        assert card.example.provenance.title in request.last
        roles = [message["role"] for message in request.messages]
        assert roles == ["system", *["user", "assistant"] * 3, "user"]
    assert {request.messages[0]["content"] for request in server.requests} >= {
        QUESTIONS["en"].task,
        QUESTIONS["de"].task,
    }


def test_what_a_person_decided_edited_or_undid_is_left_alone(store: Store) -> None:
    curator = Curator(store)
    approved, rejected, edited, undone, *rest = waiting(store, note_sources(store))
    curator.approve(approved)
    curator.reject(rejected)
    turns = store.card(edited).turns
    curator.edit(edited, (Turn("user", "My own question?"), *turns[1:]))
    curator.skip(undone)
    curator.undo(undone)
    before = questions(store)
    with serving(asks) as server:
        written(store, server.url)
    assert len(server.requests) == len(rest)
    after = questions(store)
    for touched in (approved, rejected, edited, undone):
        assert after[touched] == before[touched]
    assert all(after[other] != before[other] for other in rest)


def test_a_decision_made_while_the_model_wrote_stands(store: Store) -> None:
    first = waiting(store, note_sources(store))[0]
    with serving(asks) as server, Endpoint(server.url, "m") as writer:
        (proposal,) = propose(store, writer, [first])
        Curator(store).approve(first)
        assert isinstance(proposal, Proposal)
        assert record(store, [proposal]) == 0
    assert store.card(first).turns[0].content == proposal.before


def test_an_example_that_went_away_meanwhile_is_passed(store: Store, source: Source) -> None:
    ids = waiting(store, note_sources(store))
    with serving(asks) as server, Endpoint(server.url, "m") as writer:
        (proposal,) = propose(store, writer, ids[:1])
        assert isinstance(proposal, Proposal)
        store.remove_source(source.id)
        assert record(store, [proposal]) == 0
        assert list(propose(store, writer, ids)) == []


def test_it_goes_on_where_it_stopped(store: Store) -> None:
    ids = waiting(store, note_sources(store))
    with serving(asks) as server:
        written(store, server.url, ids[:4])
        assert waiting(store, note_sources(store)) == ids[4:]
        written(store, server.url)
    assert waiting(store, note_sources(store)) == []
    assert len(server.requests) == len(ids)


def test_questions_survive_a_rescan_and_new_notes_wait(
    workspace: Workspace, store: Store, source: Source, vault: Path
) -> None:
    with serving(asks) as server:
        written(store, server.url)
    after = questions(store)
    scan(store, store.source(source.id), again=True)
    assert questions(store) == after
    (vault / "New.md").write_text(
        "# Radishes\n\n#learning\n\nI learned that radishes sown under the currants bolt before "
        "they are thick, because they look for the light that the bushes keep for themselves.\n"
    )
    scan(store, store.source(source.id))
    assert len(waiting(store, note_sources(store))) == 1


def test_each_question_can_be_undone_and_all_can_be_taken_back(store: Store) -> None:
    before = questions(store)
    with serving(asks) as server:
        found = written(store, server.url)
    example_id = found[-1].card.example.id
    Curator(store).undo(example_id)
    assert questions(store)[example_id] == before[example_id]
    approved = found[0].card.example.id
    Curator(store).approve(approved)
    assert take_back(store, "another-model") == 0
    assert take_back(store, "big-one") == len(found) - 2
    after = questions(store)
    # A person took that one over by approving it.
    assert after.pop(approved) == found[0].question
    before.pop(approved)
    assert after == before
    assert take_back(store) == 0


def test_who_wrote_a_question_can_be_told(store: Store) -> None:
    with serving(asks) as server:
        found = written(store, server.url)
    example_id = found[0].card.example.id

    def author() -> str:
        entries = reversed(store.journal(example_id=example_id))
        return question_by(entries, store.card(example_id).turns)

    assert author() == "big-one"
    question, answer = store.card(example_id).turns
    curator = Curator(store)
    curator.edit(example_id, (question, Turn("assistant", answer.content + " Or so.")))
    assert author() == "big-one"
    curator.edit(example_id, (Turn("user", "What do I ask myself?"), answer))
    assert author() == ""
    curator.undo(example_id)
    assert author() == "big-one"
    untouched = question_by([], (question, answer))
    assert untouched == ""


def test_what_can_not_be_used_is_tried_again_and_then_told(store: Store) -> None:
    first, second, third = waiting(store, note_sources(store))[:3]
    replies = in_turn(
        "No idea.", "Why so?", "What is it about TOPIC that you noted?",
        "x", "Still no question.", "And again none.",
        failure(400, "too many tokens", code="context_length_exceeded"),
    )  # fmt: skip
    with serving(naming(replies)) as server, Endpoint(server.url, "m") as writer:
        good, bad, long = propose(store, writer, [first, second, third])
    assert isinstance(good, Proposal)
    assert good.question.startswith("What is it about ")
    assert isinstance(bad, Unwritten)
    assert (bad.code, bad.output) == ("not-a-question", "And again none.")
    assert isinstance(long, Unwritten)
    assert long.code == "prompt-too-long"
    assert len({request.body["seed"] for request in server.requests}) == 7


def test_a_refusal_ends_it_and_keeps_what_was_written(store: Store) -> None:
    replies = naming(in_turn("What did you note about TOPIC?", Reply("", 401)))
    ids = waiting(store, note_sources(store))
    with serving(replies) as server, Endpoint(server.url, "m") as writer:
        found = propose(store, writer, ids)
        proposal = next(found)
        assert isinstance(proposal, Proposal)
        record(store, [proposal])
        with pytest.raises(EndpointRefused):
            next(found)
    assert waiting(store, note_sources(store)) == ids[1:]


def test_the_same_seed_asks_the_same(store: Store) -> None:
    ids = waiting(store, note_sources(store))[:2]

    def seeds(seed: int) -> Iterator[int]:
        with serving(asks) as server, Endpoint(server.url, "m") as writer:
            assert len(list(propose(store, writer, ids, seed=seed))) == 2
        return (request.body["seed"] for request in server.requests)

    assert list(seeds(1)) == list(seeds(1)) != list(seeds(2))


def test_long_texts_are_cut_at_a_sentence_and_braces_are_text(store: Store) -> None:
    card = store.card(waiting(store, note_sources(store))[0])
    store.append(
        "edit",
        card.example.id,
        turns=(Turn("user", "{x}"), Turn("assistant", "One {0} thing. " * 500)),
        at=time.time(),
    )
    turns = prompt(store.card(card.example.id), "en", 1000)
    assert turns[-1].content.endswith("thing. …")
    assert len(turns[-1].content) < 1200
    assert "{0}" in turns[-1].content


def test_only_notes_get_questions(workspace: Workspace, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "Who?", "completion": "Me, as far as I know."}\n')
    other = store.add_source("instructions", str(path))
    scan(store, other)
    assert {found.kind for found in note_sources(store)} == {"vault"}
    with pytest.raises(UsageError, match="people asked"):
        note_sources(store, other.id)
