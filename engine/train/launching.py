"""The moment a run begins: its seat on the device, its process, or its place in the queue."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from engine.errors import DeviceBusy
from engine.runs import launch
from engine.runs.queue import enqueue
from engine.runs.seats import PROCESSOR, occupant, seated, take_seat, this_device, turn
from engine.telemetry import Gpu
from engine.train.devices import environment

RECIPE = "engine.train.recipe"
DATASET_DIR = "dataset"


def begin(
    directory: Path,
    cards: tuple[Gpu, ...],
    *,
    resume: bool = False,
    checkpoint: str = "",
    queue: bool = False,
    force: bool = False,
) -> None:
    """Start the process of a run whose folder is ready, or put the run into the queue.

    Args:
        directory: The run's folder.
        cards: The machine's GPUs.
        resume: Whether it goes on from a checkpoint.
        checkpoint: Which one; empty takes the newest that is whole.
        queue: Wait for the device behind the runs that are there already.
        force: See :func:`engine.runs.launch`.

    Raises:
        RunActive: It runs already.
        DeviceBusy: Another run holds the GPU.
        RunFailed: The process could not be started.
    """
    if queue:
        enqueue(
            directory,
            RECIPE,
            resume=resume,
            checkpoint=checkpoint,
            environment=environment(os.environ),
            force=force,
        )
        return
    arguments = ["resume", *([f"--from={checkpoint}"] if checkpoint else [])] if resume else []
    with _seat(directory, cards) as keep:
        launch(
            directory,
            RECIPE,
            arguments,
            environment=environment(os.environ),
            force=force,
            keep=keep,
        )


@contextlib.contextmanager
def _seat(directory: Path, cards: tuple[Gpu, ...]) -> Iterator[tuple[int, ...]]:
    """Hold a seat of the device for a run, so that those in the queue see that it computes.

    A GPU has one seat. On the processor runs may share, at their person's wish.

    Raises:
        DeviceBusy: Another run holds the GPU.
    """
    device = this_device(cards)
    seat = None
    try:
        with turn(device):
            taken = occupant(device)
            if taken and device != PROCESSOR:
                raise device_busy(cards[0], taken)
            seat = take_seat(device, directory)
    except OSError:
        yield ()  # without a state folder nothing keeps runs apart, as the run itself will say
        return
    try:
        yield (seat,)
    finally:
        os.close(seat)


def beside() -> list[str]:
    """Return the ids of runs that compute on this machine's device now."""
    return [path.name for path in seated(this_device())]


def device_busy(card: Gpu, owner: str) -> DeviceBusy:
    """Return the refusal to start on a GPU that another run holds.

    Args:
        card: The GPU.
        owner: The run's id or folder.
    """
    return DeviceBusy(
        f"{card.name} is used by the run {owner}",
        hint="wait for it in the queue with --queue, or stop it first",
    )
