"""Many clients, many reloads, engines killed at random: nothing is lost and nothing is mixed up.

Everything that happens is set off by the number of requests that have been answered, by a seeded
draw, so that a run is the same on a slow machine as on a quick one.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from engine.errors import FinetuiError
from engine.gateway.control import reload
from engine.gateway.spec import ServeSpec, Wanted
from engine.gateway.start import serve, status
from engine.gateway.state import ServerState
from engine.runs import kill, wait_until_gone
from engine.runs.process import read_process
from engine.workspace import Workspace
from tests.support.shared import made_once
from tests.support.two_models import PROMPT, WORDS, make_models
from tests.support.waiting import wait_until

pytestmark = pytest.mark.nightly

REQUESTS, CLIENTS, SWAPS, KILLS, SEED = 1000, 32, 20, 8, 7
WARM = 100
LIMIT_S = 600
TOKEN = "a-token-of-the-load-test-0123456789"
NONE = ("cut", "empty", "liar")
TOKENS = 20
ANSWERS = {name: "".join(words) for name, words in WORDS.items()}


@dataclass
class Course:
    """What has happened so far.

    Attributes:
        answered: Requests that have ended, however.
        swapped: Changes of model that are over.
        kills: Engines that were killed.
        models: Answers by the model that made them.
        broken: Requests that were broken off while an engine was killed.
        lost: What went wrong that never may.
    """

    answered: int = 0
    swapped: int = 0
    kills: int = 0
    models: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    lost: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def reached(self, answered: int = 0, *, swapped: int = 0) -> None:
        """Wait until so many requests have ended, and changes are over."""
        async with self.changed:
            await self.changed.wait_for(
                lambda: self.answered >= answered and self.swapped >= swapped
            )

    async def note(self, *, answered: int = 0, swapped: int = 0) -> None:
        """Count what has ended."""
        async with self.changed:
            self.answered += answered
            self.swapped += swapped
            self.changed.notify_all()


async def one(client: httpx.AsyncClient, course: Course, number: int) -> None:
    """Send a request, and note what became of it."""
    stream = number % 2 == 0
    body = {"prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0, "stream": stream}
    killed = course.kills
    try:
        answer = await client.post("/v1/completions", json=body)
        model, text, error = _read(answer, stream=stream)
    except (httpx.HTTPError, ValueError, KeyError) as failure:
        model, text, error = "", "", f"{type(failure).__name__}: {failure}"
    if not error and text == ANSWERS[model]:
        course.models[model] += 1
    elif not error:
        course.lost.append(f"request {number}: {model} said {text!r}")
    elif course.kills > killed:
        course.broken += 1
        if not ANSWERS.get(model, "").startswith(text):
            course.lost.append(f"request {number}: {model} began with {text!r}")
    else:
        course.lost.append(f"request {number}: {error}, and no engine was killed meanwhile")
    await course.note(answered=1)


def _read(answer: httpx.Response, *, stream: bool) -> tuple[str, str, str]:
    """Return which model answered, what, and how it failed."""
    if answer.status_code != 200:
        return "", "", f"{answer.status_code} {answer.text}"
    if not stream:
        body = answer.json()
        return body["model"], body["choices"][0]["text"], ""
    models: set[str] = set()
    text, done = "", False
    for line in answer.text.splitlines():
        if line == "data: [DONE]":
            done = True
        elif line.startswith("data: "):
            body = json.loads(line.removeprefix("data: "))
            if "error" in body:
                return next(iter(models), ""), text, str(body["error"])
            models.add(body["model"])
            text += "".join(choice["text"] for choice in body["choices"])
    assert len(models) == 1, models
    return models.pop(), text, "" if done else "the stream has no end"


async def clients(url: str, course: Course, requests: int, swaps: int = 0) -> None:
    """Send requests, so many at once, and none far ahead of the changes that are to come."""
    numbers = iter(range(requests))
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async def client() -> None:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=LIMIT_S) as asking:
            for number in numbers:
                await course.reached(swapped=number * swaps // requests - 1)
                await one(asking, course, number)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def change(workspace: Workspace, file: Path, course: Course) -> FinetuiError | None:
    """Reload, and return how it failed, which it may where an engine was killed."""
    killed = course.kills
    try:
        done = await asyncio.to_thread(reload, workspace, Wanted(path=str(file)))
    except FinetuiError as error:
        if file.stem not in NONE and course.kills == killed:
            course.lost.append(f"{file.name} was not loaded: {error}")
        return error
    if done.model != file.stem or file.stem in NONE:
        course.lost.append(f"{file.name} was loaded as {done.model}")
    return None


async def swaps(workspace: Workspace, folder: Path, job: psutil.Process, course: Course) -> int:
    """Change models all along, with files that are none and deaths in between among them.

    Returns:
        How many changes succeeded.
    """
    changed, draw = 0, random.Random(SEED)
    for number in range(SWAPS):
        await course.reached(number * REQUESTS // (SWAPS + 2))
        wanted = "two" if number % 2 == 0 else "one"
        if number % 3 == 0:
            await change(workspace, folder / f"{NONE[number // 3 % len(NONE)]}.gguf", course)
        # One whose engine was killed while it loaded is asked for again.
        for _ in range(KILLS):
            if await change(workspace, folder / f"{wanted}.gguf", course) is None:
                changed += 1
                break
        await course.note(swapped=1)
        if number % 5 == 4:  # and in between, while nothing else changes
            await course.reached(min(course.answered + CLIENTS // 4, REQUESTS))
            kill_one(job, draw, course)
            # Those that it had are broken off; the next ones need an engine that came back.
            await course.reached(min(course.answered + CLIENTS + CLIENTS // 4, REQUESTS))
    return changed


async def killer(job: psutil.Process, course: Course) -> None:
    """Kill an engine now and then: the one that answers, one that loads, or one that drains."""
    draw = random.Random(SEED)
    for at in sorted(draw.sample(range(WARM, REQUESTS - WARM), KILLS)):
        await course.reached(at)
        kill_one(job, draw, course)


def kill_one(job: psutil.Process, draw: random.Random, course: Course) -> None:
    """Kill one of the server's engines."""
    engines = job.children(recursive=True)
    if engines:
        course.kills += 1
        with suppress(ProcessLookupError):
            os.kill(draw.choice(engines).pid, signal.SIGKILL)


