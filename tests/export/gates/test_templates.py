"""llama.cpp's own server fills shipped templates in as training does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.bases.embedded import embedded_gguf
from engine.errors import TemplateError
from engine.models import Turn
from engine.tokens import shipped
from engine.tokens.pinned import pinned
from engine.tokens.template import ChatTemplate

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

TOKENS = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
CONVERSATIONS = (
    (Turn("user", "What of kettle 3?"),),
    (Turn("system", "Be brief."), Turn("user", "Kettle 12?")),
    (Turn("user", "One?"), Turn("assistant", "Two."), Turn("user", " three\n")),
    (
        Turn("user", "a"),
        Turn("assistant", "<think>\nhm\n</think>\n\nb"),
        Turn("user", "a"),
    ),
)
# One process for all, since loading the package takes longest; it may abort, and so is a child.
SERVE = """
import json, sys, httpx, xllamacpp
gguf, folder = sys.argv[1:]
for number, (template, conversations) in enumerate(json.load(sys.stdin)):
    parameters = xllamacpp.CommonParams()
    parameters.model.path = gguf
    parameters.hostnames = [f"{folder}/{number}.sock"]
    parameters.api_keys = ["k"]
    parameters.warmup = parameters.fit_params = parameters.ui = False
    parameters.n_ctx, parameters.chat_template = 256, template
    server = xllamacpp.Server(parameters)
    transport = httpx.HTTPTransport(uds=f"{folder}/{number}.sock")
    headers = {"Authorization": "Bearer k"}
    with httpx.Client(transport=transport, base_url="http://s", headers=headers) as client:
        asked = [client.post("/apply-template", json={"messages": m}) for m in conversations]
        print(json.dumps([answer.json()["prompt"] for answer in asked]), flush=True)
    del server
"""


def test_shipped_templates_say_the_same_in_llama_cpp(tmp_path: Path) -> None:
    work: list[Any] = []
    wanted = []
    for name in shipped.names():
        chat = ChatTemplate(shipped.named(name), TOKENS)
        taken, texts = [], []
        for turns in CONVERSATIONS:
            try:
                texts.append(chat.text(turns, generation_prompt=True))
            except TemplateError:
                continue  # a template without system messages
            taken.append([chat.message(turn) for turn in turns])
        work.append((pinned(chat.source, TOKENS), taken))
        wanted.append(texts)
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(embedded_gguf()), str(tmp_path)],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    # The vocabulary's BOS is the begin of its turns; the server takes one from the front.
    bos = TOKENS["bos_token"]
    assert [[text.removeprefix(bos) for text in texts] for texts in found] == [
        [text.removeprefix(bos) for text in texts] for texts in wanted
    ], done.stderr[-2000:]
