"""Real places to add as sources: files of every sort, and an app that exports its memory."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from engine.extract.scan import ScanReport, scan
from engine.workspace import Workspace

TOKEN = "kept-by-the-harbour-master"


def write_rows(path: Path, answers: Mapping[str, str]) -> Path:
    """Write instructions, a question and its answer a row."""
    rows = [{"instruction": asked, "output": said} for asked, said in answers.items()]
    path.write_text(json.dumps(rows), "utf-8")
    return path


def write_chats(path: Path, count: int = 12) -> Path:
    """Write saved conversations of two messages each."""
    chats = [
        {
            "title": f"Gate {number}",
            "messages": [
                {"role": "user", "content": f"Who keeps gate {number}?"},
                {"role": "assistant", "content": f"Gate {number} is kept by nobody, and well."},
            ],
        }
        for number in range(count)
    ]
    path.write_text(json.dumps(chats), "utf-8")
    return path


def write_mixed(folder: Path) -> Path:
    """Write a folder that is as much notes as it is a data set as it is saved chats."""
    folder.mkdir()
    for number in range(6):
        text = f"# Day {number}\nI stayed {number} days because it rained.\n"
        (folder / f"day-{number}.md").write_text(text, "utf-8")
    write_rows(folder / "rows.json", {f"Count to {n}.": f"It ends at {n}." for n in range(12)})
    write_chats(folder / "chats.json")
    return folder


def write_tree(path: Path, question: str, answers: Sequence[str]) -> Path:
    """Write a ChatGPT export with one question that was answered several times.

    The last answer is the one that the app shows.
    """

    def node(
        name: str, parent: str | None, children: list[str], said: str = ""
    ) -> dict[str, object]:
        role = "user" if name == "question" else "assistant"
        content = {"content_type": "text", "parts": [said]}
        message = {"id": name, "author": {"role": role}, "content": content}
        return {
            "id": name,
            "parent": parent,
            "children": children,
            "message": message if said else None,
        }

    names = [f"answer-{number}" for number in range(len(answers))]
    mapping = {
        "root": node("root", None, ["question"]),
        "question": node("question", "root", names, question),
    }
    for name, said in zip(names, answers, strict=True):
        mapping[name] = node(name, "question", [], said)
    chat = {"title": "Garden", "id": "c1", "mapping": mapping, "current_node": names[-1]}
    path.write_text(json.dumps([chat]), "utf-8")
    return path


def add_scanned(workspace: Workspace, kind: str, path: Path) -> ScanReport:
    """Add a source and scan it, as the verb does."""
    source = workspace.store.add_source(kind, str(path))
    return scan(workspace.store, source)


class MemoryApp:
    """An app that exports its memory, once it is allowed to answer.

    Attributes:
        address: Where it answers.
        asked: The ``Authorization`` header of each request.
        may_answer: Cleared, requests wait.
    """

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()


@contextmanager
def memory_app(count: int = 20) -> Iterator[MemoryApp]:
    """Run an app on this machine that wants :data:`TOKEN`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            app.asked.append(self.headers.get("Authorization", ""))
            app.may_answer.wait()
            right = app.asked[-1] == f"Bearer {TOKEN}"
            body = b"\n".join(_exchange(number) for number in range(count)) if right else b"{}"
            self.send_response(200 if right else 401)
            self.send_header("Content-Type", "application/jsonl")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    app = MemoryApp(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        app.may_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _exchange(number: int) -> bytes:
    messages = [
        {"role": "user", "content": f"Who rows boat {number}?"},
        {"role": "assistant", "content": f"Ilse rows boat {number}, on every second day."},
    ]
    return json.dumps({"messages": messages}).encode()


def readers() -> list[psutil.Process]:
    """Return the processes that read a source for this one; those of other tests are no matter."""
    found = []
    for child in psutil.Process().children(recursive=True):
        # A child that ended, and that nobody has asked after yet, has no command line.
        with contextlib.suppress(psutil.Error):
            if "engine.extract.child" in " ".join(child.cmdline()):
                found.append(child)
    return found
