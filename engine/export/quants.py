"""The quantisations that an export can have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.bases import presets, resolve
from engine.errors import FinetuiError, ImatrixMissing, QuantUnknown


@dataclass(frozen=True, slots=True)
class Quant:
    """A quantisation.

    ``ftype`` is llama.cpp's number of it (``enum llama_ftype`` in ``llama.h``); ``bits``
    about how many bits a weight takes, for the disk; ``note`` says when to take it;
    ``needs_imatrix`` that llama.cpp refuses it without an importance matrix.
    """

    name: str
    ftype: int
    bits: float
    note: str
    needs_imatrix: bool = False


# All that llama.cpp's own quantiser offers (``QUANT_OPTIONS`` in its tools/quantize). Which need
# an importance matrix was tried on a model whose tensors fall back to no other type.
_ALL = (
    Quant("f32", 0, 32.0, "as computed; twice the size of f16"),
    Quant("f16", 1, 16.0, "no loss that matters; for small models"),
    Quant("bf16", 32, 16.0, "as most large models were trained"),
    Quant("q8_0", 7, 8.5, "hardly any loss"),
    Quant("q6_k", 18, 6.6, "very little loss"),
    Quant("q5_k_m", 17, 5.7, "little loss"),
    Quant("q5_k_s", 16, 5.5, "little loss"),
    Quant("q5_1", 9, 6.0, "older; q5_k_m is better"),
    Quant("q5_0", 8, 5.5, "older; q5_k_m is better"),
    Quant("q4_k_m", 15, 4.9, "the usual choice from 3B upwards"),
    Quant("q4_k_s", 14, 4.6, "a little smaller than q4_k_m"),
    Quant("q4_1", 3, 5.0, "older; q4_k_m is better"),
    Quant("q4_0", 2, 4.6, "older and fast on some processors"),
    Quant("iq4_nl", 25, 4.6, "like q4_k_s"),
    Quant("iq4_xs", 30, 4.3, "smaller than q4_k_s, slower on processors"),
    Quant("mxfp4_moe", 38, 4.3, "experts in 4 bits, for mixtures of experts alone"),
    Quant("q3_k_l", 13, 4.3, "noticeable loss"),
    Quant("q3_k_m", 12, 3.9, "noticeable loss"),
    Quant("q3_k_s", 11, 3.5, "great loss"),
    Quant("iq3_m", 27, 3.7, "noticeable loss"),
    Quant("iq3_s", 26, 3.5, "noticeable loss"),
    Quant("iq3_xs", 22, 3.3, "noticeable loss", needs_imatrix=True),
    Quant("iq3_xxs", 23, 3.1, "great loss", needs_imatrix=True),
    Quant("q2_k", 10, 3.2, "great loss; the smallest that still talks without an imatrix"),
    Quant("q2_k_s", 21, 3.0, "great loss", needs_imatrix=True),
    Quant("iq2_m", 29, 2.7, "great loss", needs_imatrix=True),
    Quant("iq2_s", 28, 2.5, "great loss", needs_imatrix=True),
    Quant("iq2_xs", 20, 2.3, "great loss", needs_imatrix=True),
    Quant("iq2_xxs", 19, 2.1, "for very large models alone", needs_imatrix=True),
    Quant("iq1_m", 31, 1.8, "for very large models alone", needs_imatrix=True),
    Quant("iq1_s", 24, 1.6, "for very large models alone", needs_imatrix=True),
    Quant("q2_0", 41, 2.3, "for models that were trained in 2 bits"),
    Quant("tq2_0", 37, 2.1, "for models that were trained with three values"),
    Quant("tq1_0", 36, 1.7, "for models that were trained with three values"),
    Quant("q1_0", 40, 1.1, "for models that were trained in 1 bit"),
)
QUANTS: Mapping[str, Quant] = {quant.name: quant for quant in _ALL}
# What the converter writes by itself; all others are made from its f16.
CONVERTED = ("f32", "f16", "bf16")


def quants() -> tuple[str, ...]:
    """Return the names of all quantisations, the largest first."""
    return tuple(QUANTS)


def check_quant(name: str) -> str:
    """Return a quantisation's name as it is written here; case and dashes are forgiven.

    Raises:
        QuantUnknown: There is none of that name; the hint has the nearest.
    """
    wanted = name.strip().lower().replace("-", "_")
    if wanted in QUANTS:
        return wanted
    near = difflib.get_close_matches(wanted, QUANTS, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}?" if near else f"choose one of {', '.join(QUANTS)}"
    raise QuantUnknown(f"there is no quantisation {name!r}", hint=hint)


def check_quants(names: Iterable[str]) -> tuple[str, ...]:
    """Return quantisations by their names, each once, in the order in which they are named.

    Args:
        names: Names; one text may hold several, with commas or plus signs between them.

    Raises:
        QuantUnknown: There is none of a name.
    """
    typed = (part for name in names for part in re.split(r"[,+]", name) if part.strip())
    return tuple(dict.fromkeys(check_quant(part) for part in typed))


def require_imatrix(names: Iterable[str], *, imatrix: bool) -> None:
    """Raise where a quantisation needs an importance matrix and none will be computed.

    Raises:
        ImatrixMissing: llama.cpp refuses it without one.
    """
    refused = [name for name in names if QUANTS[name].needs_imatrix]
    if refused and not imatrix:
        raise ImatrixMissing(
            f"{' and '.join(refused)} can't be made without an importance matrix",
            hint="compute one from the training text with --imatrix, or choose q2_k or larger",
        )


def usual_quant(base: str) -> str:
    """Return the quantisation that fits a base; empty where the base is neither here nor known.

    Args:
        base: The base, as a person names it.
    """
    try:
        return resolve(base).default_quant
    except FinetuiError:
        # Starting the export says what is wrong with the base.
        return next((known.default_quant for known in presets() if known.name == base), "")
