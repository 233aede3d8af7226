"""What a freeze would hold, before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.bases import Base
from engine.child import never
from engine.dataset import near as near_step
from engine.dataset.candidates import Candidate, approved, sift
from engine.dataset.gate import Checked, Refusal, check, secrets_version
from engine.dataset.groups import Grouping, group
from engine.dataset.history import History, history
from engine.dataset.holdout import Holdout, hold_out
from engine.dataset.metadata import Metadata, metadata_of
from engine.dataset.near import NearDuplicates
from engine.dataset.notices import (
    Notice,
    about_conflicts,
    about_contents,
    about_groups,
    about_labels,
    about_metadata,
    about_paraphrases,
    about_sizes,
)
from engine.dataset.options import DatasetOptions
from engine.dataset.placing import place, representatives
from engine.dataset.split import SIDES, Side
from engine.errors import DatasetRefused
from engine.quality.checks import make, options_of
from engine.quality.fields import CHECKED_BY
from engine.similarity.levels import misses_paraphrases
from engine.store import Store
from engine.tokens import Tokenizer
from engine.workspace import Workspace

__all__ = ["Cut", "DatasetOptions", "Draft", "Progress", "draft", "quiet", "refused"]

Progress = Callable[[int, int], None]
_NAMED = 5
_CHECKS = ("language", "app-text", "quality", "safety", "personal")


def quiet(done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A row that is cut off at the longest length, and what that costs in tokens."""

    example_id: str
    side: Side
    tokens: int
    trained: int
    kept_trained: int


