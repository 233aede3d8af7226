"""What watching a run costs on the wire: ``python -m tests.bench.bench_watching [SECONDS]``.

A run's directory is written at the pace of a real one: a step and a line of output a second, the
figures of two GPUs every two seconds, an evaluation with its samples every twenty. The app follows
it in a pseudo-terminal, and the bytes that it sends are counted: once the screen stands still for
a moment, and then over SECONDS (40 by default). Printed are bytes a second for each view and size,
and those of a run that has ended. The app takes the line for one over SSH, unless --local is given.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from engine.runs import EventLog
from engine.runs.process import identify, write_process
from engine.train.spec import make_spec, write_spec
from engine.workspace import init_workspace, open_workspace
from tests.support.pty_app import Terminal
from tests.tui.run_dirs import answers, machine, make_run

SIZES = ((80, 24), (160, 45))
VIEWS = (("loss and log", ""), ("all charts", "c"), ("samples", "a"), ("log alone", "l"))
SETTINGS = '[training]\nbase = "of-ones-own"\n[check]\nautomatic = false\n'
TOTAL = 2000


class Writer(threading.Thread):
    """Writes a run until it is told to stop."""

    def __init__(self, directory: Path) -> None:
        super().__init__(daemon=True)
        self.directory = directory
        self.over = threading.Event()
        directory.mkdir(parents=True)
        write_spec(directory, make_spec("smollm2-135m-instruct", "notes-1", "small-cpu"))
        me = identify(os.getpid())
        assert me is not None
        write_process(directory, me)
        self.log = EventLog(directory)
        self.log.write("run_started", pid=me.pid, pid_start=me.start_time)
        self.log.write("eval", step=0, loss=3.6)
        self.log.write("sample", **answers(0))
        self.log.write("phase", phase="training", step=0, total_steps=TOTAL)

    def run(self) -> None:
        """Write a step a second, as from step 400 on."""
        step = 0
        while not self.over.is_set():
            step += 1
            self.write(step)
            if step > 400:
                self.over.wait(1.0)

    def write(self, step: int) -> None:
        """Write a step and what comes with it."""
        loss = round(2.4 + 1.2 * math.exp(-step / 300) + 0.2 * math.sin(step * 2.3), 4)
        self.log.write(
            "step", step=step, total_steps=TOTAL, epoch=round(step / 700, 3), loss=loss,
            lr=2e-4 * (1 - step / TOTAL), grad_norm=round(0.8 + 0.2 * math.sin(step), 3),
            tokens_per_s=1840.0 + step % 37, eta_s=float(TOTAL - step), trained_tokens=step * 1024,
        )  # fmt: skip
        with (self.directory / "stdout.log").open("a", encoding="utf-8") as output:
            output.write(f"step {step}/{TOTAL}  loss {loss:.4f}  lr 1.2e-04  grad 0.84\n")
        if step % 2 == 0:
            self.log.write("gpu", **machine(float(step), cards=2))
        if step % 20 == 0:
            self.log.write("eval", step=step, loss=round(3.5 - step / 2000, 4))
            self.log.write("sample", **{**answers(1 + step % 2), "step": step})

    def end(self) -> None:
        """Let the run end."""
        self.over.set()
        self.join()
        self.log.write("run_finished", status="finished", result={})
        self.log.close()


def rate(terminal: Terminal, seconds: float) -> float:
    """Return how many bytes a second a terminal is sent."""
    for keep in (3.0, seconds):  # what was asked for last is drawn first
        terminal.output.clear()
        until = time.monotonic() + keep
        while time.monotonic() < until:
            terminal.read()
    return len(terminal.output) / seconds


def main() -> None:
    """Measure every view at every size."""
    local = "--local" in sys.argv
    seconds = next((float(word) for word in sys.argv[1:] if word[0].isdigit()), 40.0)
    os.environ.pop("SSH_CONNECTION", None)
    if not local:
        os.environ["SSH_CONNECTION"] = "192.0.2.1 50000 192.0.2.2 22"
    print(f"{'size':>8}  {'view':14}  bytes/s")
    for columns, rows in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "workspace"
            with open_workspace(init_workspace(root)) as workspace:
                make_run(workspace, "20250615-100000-aaaa", steps=96)
                writer = Writer(workspace.runs_dir / "20250615-110000-bbbb")
            (root / "finetui.toml").write_text(SETTINGS, "utf-8")
            writer.start()
            terminal = Terminal(
                sys.executable, "-m", "tui", "--workspace", str(root), columns=columns, rows=rows
            )
            try:
                terminal.until("Sources")
                terminal.type("4")
                terminal.until("run bbbb")
                for name, key in VIEWS:
                    terminal.type(key)
                    found = rate(terminal, seconds)
                    print(f"{columns:>4}x{rows:<3}  {name:14}  {found:7,.0f}", flush=True)
                    terminal.type(key)
                writer.end()
                found = rate(terminal, seconds / 2)
                print(f"{columns:>4}x{rows:<3}  {'ended':14}  {found:7,.0f}", flush=True)
            finally:
                terminal.close()


if __name__ == "__main__":
    main()
