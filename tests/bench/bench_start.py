"""How quickly the app opens and answers, and what it takes: ``python -m tests.bench.bench_start``.

Usage: python -m tests.bench.bench_start [--runs N] [--rows N] [--only PART]

Everything is measured in a pty of 120x40, as a person meets it, and set against a bare Textual
app (one Static, one key) that is started in turns with it:

- start: until the first screen shows its data, and until a key typed then is answered; the
  processor time of all threads up to then;
- memory: resident and proportional, with Curate open, for a workspace in use, a new folder, and
  a database of the first schema;
- keys: bytes and milliseconds from a key to the last byte of its answer, with the pace of
  repaints that finetui sets and with Textual's own, and the bytes of ten idle seconds;
- help: the processor time of ``finetui --help`` against a bare interpreter's.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import resource
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.models import Example, Provenance, Turn, example_id
from engine.workspace import init_workspace, open_workspace
from tests.store.schemas.dump import restore

ROOT = Path(__file__).resolve().parents[2]
SIZE = (120, 40)
ESCAPES = re.compile(
    rb"\x1b\[[0-9;?<>=!]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|"
    rb"\x1b[@-Z\\-_()#].?|\x1bP.*?\x1b\\",
    re.S,
)
BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    BINDINGS = [("j", "next", "next")]

    def compose(self):
        yield Static("the quick brown fox jumps over the lazy dog: Woodpecker")

    def action_next(self):
        self.query_one(Static).update("and over again: Kingfisher")

Bare().run()
"""
FIRST, SECOND = "Woodpecker", "Kingfisher"
SETTINGS = '[check]\nautomatic = false\n[training]\nbase = "none"\n'
HELP_REPEATS = 15


