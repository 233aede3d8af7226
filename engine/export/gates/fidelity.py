"""The gate "fidelity": the files are what was trained, on conversations that training never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.bases.template import read_json
from engine.export.gates.children import child
from engine.export.gates.files import distinct
from engine.export.gates.model import Gate, GateInput
from engine.export.gates.probe import ProbeRow, probe_rows, write_rows
from engine.export.gates.rows import HELD_OUT, rows
from engine.export.gates.skip import Skipped
from engine.runs import read_spec
from engine.settings import GateSettings

FEWEST_TOKENS = 32
"""Trained tokens below which losses are given and nothing is concluded from them."""
SPOOL_BYTES = 256 * 1024 * 1024
"""Room on the disk for the distributions that files are compared with."""
NO_CHANGE = 1e-6
"""Mean divergence from the base, in nats a token, below which training changed nothing."""
LONGEST = 1024
_SURE = 2.0
_LEAST_COST = 0.01

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a file, or the adapter, makes of the same trained tokens.

    Attributes:
        nll: Negative log-likelihood of each, in nats.
        kl: Divergence from base and adapter at each, in nats; empty for these themselves.
        agrees: Whether the most likely token is theirs.
    """

    nll: Sequence[float]
    kl: Sequence[float] = ()
    agrees: Sequence[bool] = ()

    @property
    def loss(self) -> float:
        """Mean negative log-likelihood, in nats a token."""
        return float(np.mean(self.nll))

    @property
    def finite(self) -> bool:
        """Whether all that came out are numbers."""
        return bool(np.isfinite([*self.nll, *self.kl]).all())

    def figures(self) -> dict[str, float]:
        """Return it as figures of a card; none where the numbers are none."""
        if not self.finite:
            return {}
        told = {"nll": round(self.loss, 4)}
        if self.kl:
            told["kl_mean"] = float(f"{np.mean(self.kl):.4g}")
            told["kl_p99"] = float(f"{np.percentile(self.kl, 99):.4g}")
            told["top1"] = round(float(np.mean(self.agrees)), 4)
        return told


def run(given: GateInput, report: Report) -> Gate:
    """Score adapter, merged file, every quantisation and the base on held-out answers.

    Raises:
        Skipped: There is no held-out split, or no room for the model.
        DatasetMissing: The dataset is gone.
        ExportError: A file can't be computed.
    """
    told = _rows(given)
    files = {name: path for name, path in distinct(given).items() if not _is_quantised_base(name)}
    told_to, truth = given.directory / ".gates-rows.json", given.directory / ".gates-truth.npy"
    steps = len(files) + 1
    scores: dict[str, Scores] = {}
    try:
        write_rows(told, told_to)
        adapter, computed_in = _truth(given, told_to, truth, lambda a, b: report(a, b * steps))
        for done, (name, path) in enumerate(files.items(), 1):

            def tell(part: int, whole: int, done: int = done) -> None:
                report(done * whole + part, steps * whole)

            found = child(given, "score", [str(path), str(told_to), str(truth)], name, tell)
            scores[name] = Scores(found["nll"], found["kl"], found["agrees"])
    finally:
        told_to.unlink(missing_ok=True)
        truth.unlink(missing_ok=True)
    # One file that is both was computed once.
    scores.setdefault("base f16", scores["merged f16"])
    packed = bool(read_json(given.spec.base_dir / "config.json").get("quantization_config"))
    alarms = judge(adapter, scores, given.spec.gates, packed=packed)
    return _gate(told, adapter, scores, alarms, computed_in)


def judge(
    adapter: Scores, scores: Mapping[str, Scores], limits: GateSettings, *, packed: bool
) -> list[tuple[str, str]]:
    """Return what is wrong, each with what to do; nothing where all is well.

    Losses are compared token by token, and count as different where the mean difference is more
    than twice its standard error.

    Args:
        adapter: Base and adapter, which are the truth.
        scores: The files: "merged f16", "base f16", and the others by their names.
        limits: What they have to reach.
        packed: Whether the base was trained on in 4 or 8 bits.
    """
    merged, base = scores["merged f16"], scores["base f16"]
    broken = [
        name for name, score in scores.items() if not np.isfinite([*score.nll, *score.kl]).all()
    ]
    if broken:
        says = f"{', '.join(broken)}: the numbers that come out are none"
        return [(says, "see whether the run's loss was finite, or export at a larger quantisation")]
    from_base, from_merged = float(np.mean(base.kl)), float(np.mean(merged.kl))
    alarms = []
    if from_base < NO_CHANGE:
        alarms.append(
            (
                "the tuned model is the base: training changed nothing",
                "train with a higher learning rate or more steps, and see whether the loss fell",
            )
        )
    elif from_merged >= from_base / 2:
        alarms.append(
            (
                "the merged file is nearer to the base than to what was trained "
                f"(KL {from_merged:.4f} against {from_base:.4f} nats a token)",
                "the adapter is not in it; export again, and please report the base",
            )
        )
    allowed = limits.packed_kl if packed else limits.merge_kl
    if from_merged > allowed:
        alarms.append(
            (
                f"the merged file differs from base and adapter by {from_merged:.4f} nats a token, "
                f"more than {allowed:g}",
                "export again; where it stays so, please report the base",
            )
        )
    if len(merged.nll) >= FEWEST_TOKENS:
        alarms += _losses(scores, merged, base, limits)
    return alarms


