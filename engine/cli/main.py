"""The ``finetui`` command.

Verbs live in modules of this package and are imported when they are called, so
that ``finetui --help`` and the terminal app start without what other verbs need.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import click

from engine import __version__
from engine.cli.endings import begin, ended, finish
from engine.failures import require_address_space

# verb -> (module, attribute, one line of help). The help stands here so that
# `finetui --help` imports no verb.
VERBS: dict[str, tuple[str, str, str]] = {
    "init": ("engine.cli.workspace", "init", "Make a workspace."),
    "doctor": ("engine.cli.doctor", "doctor", "Say what is installed, and fix what is not."),
    "settings": ("engine.cli.workspace", "settings", "List every setting and its value."),
    "trust": ("engine.cli.trust", "trust", "Trust a workspace that somebody else made."),
    "demo": ("engine.cli.demo", "demo", "Try the whole loop on bundled notes."),
    "sources": ("engine.cli.sources", "sources", "Add, scan, list, detect and remove sources."),
    "examples": ("engine.cli.examples", "examples", "List, show and search examples."),
    "curate": ("engine.cli.curate", "curate", "Decide examples one by one, on plain lines."),
    "decide": ("engine.cli.curate", "decide", "Approve, reject, skip or undo by id."),
    "edit": ("engine.cli.curate", "edit", "Edit an example's text."),
    "journal": ("engine.cli.journal", "journal", "List and verify the decisions."),
    "questions": (
        "engine.cli.compose",
        "questions",
        "Let a model write the questions of your notes.",
    ),
    "synthetic": (
        "engine.cli.synthetic",
        "synthetic",
        "Templates of synthetic data, and model-written examples.",
    ),
    "check": ("engine.cli.check", "check", "Find what should not be in the data."),
    "redact": ("engine.cli.check", "redact", "Replace secrets and personal data."),
    "dedup": ("engine.cli.dedup", "dedup", "Find near-duplicates."),
    "dataset": ("engine.cli.dataset", "dataset", "Freeze, export, preview and describe datasets."),
    "bases": ("engine.cli.bases", "bases", "List, add and show base models."),
    "fit": ("engine.cli.fit", "fit", "Say whether a run will fit, by part."),
    "train": ("engine.cli.train", "train", "Start a training run."),
    "runs": ("engine.cli.runs", "runs", "List, follow, stop and compare runs."),
    "export": ("engine.cli.export", "export", "Merge a run and write its GGUF."),
    "ollama": ("engine.cli.ollama", "ollama", "Give an export to Ollama, or say how."),
    "serve": ("engine.cli.serve", "serve", "Serve a model to other programs."),
    "reload": ("engine.cli.serve", "reload", "Give the running server another model."),
    "chat": ("engine.cli.chat", "chat", "Ask base and tuned side by side."),
    "compare": ("engine.cli.compare", "compare", "Base against tuned on a file of prompts."),
    "votes": ("engine.cli.compare", "votes", "What the blind votes say."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, attribute, _ = VERBS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, help_line) for verb, (_, _, help_line) in VERBS.items()])


OpenApp = Callable[[Path | None], int]


@click.group(cls=_LazyGroup, invoke_without_command=True)
@click.version_option(__version__, prog_name="finetui")
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    default=None,
    help="The folder of the workspace that the app opens.",
)
@click.pass_context
def cli(ctx: click.Context, workspace: Path | None) -> None:
    """Turn your own words into a model that is yours, and learn whether it is better.

    Without a verb the terminal app opens, on the nearest workspace.
    """
    if ctx.invoked_subcommand is None:
        ctx.exit(open_app(ctx, workspace))


def open_app(ctx: click.Context, workspace: Path | None, *, make: bool = False) -> int:
    """Open the terminal app that the front end handed in, where there is a terminal.

    Args:
        ctx: The command's context, whose root carries what opens the app.
        workspace: The workspace's folder; None takes the nearest or default one.
        make: Whether the workspace is made if it is not there.

    Returns:
        The app's exit status; 2 where there is no terminal.
    """
    opener: OpenApp | None = ctx.find_root().obj
    if opener is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(
            "finetui: this is not a terminal, so the app can't open.\n"
            "  hint: run the whole loop without one with: finetui demo --headless DIR\n"
            "        or see the verbs with: finetui --help",
            err=True,
        )
        return 2
    if make and workspace is not None:
        from engine.workspace import init_workspace

        workspace = init_workspace(workspace)
    return opener(workspace)


def main(arguments: list[str] | None = None, *, opener: OpenApp | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words after the command's name; the process's own by default.
        opener: Opens the terminal app on a workspace. The engine knows no screen,
            so the front end hands its own in.

    Returns:
        The exit status: 0 done, 1 a named failure, 2 wrong usage, 130 interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    begin()
    try:
        require_address_space(arguments)
        result = cli.main(args=arguments, prog_name="finetui", standalone_mode=False, obj=opener)
    except SystemExit as error:
        return finish(error.code if isinstance(error.code, int) else 1)
    except BaseException as error:
        return finish(ended(error, as_json="--json" in arguments))
    return finish(result if isinstance(result, int) else 0)
