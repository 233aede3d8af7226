"""Deduplication: links and marks brought up to date with a workspace's examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.child import Progress, never, quiet
from engine.errors import UsageError
from engine.models import Flag, Found, Link, LinkWhat
from engine.similarity.cache import VectorCache, cache_file
from engine.similarity.encoder import locate, model_name
from engine.similarity.levels import DEFAULT_LEVEL, Nearness, level_of, threshold_of
from engine.similarity.linkage import EXACT_LIMIT, FLOOR, OFF_TOPIC
from engine.similarity.linking import Tables, link
from engine.similarity.marks import Group, counted, flags, grouped
from engine.similarity.names import EMBEDDED
from engine.similarity.reading import WHATS, Reading, Sides, embed_missing, read, unpacked
from engine.similarity.relevance import CODE as OFF_TOPIC_CODE
from engine.similarity.relevance import off_topic as off_topic_flags
from engine.similarity.reports import Cluster, DedupReport, Member
from engine.similarity.vectors import Embedder, space_of
from engine.store import Store
from engine.store.links import USED_LAST
from engine.workspace import Workspace

CHECK = "duplicates"
"""The name under which the store has the flags."""

_OFF_TOPIC_WITH = "off-topic.with"  # the key of what the present marks were made with
_WRITTEN_AT_ONCE = 500
_ROWS_A_TEXT = 50  # comparing so many rows takes about as long as embedding one text


def dedup(
    workspace: Workspace,
    *,
    model: str = "",
    threshold: Nearness = DEFAULT_LEVEL,
    off_topic: float = OFF_TOPIC,
    cache: Path | None = None,
    limit: int = EXACT_LIMIT,
    progress: Progress = quiet,
    cancelled: Callable[[], bool] = never,
) -> DedupReport:
    """Link a workspace's near-duplicates and mark them; nothing is deleted or decided.

    Only what is new or changed since the last run is embedded and compared. Where nothing
    is, no model is loaded. A run that is stopped keeps every vector that it computed.

    Args:
        workspace: The workspace.
        model: An embedding model's folder or name; empty for the embedded one.
        threshold: The level, or the similarity, from which examples are marked.
        off_topic: Which share of other questions must fit an answer better than its own for it
            to be marked; 1 marks none.
        cache: The folder of vectors; the user's where None.
        limit: Up to how many different texts all pairs are compared.
        progress: Called with what is done and what there is, in texts to embed.
        cancelled: Asked between steps whether to stop.

    Raises:
        UsageError: The threshold is not between the floor and 1.
        EmbeddingModelMissing: There is no such model.
        EmbeddingModelInvalid: It can't be loaded, or gives no vectors.
        MemoryShort: There is not the memory for it.
    """
    threshold = threshold_of(threshold, model)
    check_threshold(threshold)
    store = workspace.store
    with Embedder(model, cache) as embedder:
        before = store.linked(embedder.space)
        reading = read(store, before, cancelled)
        if reading is None:
            return DedupReport(cancelled=True)
        update = _Update(store, embedder, reading, before, limit)
        if not update.run(progress, cancelled):
            return DedupReport(embedded=embedder.embedded, cancelled=True)
        if store.get_meta(USED_LAST) != embedder.space:
            store.set_meta(USED_LAST, embedder.space)
        links = store.links(embedder.space)
        groups = _groups(links, threshold, reading, embedder.cache)
        marked = flags(groups, reading)
        made_with = f"{embedder.space}@{off_topic:g}"
        anew = update.needed or store.get_meta(_OFF_TOPIC_WITH) != made_with
        for position, flag in _off_topic(
            store, embedder, reading, off_topic, latin=model_name(model) == EMBEDDED, anew=anew
        ).items():
            marked[position] = (*marked.get(position, ()), flag)
        _write(store, marked, reading, f"{embedder.space}@{threshold:g}")
        if anew:
            store.set_meta(_OFF_TOPIC_WITH, made_with)
        return DedupReport(
            examples=len(reading.sides),
            compared=len(update.changed),
            embedded=embedder.embedded,
            links={what: sum(one.what == what for one in links) for what in WHATS},
            clusters=len(groups["both"]),
            flags=counted(marked.values()),
            model=model_name(model),
            space=embedder.space,
            threshold=threshold,
            level=level_of(threshold, model) or "",
            exact=update.exact,
            unreadable=update.unreadable,
        )


def check_threshold(threshold: float) -> None:
    """Raise unless a threshold can be used.

    Raises:
        UsageError: It is not between the floor and 1.
    """
    if not FLOOR <= threshold <= 1.0:
        raise UsageError(
            f"a threshold of {threshold:g} can't be used",
            hint=f"name one from {FLOOR:g} to 1; links below are not kept",
        )


class _Update:
    """The links of a workspace brought up to date."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        reading: Reading,
        before: Mapping[int, str],
        limit: int,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._reading = reading
        self._limit = limit
        self.changed = reading.changed
        self._gone = [position for position in before if position not in reading.sides]
        self._before: dict[int, Sides] = {}
        new = set(self.changed)
        for position, text in before.items():
            same = position in reading.sides and position not in new
            known = reading.sides[position] if same else unpacked(text)
            if known is not None:
                self._before[position] = known
        self.exact = True
        self.unreadable: dict[str, str] = {}

    @property
    def needed(self) -> bool:
        """Whether anything is new, changed or gone."""
        return bool(self.changed or self._gone)

    def run(self, progress: Progress, cancelled: Callable[[], bool]) -> bool:
        """Embed and compare what changed; False where it was stopped."""
        if not self.needed:
            return True
        sides = self._reading.sides
        cache = self._embedder.cache
        keys = {key for one in sides.values() for key in (one.prompt, one.answer) if key}
        missing = cache.missing(keys)
        comparing = 3 * (1 + len(sides) // _ROWS_A_TEXT)
        total = len(missing) + comparing

        def embedding(done: int, _: int) -> None:
            progress(done, total)

        bad: set[bytes] | None = set()
        if missing:
            bad = embed_missing(self._store, self._embedder, missing, embedding, cancelled)
        if bad is None:
            return False
        self._name(bad)
        # Edges with what is gone say which examples were joined by it.
        old = self._store.links(self._embedder.space, gone=True)
        links: list[Link] = []
        tables = Tables(sides, cache)
        for number, what in enumerate(WHATS):

            def compared(done: int, of: int, number: int = number) -> None:
                share = (number + done / max(of, 1)) / len(WHATS)
                progress(len(missing) + int(share * comparing), total)

            mine = [one for one in old if one.what == what]
            linked = link(
                what, sides, self._before, mine, tables, compared, cancelled, limit=self._limit
            )
            if cancelled():
                return False
            links += linked.links
            self.exact = self.exact and linked.exact
        self._store.save_links(
            self._embedder.space,
            linked={position: sides[position].packed() for position in self.changed},
            links=links,
            dropped=self._gone,
        )
        progress(total, total)
        return True

    def _name(self, bad: set[bytes]) -> None:
        """Say of which examples the model gives no numbers."""
        if not bad:
            return
        for position, one in self._reading.sides.items():
            wrong = [
                name for name, key in (("prompt", one.prompt), ("answer", one.answer)) if key in bad
            ]
            if wrong:
                example = self._reading.about[position].example_id
                self.unreadable[example] = f"the model has no vector for its {' and '.join(wrong)}"


def _groups(
    links: Sequence[Link], threshold: float, reading: Reading, cache: VectorCache
) -> dict[LinkWhat, list[Group]]:
    return {what: grouped(links, what, threshold, reading, cache) for what in WHATS}


def _off_topic(
    store: Store, embedder: Embedder, reading: Reading, share: float, *, latin: bool, anew: bool
) -> dict[int, Flag]:
    """Return the marks on answers to other questions: those of before, or looked for anew."""
    if anew:
        return off_topic_flags(store, reading, embedder.cache, share, latin=latin)
    return {
        position: flag
        for position, flags_ in store.flags_by(CHECK).items()
        for flag in flags_
        if flag.code == OFF_TOPIC_CODE
    }


def _write(
    store: Store, marked: Mapping[int, tuple[Flag, ...]], reading: Reading, version: str
) -> None:
    """Write the flags that are new or different, and take away those that no longer hold."""
    there = store.flags_by(CHECK)
    different = [
        Found(position, reading.sides[position].text_id, version, marks)
        for position, marks in marked.items()
        if there.get(position) != marks
    ]
    for start in range(0, len(different), _WRITTEN_AT_ONCE):
        store.write_flags(CHECK, different[start : start + _WRITTEN_AT_ONCE])
    over = [position for position in there if position not in marked]
    for start in range(0, len(over), _WRITTEN_AT_ONCE):
        store.forget_flags(CHECK, over[start : start + _WRITTEN_AT_ONCE])


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What the last run found, for a look at any threshold without computing anything again.

    Args:
        space: The name of the links in the store.
        links: All of them.
        reading: The examples.
        labels: What the queue shows of each.
        cache: The vectors, for the similarity to a representative.
    """

    space: str
    links: Sequence[Link]
    reading: Reading
    labels: Mapping[int, str]
    cache: VectorCache

    def close(self) -> None:
        """Close the cache."""
        self.cache.close()

    def clusters(self, what: LinkWhat, threshold: float) -> list[Cluster]:
        """Return the clusters at a threshold, the largest first.

        Raises:
            UsageError: The threshold is not between the floor and 1.
        """
        check_threshold(threshold)
        found = []
        for group in grouped(self.links, what, threshold, self.reading, self.cache):
            members = tuple(
                self._member(position, similarity)
                for position, similarity in zip(group.positions, group.similarities, strict=True)
            )
            sources = {member.source_id for member in members}
            found.append(Cluster(what, members, across=len(sources) > 1))
        return sorted(found, key=lambda one: (-len(one.members), one.members[0].position))

    def _member(self, position: int, similarity: float) -> Member:
        about = self.reading.about[position]
        return Member(
            position, about.example_id, self.labels.get(position, ""), about.source_id, similarity
        )


def look(workspace: Workspace, *, model: str = "", cache: Path | None = None) -> Duplicates:
    """Return what the last run of :func:`dedup` found; nothing is computed.

    Raises:
        EmbeddingModelMissing: There is no such model.
    """
    store = workspace.store
    space = space_of(locate(model))
    before = store.linked(space)
    reading = read(store, before, never)
    assert reading is not None
    links = [one for one in store.links(space) if one.a in reading.sides and one.b in reading.sides]
    linked = {position for one in links for position in (one.a, one.b)}
    labels = {}
    for row in store.queue_page(limit=max(store.queue_size(), 1)):
        if row.position in linked:
            labels[row.position] = row.label
    return Duplicates(space, links, reading, labels, VectorCache(cache_file(space, cache)))
