"""Finding near-duplicates: clusters, and marks on the examples."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from engine.cli.common import Progress, common_options, opened, print_json, say, table
from engine.cli.nearness import NEARNESS
from engine.cli.waiting import patiently
from engine.models import LinkWhat, short_id
from engine.paths import shorten
from engine.similarity import (
    DEFAULT_LEVEL,
    FLOOR,
    Cluster,
    DedupReport,
    Nearness,
    threshold_of,
)
from engine.similarity.child import dedup_apart
from engine.similarity.levels import level_words, misses_paraphrases
from engine.similarity.names import E5, E5_PACKAGE
from engine.store import Store

_MOST_UNREADABLE = 10
_MEMBERS_SHOWN = 20
_LABEL = 60
_NOUNS: dict[LinkWhat, str] = {
    "both": "near-duplicates",
    "prompt": "examples that ask the same",
    "answer": "examples that answer the same",
}


@click.command()
@click.option(
    "--threshold",
    type=NEARNESS,
    default=None,
    help="From when on examples are duplicates: copies, paraphrases, or a similarity from "
    f"{FLOOR:g} to 1 (default: as set, which is {DEFAULT_LEVEL}).",
)
@click.option(
    "--off-topic",
    type=click.FloatRange(0, 1),
    default=None,
    help="Mark answers that this share of other questions fits better (default: as set; 1: none).",
)
@click.option(
    "--model",
    default="",
    help=f"The folder of an embedding model of your own, or {E5} (package {E5_PACKAGE}).",
)
@click.option(
    "--what",
    type=click.Choice(["both", "prompt", "answer"]),
    default="both",
    show_default=True,
    help="What must be alike in the clusters that are listed.",
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, help="List so many clusters; 0: all."
)
@common_options
def dedup(
    threshold: Nearness | None,
    off_topic: float | None,
    model: str,
    what: LinkWhat,
    limit: int,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Find near-duplicates and mark them; nothing is deleted and nothing decided.

    Prompts and answers are compared each on their own, across all sources: an example is
    a duplicate of another where both are alike; the same question with a different answer
    is marked as just that. Answers that fit other questions better than their own are marked as
    off topic. Only what is new or changed since the last time is embedded.
    """
    # Clusters are put together from vectors: numpy takes 0.1 s to import.
    from engine.similarity.stage import look

    with opened(workspace) as space:
        space.store.require_in_place()  # embedding takes long, and would be for nothing
        checking = space.settings.check
        model = model or checking.embedding_model
        if threshold is None:
            threshold = checking.duplicate_threshold
        report = patiently(
            "embeddings",
            lambda: dedup_apart(
                space.root,
                model=model,
                threshold=threshold,
                off_topic=checking.off_topic if off_topic is None else off_topic,
                progress=Progress("embedding and comparing", quiet=as_json),
            ),
        )
        with closing(look(space, model=model)) as found:
            clusters = found.clusters(what, threshold_of(threshold, model))
        if as_json:
            print_json(
                asdict(report)
                | {"what": what, "clusters": [_cluster_json(one) for one in clusters]}
            )
            return
        _say_report(report, model)
        _say_clusters(space.store, clusters, what, limit)


def _say_report(report: DedupReport, model: str) -> None:
    if not report.examples:
        say("there are no examples yet; add a source with: finetui sources add PATH")
        return
    say(
        f"{report.examples:,} examples, {report.compared:,} of them new or changed; "
        f"{report.embedded:,} texts embedded with {report.model}"
    )
    if not report.exact:
        say("so many that an index found the neighbours: some pairs may be missed")
    for number, (example_id, reason) in enumerate(report.unreadable.items()):
        if number == _MOST_UNREADABLE:
            say(f"  and {len(report.unreadable) - number:,} more could not be compared")
            break
        say(f"  {short_id(example_id)} could not be compared: {reason}")
    say(f"near-duplicates are {level_words(report.threshold, report.level)}")
    if misses_paraphrases(report.threshold, model):
        say("  most paraphrases are not found; with: finetui dedup --threshold paraphrases")
    for code, number in report.flags.items():
        say(f"  {code:14} {number:,}")


def _say_clusters(store: Store, clusters: list[Cluster], what: LinkWhat, limit: int) -> None:
    if not clusters:
        say(f"no {_NOUNS[what]}")
        return
    shown = clusters[:limit] if limit else clusters
    members = sum(len(one.members) for one in clusters)
    across = sum(one.across for one in clusters)
    say(
        f"{len(clusters):,} clusters of {_NOUNS[what]}, {members:,} examples; "
        f"{across:,} across sources"
    )
    roots = {source.id: shorten(source.root, 30) for source in store.sources()}
    for cluster in shown:
        say()
        some = cluster.members[:_MEMBERS_SHOWN]
        table(
            ["", "id", "similarity", "source", "example"],
            [
                (
                    "*" if number == 0 else "",
                    short_id(member.example_id),
                    f"{member.similarity:.3f}" if number else "",
                    roots.get(member.source_id, "(removed)"),
                    member.label[:_LABEL],
                )
                for number, member in enumerate(some)
            ],
        )
        if len(cluster.members) > len(some):
            say(f"and {len(cluster.members) - len(some):,} more")
    say("\n* stands for its cluster; the others are marked: finetui examples list --flag duplicate")
    if len(clusters) > len(shown):
        say(f"{len(shown):,} of {len(clusters):,} clusters; see all with --limit 0")


def _cluster_json(cluster: Cluster) -> dict[str, Any]:
    return {
        "across": cluster.across,
        "representative": cluster.members[0].example_id,
        "members": [
            {
                "id": member.example_id,
                "position": member.position,
                "label": member.label,
                "source": member.source_id,
                "similarity": member.similarity,
            }
            for member in cluster.members
        ],
    }
