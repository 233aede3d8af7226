"""A model is given to a server that does what Ollama documents, and to one that does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import errors
from engine.errors import FinetuiError
from engine.export.ollama.address import Address, address
from engine.export.ollama.client import Ollama
from engine.export.ollama.given import ForOllama, for_ollama
from engine.export.ollama.modelfile import adds_begin, ollama_model
from engine.export.ollama.register import Registered, Step, register
from engine.models import Turn
from engine.tokens import prompt_ids
from engine.workspace import open_workspace
from tests.support.fake_ollama import Fake, Handler, serving
from tests.support.go_templates import GoTemplates
from tests.support.tiny_export import RUN

BLOB, CREATE, CHAT = "POST /api/blobs/DIGEST", "POST /api/create", "POST /api/chat"


@pytest.fixture(scope="module")
def found(finished_export: Path) -> ForOllama:
    """Return the tiny export."""
    with open_workspace(finished_export) as workspace:
        return for_ollama(workspace, RUN, name="tiny")


@pytest.fixture
def fake(tmp_path: Path, go: GoTemplates) -> Iterator[Fake]:
    with serving(tmp_path / "blobs", go) as server:
        yield server


def give(found: ForOllama, fake: Fake, **more: Any) -> Registered:
    return register(address(fake.url), found.name, found.gguf, found.model, found.tokenizer, **more)


def test_a_model_is_made_and_asked(found: ForOllama, fake: Fake) -> None:
    steps: list[Step] = []
    made = give(found, fake, tell=steps.append)
    digest = f"sha256:{hashlib.sha256(found.gguf.read_bytes()).hexdigest()}"
    assert fake.paths() == [
        "GET /api/version", "GET /api/tags", "HEAD /api/blobs/DIGEST", BLOB, CREATE,
        "POST /api/generate", CHAT,
    ]  # fmt: skip
    assert fake.body(CREATE) == {
        "model": "tiny:latest",
        "files": {found.gguf.name: digest},
        "template": found.model.template,
        "parameters": {"stop": ["<|im_start|>", "<|im_end|>"], "temperature": 0.7},
        "stream": True,
    }
    assert fake.blob(digest).read_bytes() == found.gguf.read_bytes()
    assert (made.version, made.digest, made.sent) == ("0.21.1", digest, found.gguf.stat().st_size)
    assert (made.answer, made.done_reason, made.replaced) == ("Good.", "stop", False)
    assert made.prompt_tokens == made.trained_tokens > 10
    assert steps[-1].words == "tiny:latest answers: Good."
    sent = [step for step in steps if step.words.startswith("send ")]
    assert sent[-1].done == sent[-1].total == made.sent


def test_a_file_that_it_has_is_not_sent_again(found: ForOllama, fake: Fake) -> None:
    give(found, fake)
    made = give(found, fake, replace=True)
    assert (made.sent, made.replaced) == (0, True)
    assert fake.paths().count(BLOB) == 1
    # Ollama remembers prompts, and does not count those again.
    assert made.prompt_tokens == made.trained_tokens


def test_a_name_that_is_taken_is_not_replaced_silently(found: ForOllama, fake: Fake) -> None:
    give(found, fake)
    with pytest.raises(errors.OllamaNameTaken) as caught:
        give(found, fake)
    assert "tiny:latest" in caught.value.message
    assert "of 2026-11-04" in caught.value.message
    assert fake.paths().count(CREATE) == 1


def test_the_system_message_of_training_is_counted(found: ForOllama, fake: Fake) -> None:
    for system in ("You are Ada.", "Odd: \u00a0\u200d"):
        model = ollama_model(found.tokenizer, system=system, temperature=0.5, adds_begin=False)
        prompt = (Turn("user", "Hm?"),)
        made = register(
            address(fake.url), "ada", found.gguf, model, found.tokenizer,
            prompt=prompt, replace=True,
        )  # fmt: skip
        assert made.prompt_tokens == made.trained_tokens
        told = register(
            address(fake.url), "ada", found.gguf, model, found.tokenizer,
            prompt=(Turn("system", "Be short."), *prompt), replace=True,
        )  # fmt: skip
        assert told.prompt_tokens == told.trained_tokens != made.trained_tokens


def with_bos(gguf: Path, copy: Path, bos: bool) -> Path:
    """Write a GGUF of which whoever tokenises a text puts a BOS token in front, or does not."""
    data = bytearray(gguf.read_bytes())
    key = b"tokenizer.ggml.add_bos_token"
    at = data.index(key) + len(key)
    assert data[at : at + 4] == (7).to_bytes(4, "little")  # a bool follows
    data[at + 4] = bos
    copy.write_bytes(data)
    return copy


def test_the_ids_are_those_of_training_with_and_without_a_bos(
    found: ForOllama, fake: Fake, tmp_path: Path
) -> None:
    prompt = (Turn("user", "Hm?"), Turn("assistant", " Yes. "), Turn("user", "\n 1 + 1"))
    messages = [{"role": turn.role, "content": turn.content} for turn in prompt]
    for bos in (False, True):
        gguf = with_bos(found.gguf, tmp_path / f"{bos}.gguf", bos)
        assert adds_begin(gguf) is bos
        model = ollama_model(found.tokenizer, temperature=1, adds_begin=bos)
        name = f"bos:{bos}"
        made = register(address(fake.url), name, gguf, model, found.tokenizer, prompt=prompt)
        ids = prompt_ids(found.tokenizer, prompt)
        assert tuple(fake.tokens(fake.models[name], messages)) == ids
        assert made.prompt_tokens == len(ids)


def refuses(status: int, text: str) -> Callable[[Handler], None]:
    return lambda to: to.reply(status, {"error": text})


def other_bytes(to: Handler) -> None:
    """Change a byte on the way."""
    data = bytearray(to.rfile.read(int(to.headers["content-length"])))
    data[-1] ^= 1
    digest = to.path.rpartition("/")[2]
    got = f"sha256:{hashlib.sha256(data).hexdigest()}"
    to.reply(400, {"error": f'digest mismatch, expected "{digest}", got "{got}"'})


def cut_upload(to: Handler) -> None:
    to.rfile.read(1000)
    to.hang_up()


def full_disk(to: Handler) -> None:
    to.rfile.read(int(to.headers["content-length"]))
    to.reply(500, {"error": "write /root/.ollama/blobs/x: no space left on device"})


def elsewhere(to: Handler) -> None:
    to.raw(307, b"", Location="http://127.0.0.1:9/")


PARSING = {"status": "parsing GGUF"}


@pytest.mark.parametrize(
    ("what", "wrong", "kind", "words"),
    [
        ("GET /api/version", lambda to: to.raw(200, b"<p>"), "OllamaAnswerInvalid", "not Ollama"),
        ("GET /api/version", lambda to: to.raw(404, b"no"), "OllamaAnswerInvalid", "not Ollama"),
        ("GET /api/version", lambda to: to.reply(200, []), "OllamaAnswerInvalid", "not Ollama"),
        ("GET /api/version", refuses(403, "forbidden"), "OllamaRefused", "forbidden"),
        ("GET /api/version", elsewhere, "OllamaElsewhere", "307"),
        ("GET /api/version", Handler.hang_up, "OllamaUnreachable", "can't be reached"),
        ("GET /api/tags", lambda to: to.reply(200, {"models": "x"}), "OllamaAnswerInvalid", "not"),
        (BLOB, other_bytes, "OllamaDigestWrong", "digest mismatch"),
        (BLOB, cut_upload, "OllamaUploadCut", "broke while"),
        (BLOB, full_disk, "OllamaDiskFull", "no space left"),
        (CREATE, refuses(400, "invalid model name"), "OllamaRefused", "invalid model name"),
        (CREATE, lambda to: to.lines(PARSING, {"error": "template error: \x1b[31m"}),
         "OllamaRefused", "template error"),
        (CREATE, lambda to: to.lines(PARSING, {"error": "mkdir: No space left on device"}),
         "OllamaDiskFull", "No space"),
        (CREATE, lambda to: to.lines(PARSING), "OllamaRefused", "last it said: parsing GGUF"),
        (CREATE, lambda to: to.lines(PARSING, cut=True), "OllamaUnreachable", "reached"),
        (CREATE, lambda to: to.raw(200, b"not json\n"), "OllamaAnswerInvalid", "not Ollama"),
        (CHAT, refuses(500, "unable to load model"), "OllamaRefused", "unable to load model"),
        (CHAT, lambda to: to.lines({"message": {}}), "OllamaAnswerInvalid", "middle"),
        (CHAT, lambda to: to.lines({"error": "runner crashed"}), "OllamaRefused", "runner crashed"),
    ],
)  # fmt: skip
def test_what_goes_wrong_has_a_name(
    found: ForOllama, fake: Fake, what: str, wrong: Callable[[Handler], None], kind: str, words: str
) -> None:
    fake.wrong[what] = wrong
    with pytest.raises(FinetuiError) as caught:
        give(found, fake)
    assert type(caught.value).__name__ == kind
    assert words in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.hint


def test_nothing_runs_there(found: ForOllama, fake: Fake) -> None:
    with serving(fake.folder, fake.go) as gone:
        closed = gone.url
    with pytest.raises(errors.OllamaUnreachable, match="can't be reached") as caught:
        register(address(closed), "n", found.gguf, found.model, found.tokenizer)
    assert "ollama serve" in caught.value.hint


def test_a_server_that_falls_silent(found: ForOllama, fake: Fake) -> None:
    import threading

    over = threading.Event()

    def silent(to: Handler) -> None:
        over.wait(60)
        to.close_connection = True

    fake.wrong["GET /api/version"] = silent

    def client(where: Address) -> Ollama:
        return Ollama(where, answer_s=0.05)

    try:
        with pytest.raises(errors.OllamaTimeout, match="did not answer within"):
            give(found, fake, client=client)
    finally:
        over.set()


def test_it_is_fed_otherwise(found: ForOllama, fake: Fake) -> None:
    fake.add_tokens = 1
    with pytest.raises(errors.OllamaDiffers, match="in training") as caught:
        give(found, fake)
    assert "begins a text" in caught.value.hint
    fake.add_tokens = 20
    with pytest.raises(errors.OllamaDiffers) as caught:
        give(found, fake, replace=True)
    assert "OLLAMA_GO_TEMPLATE=1" in caught.value.hint


def test_it_does_not_stop(found: ForOllama, fake: Fake) -> None:
    fake.done_reason = "length"
    with pytest.raises(errors.OllamaDiffers, match="did not stop by itself"):
        give(found, fake)


def test_a_server_that_counts_nothing_is_not_blamed(found: ForOllama, fake: Fake) -> None:
    fake.counts = False
    assert give(found, fake).prompt_tokens is None


def test_what_is_called_off_ends(found: ForOllama, fake: Fake) -> None:
    def tell(step: Step) -> None:
        if step.words.startswith("send "):
            raise errors.OllamaCancelled("called off")

    with pytest.raises(errors.OllamaCancelled):
        give(found, fake, tell=tell)
    assert CREATE not in fake.paths()
    assert not list(fake.folder.iterdir())


def test_a_password_is_sent_and_not_shown(found: ForOllama, fake: Fake) -> None:
    import base64

    seen: list[str] = []

    def version(to: Handler) -> None:
        seen.append(to.headers["authorization"])
        to.reply(401, {"error": "no"})

    fake.wrong["GET /api/version"] = version
    where = address(fake.url.replace("http://", "http://me:hunter2@"))
    with pytest.raises(errors.OllamaRefused) as caught:
        register(where, "n", found.gguf, found.model, found.tokenizer)
    assert base64.b64decode(seen[0].removeprefix("Basic ")) == b"me:hunter2"
    assert "hunter2" not in f"{caught.value.message}{caught.value.hint}{caught.value!r}"
