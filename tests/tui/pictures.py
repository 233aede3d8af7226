"""Pictures of one app at both sizes: it is started once, and resized between them.

A test takes the fixture ``snap_sizes`` (see ``tests/tui/conftest.py``) and calls it with an
app and with what is done in it::

    def test_sources(filled: Workspace, snap_sizes: SnapSizes) -> None:
        snap_sizes(FinetuiApp(filled), reach("sources", shows="vault"))

Each picture is compared with ``__snapshots__/FILE/TEST[80x24].svg`` or ``[160x45]``, of a test
with parameters ``TEST[parameters-80x24].svg``; after a
change that is meant, look at the report and write them anew with ``pytest --snapshot-update``.
"""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import pytest
from pytest_textual_snapshot import (
    PseudoApp,
    PseudoConsole,
    SVGImageExtension,
    node_to_report_path,
)
from rich.console import Console
from syrupy.assertion import SnapshotAssertion
from textual.app import App
from textual.geometry import Size
from textual.pilot import Pilot

from tests.tui.support import LARGE, SMALL, wait_until

Step = Callable[[Pilot[Any]], Awaitable[None]]
SizedStep = Callable[[Pilot[Any], tuple[int, int]], Awaitable[None]]


class SizedPicture(SVGImageExtension):  # type: ignore[misc]
    """Pictures of a test with parameters, named as if the size were one of them."""

    @classmethod
    def get_snapshot_name(cls, **place: Any) -> str:
        """Return the name of a picture's file, without its suffix."""
        return str(super().get_snapshot_name(**place)).replace("][", "-")


class SnapSizes(Protocol):
    """Takes a picture of an app at each size, and compares them with those on the disk."""

    def __call__(
        self,
        app: App[Any],
        reach: Step | None = None,
        at: SizedStep | None = None,
        *,
        sizes: Sequence[tuple[int, int]] = (SMALL, LARGE),
    ) -> None:
        """Compare the pictures of an app.

        Args:
            app: The app, not yet started.
            reach: Done once, at the first of the sizes.
            at: Done at each size, before its picture: waits for what is to be seen there, or
                presses the keys that only this size needs.
            sizes: Columns and rows. Take the large one first where the small one needs keys
                of its own, such as the one that swaps folded panes.
        """


def snap_at_sizes(snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> SnapSizes:
    """Return what the fixture ``snap_sizes`` gives to a test."""
    snapshot = snapshot.use_extension(SizedPicture)

    def compare(
        app: App[Any],
        reach: Step | None = None,
        at: SizedStep | None = None,
        *,
        sizes: Sequence[tuple[int, int]] = (SMALL, LARGE),
    ) -> None:
        wrong = []
        for (width, height), picture in zip(sizes, _pictures(app, reach, at, sizes), strict=True):
            size = f"{width}x{height}"
            if not _matches(snapshot, request, size, picture):
                wrong.append(size)
        assert not wrong, f"the pictures at {' and '.join(wrong)} differ; see the report"

    return compare


def _pictures(
    app: App[Any], reach: Step | None, at: SizedStep | None, sizes: Sequence[tuple[int, int]]
) -> list[str]:
    """Run the app, and return it as SVG at each size."""
    taken: list[str] = []

    async def drive(pilot: Pilot[Any]) -> None:
        for number, size in enumerate(sizes):
            if number:
                await pilot.resize_terminal(*size)
                await wait_until(pilot, lambda size=size: app.screen.size == Size(*size))  # type: ignore[misc]
            elif reach is not None:
                await reach(pilot)
            if at is not None:
                await at(pilot, size)
            await pilot.wait_for_scheduled_animations()
            await pilot.pause()
            await pilot.wait_for_scheduled_animations()
            taken.append(app.export_screenshot(title=app.title, simplify=True))
        app.exit()

    app.run(headless=True, auto_pilot=drive, size=sizes[0])
    return taken


def _matches(
    snapshot: SnapshotAssertion, request: pytest.FixtureRequest, size: str, picture: str
) -> bool:
    """Compare a picture with the one on the disk, and leave both for the HTML report."""
    kept = snapshot(name=size)
    same = bool(kept == picture)
    there = kept.executions[kept.num_executions - 1].recalled_data
    path, line, name = request.node.reportinfo()
    report = node_to_report_path(request.node)
    shown = PseudoApp(PseudoConsole(False, Console().size))
    report.with_name(f"{report.name}_{size}").write_bytes(
        pickle.dumps(
            (same, str(there), picture, shown, path, line, f"{name}[{size}]", "", "", bool(there))
        )
    )
    return same
