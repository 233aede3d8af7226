"""Install finetui into the environment that runs this script: its first part, or all of it.

The work is done by `engine.setup`, which `finetui doctor --fix` calls as well. Shows what goes
on, and can be run again after an interruption: what went before is kept.
"""

from __future__ import annotations

import argparse
import compileall
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # finetui is not installed yet

from engine.setup import CORE, PARTS, Place, install_here, want  # noqa: E402
from engine.setup.job import complete  # noqa: E402
from engine.setup.parts import UNSLOTH, Part  # noqa: E402
from engine.setup.pip import PipFailed  # noqa: E402

BUILD = ("hatchling", "editables")
"""What installs the checkout itself: without isolation, so that nothing is fetched again."""


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def stop(reason: str) -> None:
    """End with what went wrong."""
    sys.exit(
        f"\n{reason}\nThe installation stopped; what went before is kept. The same command goes on."
    )


def install_first() -> bool:
    """Install what the app opens with, and the command `finetui`.

    Returns:
        Whether it is up to date; False where an installation is under way that must not be
        waited for: the app opens with what is there.
    """
    place = Place()
    if place.busy() and complete(CORE, place.packages()) and "finetui" in place.packages():
        say("The rest is being installed still; finetui opens meanwhile.")
        return False
    say("Installing finetui: first what the app opens with, about a minute.")
    want(keep=False)
    failures = install_here(parts=[CORE], more=BUILD, echo=say)
    if failures:
        stop(next(iter(failures.values())))
    # The checkout itself: `finetui` works from any folder, and follows what is edited here.
    editable = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    install_here(parts=[], more=editable, echo=say)
    # As pip does for what it installs: the first start is as quick as those after it.
    for package in ("engine", "tui", "styles"):
        compileall.compile_dir(ROOT / package, quiet=2)
    return True


def install_rest() -> None:
    """Install all that is lacking, here, and wait for it."""
    say("Installing the rest: PyTorch is large (with CUDA libraries, several GB), and llama.cpp is")
    say("compiled. This happens once.")
    failures = install_here(parts=PARTS, echo=say)
    if failures:
        stop("; ".join(dict.fromkeys(failures.values())))
    say("\nfinetui is installed.")


def install_extra(extra: str) -> None:
    """Install one of the extras of pyproject.toml."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = metadata["project"]["optional-dependencies"][extra]
    parts: list[Part] = []
    if Place().packages().get("torch", "").endswith("+cpu"):
        parts = [UNSLOTH]
        wanted = [text for text in wanted if not text.startswith("unsloth")]
    say(f"\nInstalling what {extra} needs")
    failures = install_here(parts=parts, more=wanted, echo=say)
    if failures:
        stop("; ".join(dict.fromkeys(failures.values())))


def main() -> None:
    """Install the first part, the rest, or an extra."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--first", action="store_true", help="Only what the app opens with.")
    what.add_argument("--extra", choices=["train", "dev"], default="", help="What an extra adds.")
    parser.add_argument("--stamp", type=Path, help="A file that is touched at the end.")
    chosen = parser.parse_args()
    try:
        done = True
        if chosen.extra:
            install_extra(chosen.extra)
        elif chosen.first:
            done = install_first()
        else:
            install_rest()
        if done and chosen.stamp:
            chosen.stamp.parent.mkdir(exist_ok=True)
            chosen.stamp.touch()
    except PipFailed as failed:
        stop(failed.reason)
    except KeyboardInterrupt:
        stop("interrupted")


if __name__ == "__main__":
    main()
