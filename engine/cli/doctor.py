"""The verb ``doctor``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from engine.cli.common import common_options, print_json, say
from engine.text import inert

_SIGNS = {"ok": "✓", "note": "·", "missing": "✗"}


@click.command()
@click.option("--fix", is_flag=True, help="Install what is missing first; nothing else changes.")
@common_options
@click.pass_context
def doctor(ctx: click.Context, fix: bool, workspace: Path | None, as_json: bool) -> None:
    """Say what is installed, which trainer and GPU will be used, and what to fix.

    Exits with 1 where something that finetui needs is missing.
    """
    from engine.doctor import examine

    if fix:
        from engine import setup

        setup.fix(echo=lambda line: click.echo(inert(line), err=True))

    findings = examine(workspace)
    missing = [finding for finding in findings if finding.grade == "missing"]
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings], "ok": not missing})
    else:
        group = ""
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            if finding.group != group:
                group = finding.group
                say(("" if group == findings[0].group else "\n") + group)
            say(f"  {_SIGNS[finding.grade]} {finding.name.ljust(width)}  {finding.value}")
            if finding.fix:
                say(f"    {' ' * width}  fix: {finding.fix}")
        say("")
        say("nothing is missing" if not missing else f"{len(missing)} missing")
    ctx.exit(1 if missing else 0)
