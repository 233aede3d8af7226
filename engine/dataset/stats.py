"""Numbers about a dataset, frozen or as it would be frozen now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.bases import Base
from engine.dataset.draft import DatasetOptions, Progress, draft, quiet
from engine.dataset.frozen import load
from engine.dataset.gate import Checked, check
from engine.models import Turn
from engine.tokens import Tokenizer
from engine.workspace import Workspace

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar of a histogram: how many rows are from ``low`` to below ``high`` long."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, slots=True)
class DatasetStats:
    """Numbers about a dataset. Tokens are those of one base; without a base they are 0.

    Args:
        name: The dataset's name; empty for the approved examples as they are.
        train: Rows to train on.
        validation: Rows held out.
        duplicates: Copies that were left out.
        refused: Rows that the gate refused, by code.
        turns: Messages in all rows.
        question_chars: Average length of a question, in characters.
        answer_chars: Average length of an answer, in characters.
        row_tokens: Average length of a row, in tokens.
        longest_tokens: The longest row, in tokens.
        trained_tokens: Tokens that carry loss, in the rows to train on.
        held_out_tokens: The same in the held-out rows.
        truncated: Rows that are cut at the longest length.
        kinds: Rows by kind of example, the commonest first.
        tags: Rows by tag, the commonest first.
        histogram: Rows by length.
        unit: What the histogram counts: "tokens" or "characters".
    """

    name: str
    train: int
    validation: int
    duplicates: int
    refused: Mapping[str, int]
    turns: int
    question_chars: float
    answer_chars: float
    row_tokens: float
    longest_tokens: int
    trained_tokens: int
    held_out_tokens: int
    truncated: int
    kinds: Mapping[str, int]
    tags: Mapping[str, int]
    histogram: tuple[Bin, ...]
    unit: str

    @property
    def rows(self) -> int:
        """How many rows there are on both sides."""
        return self.train + self.validation


def stats(
    workspace: Workspace,
    name: str = "",
    *,
    base: Base | None = None,
    options: DatasetOptions | None = None,
    progress: Progress = quiet,
) -> DatasetStats:
    """Return numbers about a frozen dataset, or about the approved examples.

    Args:
        workspace: Where they are.
        name: The dataset; empty means the approved examples as a freeze would take them now.
        base: The base to count tokens for.
        options: For approved examples: the freeze's options; the settings' by default.
            For a frozen dataset only ``max_length`` counts, and its own holds by default.
        progress: Called with rows looked at and in total.

    Raises:
        DatasetMissing: There is no such dataset.
        NothingApproved: No example is approved.
        DatasetRefused: The dataset was changed after the freeze, or can't be divided.
    """
    if not name:
        made = draft(
            workspace, base=base, options=options or default_options(workspace), progress=progress
        )
        return summarise(
            made.train,
            made.validation,
            duplicates=made.duplicates,
            refused=made.refused_by_code,
            unit="tokens" if base else "characters",
        )
    frozen = load(workspace, name)
    max_length = options.max_length if options else frozen.manifest["settings"]["max_length"]
    tokenizer = Tokenizer.load(base.directory) if base else None
    train, validation = frozen.train_rows(), frozen.validation_rows()
    checked: list[Checked] = []
    for number, row in enumerate((*train, *validation), 1):
        checked.append(check(row, tokenizer, max_length))
        progress(number, len(train) + len(validation))
    return summarise(
        checked[: len(train)],
        checked[len(train) :],
        name=name,
        duplicates=frozen.manifest["counts"]["duplicates"],
        refused=frozen.manifest["counts"]["refused"],
        unit="tokens" if base else "characters",
    )


def default_options(workspace: Workspace) -> DatasetOptions:
    """Return the options of a freeze as the workspace's settings have them."""
    settings = workspace.settings.dataset
    return DatasetOptions(
        validation_fraction=settings.validation_fraction,
        seed=settings.seed,
        system_prompt=settings.system_prompt,
        max_length=None,
    )


def summarise(
    train: Sequence[Checked],
    validation: Sequence[Checked],
    *,
    name: str = "",
    duplicates: int = 0,
    refused: Mapping[str, int],
    unit: str,
) -> DatasetStats:
    """Return numbers about rows that were looked at.

    Args:
        train: Rows to train on.
        validation: Rows held out.
        name: The dataset's name, if it has one.
        duplicates: Copies that were left out before.
        refused: Rows that were left out before, by code.
        unit: "tokens" where tokens were counted, else "characters".
    """
    both = [*train, *validation]
    turns = [turn for one in both for turn in one.row.turns]
    lengths = [one.tokens if unit == "tokens" else _chars(one.row.turns) for one in both]
    kinds = Counter(str(one.row.metadata.get("kind", "")) for one in both)
    tags = Counter(tag for one in both for tag in one.row.metadata.get("tags", ()))
    return DatasetStats(
        name=name,
        train=len(train),
        validation=len(validation),
        duplicates=duplicates,
        refused=refused,
        turns=len(turns),
        question_chars=_average([len(turn.content) for turn in turns if turn.role == "user"]),
        answer_chars=_average([len(turn.content) for turn in turns if turn.role == "assistant"]),
        row_tokens=_average([one.tokens for one in both]),
        longest_tokens=max((one.tokens for one in both), default=0),
        trained_tokens=sum(one.trained for one in train),
        held_out_tokens=sum(one.trained for one in validation),
        truncated=sum(one.truncated > 0 for one in both),
        kinds=dict(kinds.most_common()),
        tags=dict(tags.most_common()),
        histogram=histogram(lengths),
        unit=unit,
    )


def _chars(turns: Sequence[Turn]) -> int:
    return sum(len(turn.content) for turn in turns)


def _average(values: Sequence[int]) -> float:
    return sum(values) / len(values) if values else 0.0


def histogram(values: Sequence[int], bins: int = BINS) -> tuple[Bin, ...]:
    """Count values in up to ``bins`` bars of one width, a round number, from the least up."""
    if not values:
        return ()
    spread = max(values) - min(values) + 1
    width = _round_width(-(-spread // bins))
    first = min(values) // width
    counts = Counter(value // width for value in values)
    return tuple(
        Bin(bar * width, (bar + 1) * width, counts[bar])
        for bar in range(first, max(values) // width + 1)
    )


def _round_width(least: int) -> int:
    """Return the least of 1, 2, 5, 10, 20, 50, … that is not below ``least``."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= least:
                return step * power
        power *= 10