def _losses(
    scores: Mapping[str, Scores], merged: Scores, base: Scores, limits: GateSettings
) -> list[tuple[str, str]]:
    alarms = []
    if _surely_more(merged, base, limits.worse_nll):
        alarms.append(
            (
                f"the tuned model's loss on held-out answers is {merged.loss:.3f}, the base's "
                f"{base.loss:.3f}",
                "it has learnt its examples by heart or nothing; export the best adapter, or train "
                "with fewer epochs or a lower learning rate",
            )
        )
    gained = base.loss - merged.loss
    for name, score in scores.items():
        most = max(limits.quant_share * gained, _LEAST_COST)
        if name.startswith("tuned ") and _surely_more(score, merged, most):
            cost = score.loss - merged.loss
            part = f", {cost / gained:.0%} of what training gained" if gained > 0 else ""
            alarms.append(
                (
                    f"{name.removeprefix('tuned ')} costs {cost:.3f} nats a token{part}",
                    "export at a larger quantisation, or with an importance matrix",
                )
            )
    return alarms


def _surely_more(one: Scores, other: Scores, by: float) -> bool:
    """Say whether a loss is larger by more than an amount, and by more than chance."""
    differences = np.subtract(one.nll, other.nll)
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    return bool(differences.mean() > max(by, _SURE * error))


def _rows(given: GateInput) -> list[ProbeRow]:
    limits = given.spec.gates
    vocabulary = max(given.tokenizer.size, 1)
    told = probe_rows(
        given.tokenizer,
        rows(given.spec.run_dir, HELD_OUT),
        tokens=limits.tokens,
        trained=max(1, SPOOL_BYTES // (4 * vocabulary)),
        longest=min(LONGEST, given.spec.context, _trained_length(given)),
    )
    if not told:
        raise Skipped(
            "the dataset has no held-out conversation",
            hint="freeze the dataset with a held-out split: finetui dataset freeze --help",
        )
    return told


def _trained_length(given: GateInput) -> int:
    """Return the longest sequence of the training, in tokens."""
    length = read_spec(given.spec.run_dir).get("max_length")
    return length if isinstance(length, int) and length > 0 else LONGEST


def _is_quantised_base(name: str) -> bool:
    return name.startswith("base ") and name != "base f16"


def _truth(given: GateInput, told: Path, truth: Path, report: Report) -> tuple[Scores, str]:
    arguments = [str(path) for path in (given.spec.base_dir, given.spec.adapter, told, truth)]
    found = child(given, "truth", arguments, "base and adapter", report)
    if "too_large" in found:
        raise Skipped(found["too_large"], hint=found["hint"])
    return Scores(found["nll"]), str(found["computed_in"])


def _gate(
    told: Sequence[ProbeRow],
    adapter: Scores,
    scores: Mapping[str, Scores],
    alarms: Sequence[tuple[str, str]],
    computed_in: str,
) -> Gate:
    trained = len(adapter.nll)
    figures = {
        "conversations": len(told),
        "tokens": sum(len(row.ids) for row in told),
        "trained_tokens": trained,
        "adapter_computed_in": computed_in,
        "adapter": adapter.figures(),
        **{name: score.figures() for name, score in scores.items()},
    }
    merged, base = scores["merged f16"], scores["base f16"]
    if alarms:
        says = "; ".join(alarm for alarm, _ in alarms)
        hint = "; ".join(dict.fromkeys(hint for _, hint in alarms))
        return Gate("fidelity", "failed", says, hint, figures)
    few = f"; {trained} tokens are too few to compare losses" if trained < FEWEST_TOKENS else ""
    return Gate(
        "fidelity",
        "passed",
        f"loss on {trained} held-out tokens: {merged.loss:.3f}, the base's {base.loss:.3f}; the "
        f"merged file is {float(np.mean(merged.kl)):.2g} nats a token from what was trained{few}",
        figures=figures,
    )