@dataclass(frozen=True, slots=True)
class Draft:
    """Approved examples, checked and divided.

    Args:
        options: What it was made with.
        base: The base that tokens were counted for, if any.
        train: Rows to train on.
        validation: Rows that are held out.
        approved: How many examples are approved.
        duplicates: How many were left out as copies of an earlier one.
        refusals: What the gate refused.
        test: Rows that are held out for the end.
        left_out: How many rows each filter left out; "deduplicate" and "holdout" among them.
        held_back: Ids of rows that are left out for the holdout files, and why:
            "equal", "near", or "group" of one of these.
        holdout_names: What the holdout files are called in the manifest.
        grouping: Which rows belong together; its places count the rows that passed, in order.
        near: What is known of near-duplicates.
        earlier: The datasets whose sides the rows keep.
        decisions: Example and text of each approved example, sorted.
        notices: What to know before trusting its numbers.
        sources: The kind of each source, by id.
        checks: The versions of the checks that looked at rows, by the check's name.
    """

    options: DatasetOptions
    base: Base | None
    train: tuple[Checked, ...]
    validation: tuple[Checked, ...]
    approved: int
    duplicates: int
    refusals: tuple[Refusal, ...]
    test: tuple[Checked, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    held_back: Mapping[str, str] = field(default_factory=dict)
    holdout_names: tuple[str, ...] = ()
    grouping: Grouping = Grouping(())  # noqa: RUF009 - it is frozen
    near: NearDuplicates | None = None
    earlier: tuple[str, ...] = ()
    decisions: tuple[tuple[str, str], ...] = ()
    notices: tuple[Notice, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sides(self) -> dict[Side, tuple[Checked, ...]]:
        """The rows by side; test is there only where it has some."""
        sides: dict[Side, tuple[Checked, ...]] = {
            "train": self.train,
            "validation": self.validation,
        }
        if self.test:
            sides["test"] = self.test
        return sides

    @property
    def refused_by_code(self) -> dict[str, int]:
        """How many rows the gate refused, by reason's code."""
        return dict(sorted(Counter(refusal.code for refusal in self.refusals).items()))

    @property
    def allowed_secrets(self) -> dict[str, tuple[str, ...]]:
        """Secrets that were let through by name: codes by the example's id."""
        rows = (one for side in self.sides.values() for one in side)
        return {one.row.id: one.secrets for one in rows if one.secrets}

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Rows that are cut off, those that lose the most trained tokens first."""
        return cuts_of(self.sides)


def cuts_of(sides: Mapping[Side, Sequence[Checked]]) -> tuple[Cut, ...]:
    """Return the rows that are cut off, those that lose the most trained tokens first."""
    found = [
        Cut(one.row.id, side, one.truncated, one.lost, one.trained)
        for side, rows in sides.items()
        for one in rows
        if one.truncated
    ]
    return tuple(sorted(found, key=lambda cut: (-cut.trained, -cut.tokens, cut.example_id)))


def draft(
    workspace: Workspace,
    *,
    base: Base | None,
    options: DatasetOptions,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> Draft:
    """Check and divide the approved examples.

    Nothing is written but numbers of placeholders that metadata needs and, if asked for,
    embeddings.

    Args:
        workspace: Where they are.
        base: The base to count tokens for; without it, only what needs no tokens is checked.
        options: What decides the dataset.
        progress: Called with what is done and what there is, in each step anew: texts to
            embed if need be, then rows to check.
        cancelled: Asked several times a second, while near-duplicates are looked for, to stop.

    Raises:
        NothingApproved: No example is approved.
        DatasetRefused: What passes the gate and the filters can't be divided, or rows were
            never checked for what a filter asks for.
        SourceError: A holdout file can't be read.
        UsageError: The options can't be meant.
        Cancelled: It was stopped.
    """
    options.check()
    space, reason = "", ""
    if options.near_duplicates == "now" and workspace.store.counts().approved:
        space, reason = near_step.refresh(
            workspace, options, progress=progress, cancelled=cancelled
        )
    # After that: it marks examples.
    metadata = _metadata(workspace, options)
    found = approved(workspace.store, options.system_prompt, metadata)
    kept, left_out = sift(found.candidates, options)
    passed, looked, refusals = _gated(kept, base, options, progress)
    if not passed:
        raise refused(refusals)
    near = near_step.known(workspace.store, passed, options, space=space, reason=reason)
    before = history(workspace, options)
    if options.deduplicate:
        passed, left_out["deduplicate"] = representatives(passed, near.clusters, before)
    grouping = group(passed, near.clusters, same_question=options.same_question)
    holdout = hold_out(
        passed,
        grouping,
        options,
        near,
        name_of=metadata.file_name,
        progress=progress,
        cancelled=cancelled,
    )
    if holdout.held_back:
        left_out["holdout"] = len(holdout.held_back)
        passed = [one for one in passed if one.row.id not in holdout.held_back]
        if not passed:
            raise DatasetRefused(
                "the holdout files leave nothing to train on: every row equals one of theirs, "
                "is near it, or belongs to one that is",
                hint="approve more examples, or name another file",
            )
        grouping = group(passed, near.clusters, same_question=options.same_question)
    sides = place(passed, grouping, options, before)
    looks = [looked[one.row.id] for one in passed]
    by_side: dict[Side, tuple[Checked, ...]] = {
        side: tuple(one for one, its in zip(looks, sides, strict=True) if its == side)
        for side in SIDES
    }
    if options.holdout:
        by_side["test"] = tuple(_external(holdout, base, options))
    made = Draft(
        options=options,
        base=base,
        train=by_side["train"],
        validation=by_side["validation"],
        test=by_side["test"],
        approved=found.total,
        duplicates=found.duplicates,
        refusals=refusals,
        left_out=left_out,
        held_back=holdout.held_back,
        holdout_names=holdout.names,
        grouping=grouping,
        near=near,
        earlier=before.datasets,
        decisions=found.decisions,
        sources={source.id: source.kind for source in workspace.store.sources()},
        checks=_versions(workspace.store, passed),
    )
    notices = (
        *about_conflicts(found.in_conflict),
        *_notices(made, near, before, holdout),
        *about_metadata(metadata.tally),
    )
    return replace(made, notices=notices)


def _metadata(workspace: Workspace, options: DatasetOptions) -> Metadata:
    """Return what makes the rows' metadata, by the checks of the workspace's settings."""
    made, _ = options_of(workspace, CHECKED_BY)
    return metadata_of(workspace.store, make(made), options.allow_secrets)


def _gated(
    candidates: Sequence[Candidate],
    base: Base | None,
    options: DatasetOptions,
    progress: Progress,
) -> tuple[list[Candidate], dict[str, Checked], tuple[Refusal, ...]]:
    """Return the rows that pass, what they are in tokens by id, and what is refused."""
    tokenizer = Tokenizer.load(base.directory) if base else None
    passed, looked, refusals = [], {}, []
    for number, one in enumerate(candidates, 1):
        look = check(one.row, tokenizer, options.max_length, options.allow_secrets)
        if look.refusal is not None:
            refusals.append(look.refusal)
        else:
            passed.append(one)
            looked[one.row.id] = replace(
                look,
                language=one.language,
                quality=one.quality,
                # Those in its metadata are not in what is written of it.
                flags=tuple(sorted({f"{f.kind}:{f.code}" for f in one.flags if not f.place})),
                checked=one.checked,
            )
        progress(number, len(candidates))
    return passed, looked, tuple(refusals)


def _versions(store: Store, rows: Sequence[Candidate]) -> dict[str, tuple[str, ...]]:
    """Return which versions of the checks looked at rows, the gate's own among them."""
    places = {one.position for one in rows}
    found: dict[str, tuple[str, ...]] = {"gate": (secrets_version(),)}
    for name in _CHECKS:
        versions = {version for at, version in store.check_versions(name).items() if at in places}
        if versions:
            found[name] = tuple(sorted(versions))
    return found


def _external(holdout: Holdout, base: Base | None, options: DatasetOptions) -> Iterable[Checked]:
    tokenizer = Tokenizer.load(base.directory) if base else None
    for row in holdout.rows:
        look = check(row, tokenizer, options.max_length, None)
        # A test row that this base can't take is a test row of another base.
        yield replace(look, refusal=None)


def _notices(
    made: Draft, near: NearDuplicates, before: History, holdout: Holdout
) -> Iterable[Notice]:
    rows = [*made.train, *made.validation, *(() if made.options.holdout else made.test)]
    yield from about_sizes(made.options, made.sides, made.grouping)
    yield from about_groups(made.grouping)
    yield from about_labels(made.sides, made.options.validation_fraction)
    if not near.checked:
        yield Notice("near-duplicates", f"near-duplicates are not known: {near.reason}")
    elif misses_paraphrases(near.threshold, made.options.model):
        yield about_paraphrases(near.threshold, near.level)
    held_out = [*made.validation, *made.test]
    again = sum(one.row.id in before.trained for one in held_out)
    if again:
        yield Notice(
            "trained-before",
            f"{again:,} of {len(held_out):,} rows held out now were trained on in an earlier "
            "dataset: models of that one can't be judged by them",
        )
    yield from holdout.notices
    yield from about_contents(rows)


def refused(refusals: tuple[Refusal, ...]) -> DatasetRefused:
    """Return the error that names what the gate refused."""
    named = "; ".join(f"{one.example_id}: {one.reason} [{one.code}]" for one in refusals[:_NAMED])
    more = f"; and {len(refusals) - _NAMED} more" if len(refusals) > _NAMED else ""
    count = f"{len(refusals)} approved example{'s' if len(refusals) != 1 else ''}"
    hint = "edit or reject them, or leave them out with --drop-refused"
    if any(one.code == "secret" for one in refusals):
        hint += "; a secret that is none is let through by name, with --allow-secret"
    return DatasetRefused(f"{count} can't be trained on: {named}{more}", hint=hint)