async def calm(
    workspace: Workspace, folder: Path, url: str, job: psutil.Process
) -> tuple[int, int]:
    """Change models and send some requests in peace, and see what the server takes then.

    Returns:
        Bytes of memory of the server and its engine, and how many files it has open.
    """
    course = Course()
    for name in ("two", "one"):
        await change(workspace, folder / f"{name}.gguf", course)
    await clients(url, course, WARM)
    assert (course.lost, course.models["one"]) == ([], WARM)
    async with asyncio.timeout(LIMIT_S):
        engines: list[psutil.Process] = []
        while True:
            state = status(workspace).state or ServerState()
            engines = job.children(recursive=True)
            if state.phase == "serving" and not state.active and len(engines) == 1:
                break
            await asyncio.sleep(0.05)
    memory = sum(one.memory_info().rss for one in (job, *engines))
    return memory, job.num_fds()


def counted(workspace: Workspace, requests: int) -> ServerState | None:
    """Return what the server says once it has counted so many requests."""
    state = status(workspace).state
    return state if state is not None and state.requests == requests else None


async def test_nothing_is_lost_over_many_swaps_and_deaths(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = made_once(tmp_path_factory, "two-models", lambda made: make_models(made / "gguf"))
    model = Wanted(path=str(folder / "gguf" / "one.gguf"))
    spec = ServeSpec(
        workspace.root, model, port=0, engine="native", context=512, slots=8, threads=1
    )
    directory = serve(workspace, spec, TOKEN)
    try:
        async with asyncio.timeout(LIMIT_S):
            while (found := status(workspace)).state is None or found.state.phase != "serving":
                assert found.running, found.error
                await asyncio.sleep(0.05)
            state = found.state
            info = read_process(directory)
            assert info is not None
            job, course = psutil.Process(info.pid), Course()
            before = await calm(workspace, folder / "gguf", state.url, job)
            asking = asyncio.create_task(clients(state.url, course, REQUESTS, SWAPS))
            killing = asyncio.create_task(killer(job, course))
            changed = await swaps(workspace, folder / "gguf", job, course)
            await asyncio.gather(asking, killing)
            after = await calm(workspace, folder / "gguf", state.url, job)
        assert course.lost == []
        assert (course.answered, changed) == (REQUESTS, SWAPS)
        assert course.kills >= KILLS
        assert course.models["one"] > 0
        assert course.models["two"] > 0
        assert sum(course.models.values()) + course.broken == REQUESTS
        # Neither memory nor open files have grown by all that.
        assert after[0] < before[0] * 1.15, (before, after)
        assert after[1] <= before[1] + 2, (before, after)
        # It is written once a second at most.
        last = wait_until(lambda: counted(workspace, REQUESTS + 2 * WARM))
        assert last is not None
        assert last.restarts > 0
        print(f"{course.broken} of {REQUESTS} broken off by {course.kills} kills; {last.swaps} ")
        print(f"swaps, {last.restarts} restarts; memory and files {before}, then {after}")
    finally:
        kill(directory)
        wait_until_gone(directory)
