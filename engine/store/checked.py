"""The part of a store that holds what checks found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.models import Flag, Found, Link
from engine.store import findings as finding_rows
from engine.store import links as link_rows
from engine.store import votes as meta_rows
from engine.store.connection import Connection


class CheckedStore:
    """Flags, measures and links of a workspace's examples; mixed into the store."""

    _db: Connection

    def write_flags(self, check: str, findings: Iterable[Found]) -> int:
        """Record what a check found, in place of what it found before; one transaction.

        A finding about a text that has changed since is left out.

        Args:
            check: The check's name.
            findings: What it found, by example; a few hundred at a time, so that decisions
                made meanwhile don't wait.

        Returns:
            How many were recorded.
        """
        return finding_rows.write(self._db, {check: findings})

    def write_findings(self, findings: Mapping[str, Iterable[Found]]) -> int:
        """Record what several checks found, by the checks' names; one transaction."""
        return finding_rows.write(self._db, findings)

    def forget_flags(self, check: str, positions: Sequence[int]) -> None:
        """Forget what a check found in some examples."""
        finding_rows.forget(self._db, check, positions)

    def check_versions(self, check: str) -> dict[int, str]:
        """Return which version of a check has seen an example's present text, by position."""
        return finding_rows.versions(self._db, check)

    def any_unchecked(self) -> bool:
        """Return whether there is an example that no check has looked at as it is now."""
        return finding_rows.any_unchecked(self._db)

    def flags_of(self, positions: Sequence[int]) -> dict[int, tuple[Flag, ...]]:
        """Return the flags of some examples; those without any are absent."""
        return finding_rows.flags_of(self._db, positions)

    def flags_by(self, check: str) -> dict[int, tuple[Flag, ...]]:
        """Return all flags that a check has set, by position."""
        return finding_rows.flags_by(self._db, check)

    def flag_counts(self) -> list[tuple[str, str, int]]:
        """Return kind, code and how many examples have the flag, the commonest first."""
        return finding_rows.flag_counts(self._db)

    def languages(self) -> list[tuple[str, int]]:
        """Return every language and how many examples are in it, the commonest first."""
        return finding_rows.languages(self._db)

    def get_metas(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the remembered values of some keys; those without one are absent."""
        return meta_rows.get_metas(self._db, keys)

    def change_metas(self, change: Callable[[], Mapping[str, str]]) -> None:
        """Remember the values that a function returns, by key, in one write transaction.

        No other process writes between what the function reads and what is written.
        """
        meta_rows.change_metas(self._db, change)

    def linked(self, model: str) -> dict[int, str]:
        """Return the key of the text by which an example takes part in a model's forests.

        A key that begins with "!" is of a text that the example no longer has.
        """
        return link_rows.linked(self._db, model)

    def link_key(self, model: str, position: int) -> str:
        """Return what :meth:`linked` has of one example, or nothing."""
        return link_rows.key_of(self._db, model, position)

    def save_links(
        self,
        model: str,
        *,
        linked: Mapping[int, str],
        links: Iterable[Link],
        dropped: Iterable[int] = (),
    ) -> None:
        """Record a model's forests, in one transaction.

        Args:
            model: The embedding model's fingerprint.
            linked: Examples that take part now, or by another text, and their texts' keys.
            links: All edges, in place of those that were there.
            dropped: Examples that don't take part any more.
        """
        link_rows.save(self._db, model, linked=linked, links=links, dropped=dropped)

    def links(
        self, model: str, what: str = "", threshold: float = 0.0, *, gone: bool = False
    ) -> list[Link]:
        """Return a model's edges, the nearest first; those with examples that went if asked."""
        return link_rows.links(self._db, model, what, threshold, gone=gone)

    def link_models(self) -> list[str]:
        """Return the embedding models that have forests here, the one that was used last first."""
        return link_rows.models(self._db)
