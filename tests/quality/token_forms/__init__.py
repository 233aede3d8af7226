"""Correctly formed secrets for the tests, made from the vendors' documentation alone.

What is made belongs to nobody: every part is random, and nothing is stored.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.quality.token_forms import ai, apps, cloud, code, hosts, keys, ops, shops
from tests.quality.token_forms.assignments import ASSIGNMENTS, Assigned, assignments
from tests.quality.token_forms.carriers import CARRIERS, Carrier
from tests.quality.token_forms.plain import NOT_SECRETS, plain_texts
from tests.quality.token_forms.shapes import SLOT, Form, Holds

__all__ = [
    "ASSIGNMENTS",
    "CARRIERS",
    "FORMS",
    "NOT_SECRETS",
    "SLOT",
    "Assigned",
    "Carrier",
    "Case",
    "Form",
    "assignments",
    "carriers_for",
    "cases",
    "plain_texts",
]

FORMS: tuple[Form, ...] = (
    *code.FORMS,
    *cloud.FORMS,
    *hosts.FORMS,
    *ops.FORMS,
    *ai.FORMS,
    *apps.FORMS,
    *shops.FORMS,
    *keys.FORMS,
)

_ROOM: dict[Holds, int] = {"token": 0, "line": 1, "block": 2}


@dataclass(frozen=True)
class Case:
    """A text with a secret in it: `text[start:stop]`."""

    name: str
    vendor: str
    text: str
    start: int
    stop: int


def carriers_for(form: Form) -> tuple[Carrier, ...]:
    """The carriers with room for a form."""
    need = max(_ROOM[form.holds], 1 if form.wrap else 0)
    return tuple(carrier for carrier in CARRIERS if _ROOM[carrier.holds] >= need)


def cases(seed: int, per_form: int) -> Iterator[Case]:
    """So many texts with a secret for each form; the same for a seed."""
    for form in FORMS:
        for turn in range(per_form):
            rng = random.Random(f"{seed}/{form.name}/{turn}")
            secret = form.make(rng)
            around = form.wrap(rng) if form.wrap else SLOT
            template = rng.choice(carriers_for(form)).template.replace(SLOT, around)
            start = template.index(SLOT)
            text = template.replace(SLOT, secret)
            yield Case(form.name, form.vendor, text, start, start + len(secret))
