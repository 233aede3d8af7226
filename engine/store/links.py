"""Which examples are near which: the edges of forests, and which texts they were made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.models import Link
from engine.store.connection import Connection

USED_LAST = "links.model"
"""The key under which a workspace remembers the model of its last search for near-duplicates."""

_LIVE = "AND a IN (SELECT position FROM queue) AND b IN (SELECT position FROM queue)"


def linked(db: Connection, model: str) -> dict[int, str]:
    """Return the key of the text by which an example takes part in a model's forests."""
    return dict(db.all("SELECT position, key FROM linked WHERE model = ?", [model]))


def key_of(db: Connection, model: str, position: int) -> str:
    """Return the key by which one example takes part in a model's forests; empty if none."""
    found = db.value("SELECT key FROM linked WHERE model = ? AND position = ?", [model, position])
    return str(found or "")


def save(
    db: Connection,
    model: str,
    *,
    linked: Mapping[int, str],
    links: Iterable[Link],
    dropped: Iterable[int],
) -> None:
    """Record a model's forests; one transaction, which writes what is new or gone alone.

    Args:
        db: The store's connection.
        model: The embedding model's fingerprint.
        linked: Examples that take part now, or by another text, and their texts' keys.
        links: All edges, in place of those that were there.
        dropped: Examples that don't take part any more.
    """
    new = {(link.what, link.a, link.b): link.similarity for link in links}
    with db.transaction():
        for position in dropped:
            db.execute("DELETE FROM linked WHERE model = ? AND position = ?", [model, position])
        for position, key in linked.items():
            db.execute(
                "INSERT OR REPLACE INTO linked (model, position, key) VALUES (?, ?, ?)",
                [model, position, key],
            )
        old = {
            (what, a, b): similarity
            for what, a, b, similarity in db.all(
                "SELECT what, a, b, similarity FROM links WHERE model = ?", [model]
            )
        }
        for edge in old.keys() - new.keys():
            db.execute(
                "DELETE FROM links WHERE model = ? AND what = ? AND a = ? AND b = ?",
                [model, *edge],
            )
        for edge, similarity in new.items():
            if old.get(edge) != similarity:
                db.execute(
                    "INSERT OR REPLACE INTO links (model, what, a, b, similarity) "
                    "VALUES (?, ?, ?, ?, ?)",
                    [model, *edge, similarity],
                )


def links(
    db: Connection, model: str, what: str, threshold: float, *, gone: bool = False
) -> list[Link]:
    """Return a model's edges between examples that are there, the nearest first.

    Args:
        db: The store's connection.
        model: The embedding model's fingerprint.
        what: "both", "prompt" or "answer"; empty for all three.
        threshold: The least similarity.
        gone: Whether edges with examples that are gone are wanted too.
    """
    live = "" if gone else _LIVE
    rows = db.all(
        "SELECT what, a, b, similarity FROM links WHERE model = ?1 AND (?2 = '' OR what = ?2) "
        f"AND similarity >= ?3 {live} ORDER BY similarity DESC, a, b",
        [model, what, threshold],
    )
    return [Link(*row) for row in rows]


def models(db: Connection) -> list[str]:
    """Return the models that have forests here: the one used last, then by their examples."""
    rows = db.all(
        "SELECT model FROM linked GROUP BY model ORDER BY "
        "model = coalesce((SELECT value FROM meta WHERE key = ?), '') DESC, count(*) DESC, model",
        [USED_LAST],
    )
    return [str(row[0]) for row in rows]