class Terminal:
    """A program in a pty.

    Args:
        command: The program and its arguments.
        environment: Variables beside this process's own.
        folder: Where it is started.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self.begun = time.perf_counter()
        self.sent = bytearray()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ.update(environment)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", PYTHONPATH=str(ROOT))
            os.chdir(folder or ROOT)
            os.execvp(command[0], list(command))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))

    def _read(self, seconds: float) -> int:
        if not select.select([self._fd], [], [], seconds)[0]:
            return 0
        data = os.read(self._fd, 65_536)
        self.sent += data
        return len(data)

    def until(self, word: str, seconds: float = 60.0) -> float:
        """Return the seconds from the start until a word was painted."""
        deadline = time.perf_counter() + seconds
        while word.encode() not in ESCAPES.sub(b"", bytes(self.sent)):
            self._read(0.05)
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{word} was never painted: {bytes(self.sent[-2000:])!r}")
        return time.perf_counter() - self.begun

    def quiet(self, seconds: float) -> None:
        """Wait until nothing was sent for so long."""
        while self._read(seconds):
            pass

    def press(self, key: str) -> None:
        """Type a key."""
        os.write(self._fd, key.encode())

    def answer(self, key: str) -> tuple[float, int]:
        """Type a key; return the seconds to the last byte of its answer, and its bytes."""
        start = last = time.perf_counter()
        self.press(key)
        count = 0
        while got := self._read(0.25):
            count += got
            last = time.perf_counter()
        return last - start, count

    def idle(self, seconds: float) -> tuple[int, float, int]:
        """Return the bytes, processor seconds and voluntary waits of a time without keys."""
        cpu, waits, before = self.cpu(), self._waits(), len(self.sent)
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self._read(left)
        return len(self.sent) - before, self.cpu() - cpu, self._waits() - waits

    def cpu(self) -> float:
        """Return the processor seconds of all threads so far."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def _waits(self) -> int:
        total = 0
        for task in Path(f"/proc/{self.pid}/task").glob("*/status"):
            total += int(task.read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])
        return total

    def memory(self) -> tuple[float, float]:
        """Return resident and proportional memory in megabytes."""
        found = {}
        for name, label in (("status", "VmRSS"), ("smaps_rollup", "Pss")):
            text = Path(f"/proc/{self.pid}/{name}").read_text()
            found[label] = int(text.split(f"\n{label}:")[1].split()[0]) / 1024
        return found["VmRSS"], found["Pss"]

    def end(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


def examples(source_id: str, root: str, word: str, count: int) -> list[Example]:
    """Return examples of some fifty words, all of them with a word of their own."""
    made = []
    for number in range(count):
        answer = f"{word} " + " ".join(f"word{number + step}" for step in range(50))
        turns = (Turn("user", f"{word} {root} {number}?"), Turn("assistant", answer))
        where = Provenance(source_id, f"note{number:04}.md", start_line=1, end_line=4)
        made.append(Example(example_id(turns), "reflection", turns, where))
    return made


def workspace(folder: Path, rows: int) -> Path:
    """Make a workspace of two sources."""
    root = init_workspace(folder)
    (root / "finetui.toml").write_text(SETTINGS)
    with open_workspace(root) as opened:
        for name, word, count in (("first", FIRST, rows), ("second", SECOND, 3)):
            source = opened.store.add_source("vault", f"/nowhere/{name}")
            made = examples(source.id, source.root, word, count)
            opened.store.record_scan(source.id, made, [], count, at=time.time())
    return root


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds and processor seconds to the data, seconds to the answer of a key."""

    shown: float
    cpu: float
    answered: float


def started(command: Sequence[str], environment: Mapping[str, str]) -> Start:
    """Start a program, wait for its data, type a key and wait for the answer."""
    terminal = Terminal(command, environment)
    shown, cpu = terminal.until(FIRST), terminal.cpu()
    terminal.press("j")
    answered = terminal.until(SECOND)
    terminal.end()
    return Start(shown, cpu, answered)


def warm_up(root: Path, bare: Path, environment: Mapping[str, str]) -> None:
    """Run what is measured once, which compiles it and fills the disk's cache."""
    started([sys.executable, str(bare)], environment)
    terminal = Terminal([sys.executable, "-m", "tui", "--workspace", str(root)], environment)
    terminal.until(FIRST)
    terminal.press("2")
    terminal.until("word40")
    terminal.quiet(1.0)
    terminal.end()


def starts(root: Path, bare: Path, environment: Mapping[str, str], runs: int) -> None:
    """Print the figures of starting, in turns."""
    ours, theirs = (
        [sys.executable, "-m", "tui", "--workspace", str(root)],
        [sys.executable, str(bare)],
    )
    pairs = [(started(theirs, environment), started(ours, environment)) for _ in range(runs)]
    print(f"{'start':34} {'bare':>8} {'finetui':>8} {'ratio':>6}")
    for label, name in (
        ("data on the screen, s", "shown"),
        ("processor until then, s", "cpu"),
        ("a key answered, s", "answered"),
    ):
        bares = [getattr(one, name) for one, _ in pairs]
        own = [getattr(one, name) for _, one in pairs]
        ratio = statistics.median(b / a for a, b in zip(bares, own, strict=True))
        print(
            f"{label:34} {statistics.median(bares):8.3f} {statistics.median(own):8.3f} {ratio:6.2f}"
        )


def memory(root: Path, bare: Path, environment: Mapping[str, str], scratch: Path) -> None:
    """Print what the app holds with Curate open."""
    old = init_workspace(scratch / "old")
    (old / "finetui.toml").write_text(SETTINGS)
    restore(1, old / "finetui.db")
    new = scratch / "new"
    new.mkdir()
    print(f"{'memory, MB':34} {'resident':>8} {'proportional':>12}")

    def line(label: str, command: Sequence[str], folder: Path, *words: str) -> None:
        terminal = Terminal([sys.executable, *command], environment, folder)
        terminal.until(words[0])
        if len(words) > 1:
            terminal.press("2")
            terminal.until(words[1])
        terminal.quiet(2.0)
        resident, proportional = terminal.memory()
        terminal.end()
        print(f"{label:34} {resident:8.1f} {proportional:12.1f}")

    opened = ["-m", "tui", "--workspace"]
    line("bare Textual", [str(bare)], ROOT, FIRST)
    line("workspace in use", [*opened, str(root)], ROOT, FIRST, "word40")
    line("a new folder", ["-m", "tui"], new, "Start here", "Queue")
    line("a database of the first schema", [*opened, str(old)], ROOT, "vault", "Queue")


def keys(root: Path, environment: Mapping[str, str], rounds: int) -> None:
    """Print what a key in Curate costs, and what doing nothing does; the paces take turns."""
    paces = (("as finetui sets it", ""), ("TEXTUAL_FPS=60, Textual's own", "60"), ("240", "240"))
    opened = []
    for label, pace in paces:
        variables = {**environment, **({"TEXTUAL_FPS": pace} if pace else {})}
        command = [sys.executable, "-m", "tui", "--workspace", str(root)]
        terminal = Terminal(command, variables, ROOT)
        terminal.until(FIRST)
        terminal.press("2")
        terminal.until("word40")
        terminal.quiet(1.0)
        opened.append((label, terminal, terminal.cpu()))
    answers: dict[str, list[tuple[float, int]]] = {label: [] for label, _ in paces}
    for number in range(rounds):
        for label, terminal, _ in opened:
            answers[label].append(terminal.answer("k" if number % 4 == 3 else "j"))
    print(f"{'keys in Curate, ms':30} best quart. median  bytes cpu ms   idle 10 s")
    for label, terminal, before in opened:
        spent = terminal.cpu() - before
        times = sorted(1e3 * seconds for seconds, _ in answers[label])
        size = statistics.median(count for _, count in answers[label])
        count, idle, waits = terminal.idle(10.0)
        terminal.end()
        middle = f"{times[len(times) // 4]:6.1f} {statistics.median(times):6.1f}"
        print(
            f"{label:30} {times[0]:4.1f} {middle} {size:6.0f} {1e3 * spent / len(times):6.1f}   "
            f"{count} bytes, {1e3 * idle:.0f} ms cpu, {waits} waits"
        )


def spent(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Return the processor seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def helps(environment: Mapping[str, str]) -> None:
    """Print what ``--help`` costs."""
    print(f"{'processor seconds':34} {'median':>8}")
    calls: tuple[tuple[str, list[str]], ...] = (
        ("python -c pass", ["-c", "pass"]),
        ("python -c 'import click'", ["-c", "import click"]),
        ("finetui --help", ["-m", "tui", "--help"]),
        ("finetui sources --help", ["-m", "tui", "sources", "--help"]),
    )
    taken: dict[str, list[float]] = {label: [] for label, _ in calls}
    for _ in range(HELP_REPEATS):
        for label, arguments in calls:
            taken[label].append(spent([sys.executable, *arguments], environment))
    for label, times in taken.items():
        print(f"{label:34} {statistics.median(times):8.3f}")


def main() -> None:
    """Make a workspace and print everything, or one part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--keys", type=int, default=40)
    parser.add_argument("--only", choices=("start", "memory", "keys", "help"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        home = scratch / "home"
        home.mkdir()
        environment = {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            # Bytecode is written, as it is for a person, whatever this process was told.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(scratch / "bytecode"),
        }
        bare = scratch / "bare.py"
        bare.write_text(BARE)
        root = workspace(scratch / "workspace", options.rows)
        warm_up(root, bare, environment)
        parts: dict[str, Callable[[], None]] = {
            "start": lambda: starts(root, bare, environment, options.runs),
            "memory": lambda: memory(root, bare, environment, scratch),
            "keys": lambda: keys(root, environment, options.keys),
            "help": lambda: helps(environment),
        }
        for part, measure in parts.items():
            if options.only in (None, part):
                measure()


if __name__ == "__main__":
    main()
