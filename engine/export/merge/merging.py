"""A merge from the check of what is given to the finished directory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.bases.locate import shown
from engine.errors import ExportError
from engine.export.merge.adapter import read_weights
from engine.export.merge.original import check_original
from engine.export.merge.plan import NotKnown
from engine.export.merge.whole import Report, write_whole
from engine.export.merge.write import NotFinite, Tell


def merge(
    base: Path,
    out: Path,
    *,
    adapter: Path | None = None,
    template: Path | None = None,
    trained_on: Path | None = None,
    halves: bool = False,
    durable: bool = True,
) -> Report:
    """Write the merged model as a Hugging Face directory, which appears whole or not at all.

    Args:
        base: The base model's directory.
        out: The new directory; it must not be there.
        adapter: The adapter's directory; None writes the base with plain weights.
        template: A chat template for a base that has none of its own.
        trained_on: The packed base that was trained on, where ``base`` is its original in 16
            bits; the tokenizer is the one of that.
        halves: Whether layers are written as float16, for a converter that makes them that; where
            a number is too large for it, they are as the base stores them.
        durable: Whether the directory is flushed to the disk, which one that is read once need
            not be.

    Raises:
        AdapterInvalid: The adapter is damaged.
        AdapterMismatch: It does not fit the base.
        BaseInvalid: The base is damaged.
        ExportError: ``base`` is not the original, or a merged number is not finite.
    """
    if trained_on is not None:
        print(f"check that {shown(base)} is the original", flush=True)
        check_original(base, trained_on)
    weights = None
    if adapter is not None:
        print("read the adapter", flush=True)
        weights = read_weights(adapter)
    tokenizer = trained_on or base
    print("merge the adapter" if adapter else "write plain weights", flush=True)
    write = partial(
        write_whole,
        base,
        out,
        weights,
        tokenizer=tokenizer,
        template=template,
        tell=_teller(),
        durable=durable,
    )
    try:
        report = _in_halves(write) if halves else write()
    except NotKnown as odd:
        assert adapter is not None
        assert weights is not None
        print(f"merging by peft, in memory: {odd}", flush=True)
        from engine.export.merge.by_peft import merge_by_peft

        report = merge_by_peft(base, out, adapter, tokenizer=tokenizer, template=template)
    for note in report.notes:
        print(note, flush=True)
    if adapter is not None and not report.changed:
        raise ExportError(
            f"the adapter in {shown(adapter)} changes no tensor of the base",
            hint="choose the adapter's own base, or train again",
        )
    return report


def _in_halves(write: Callable[..., Report]) -> Report:
    try:
        return write(halves=True)
    except NotFinite as error:
        print(f"again, as the base stores them: {error.message}", flush=True)
        return write()


def _teller() -> Tell:
    """Return what prints how far the writing is, at each new percent."""
    last = -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        percent = 100 * done // max(1, total)
        if percent != last:
            last = percent
            print(f"written {done} of {total} bytes", flush=True)

    return tell
