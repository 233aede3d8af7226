"""Secrets by their documented forms: found whole, in whatever they are written in.

The texts come from :mod:`tests.quality.token_forms`, which was written from the vendors'
documentation by somebody who had not seen the rules.
"""

from __future__ import annotations

import random
import string
from collections import Counter

import pytest

from engine.quality.secrets.check import secrets_in
from engine.quality.secrets.forms import forms
from tests.quality.token_forms import FORMS, assignments, cases, plain_texts

ALNUM = string.ascii_letters + string.digits


def found(text: str) -> list[str]:
    return [text[each.start : each.end] for each in secrets_in(text)]


def covers(text: str, start: int, stop: int) -> bool:
    return any(each.start <= start and stop <= each.end for each in secrets_in(text))


def test_tokens_of_documented_forms_are_covered_to_their_last_character() -> None:
    total, missed = 0, Counter[str]()
    for case in cases(seed=41, per_form=3):
        total += 1
        missed[case.name] += not covers(case.text, case.start, case.stop)
    assert total == 3 * len(FORMS)
    assert missed.total() <= 0.02 * total, missed.most_common(12)
    assert max(missed.values()) < 3, "a form is missed altogether"


def test_values_count_by_the_names_that_they_are_assigned_to() -> None:
    made = list(assignments(seed=42, per_pair=2))
    missed = [one for one in made if not covers(one.text, one.start, one.stop)]
    assert len(missed) <= 0.02 * len(made), [one.text for one in missed[:5]]


def test_what_looks_like_a_secret_and_is_none_is_left_alone() -> None:
    flagged = {kind: found(text) for kind, text in plain_texts(seed=43, per_kind=3)}
    assert {kind: values for kind, values in flagged.items() if values} == {}


def test_a_token_of_letters_alone_is_a_token() -> None:
    rng = random.Random(24)
    for _ in range(24):
        token = "hf_" + "".join(rng.choice(string.ascii_letters) for _ in range(34))
        assert found(f"Log in and paste {token} when it asks.") == [token]


@pytest.mark.parametrize(
    "text",
    [
        "hf_YOURTOKENGOESHEREYOURTOKENGOESHERE",
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "ghp_000000000000000000000000000000000000",
        "sk-1234567890abcdef1234567890abcdef12345678",
        "export GITLAB_TOKEN=glpat-XXXXXXXXXXXXXXXXXXXX",
        "STRIPE_KEY=sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        'apiToken = "YOUR_API_TOKEN"',
        'apiToken = "<token>"',
        "apiToken: ${API_TOKEN}",
        "deployToken = process.env.DEPLOY_TOKEN",
        "deployToken = os.getenv('DEPLOY_TOKEN')",
        "secretKey: changeme",
        'accessToken = "abc123"',
        "authToken = user1Token",
    ],
)
def test_what_a_sample_puts_in_the_place_of_a_token_is_none(text: str) -> None:
    assert found(text) == []


def test_the_parameters_of_a_signed_address_are_no_keys() -> None:
    rng = random.Random(5)
    signature = "".join(rng.choice("0123456789abcdef") for _ in range(64))
    key = "AKIA" + "QYLPMN5HNGY3WAB7"
    signed = (
        f"https://bucket.s3.amazonaws.com/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={key}%2F20240101%2Feu-west-1%2Fs3%2Faws4_request"
        f"&X-Amz-Date=20240101T000000Z&X-Amz-Expires=900&X-Amz-Signature={signature}"
    )
    assert found(signed) == []
    assert (
        found(f"https://a.s3.amazonaws.com/x?AWSAccessKeyId={key}&Signature=a%2Fb&Expires=1") == []
    )
    assert found(f"aws_access_key_id = {key}") == [key]


@pytest.mark.parametrize("prefix", ["ya29.a0Af", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI5In0."])
@pytest.mark.parametrize("lead", [0, 1_500, 3_990, 5_000])
def test_a_long_token_is_whole_wherever_a_window_cuts_it(prefix: str, lead: int) -> None:
    rng = random.Random(lead)
    token = prefix + "".join(rng.choice(ALNUM) for _ in range(1_900))
    # One line, as a page or a log has: there is no better place to cut.
    text = "word " * (lead // 5) + token + " word" * 2_000
    assert found(text) == [token]


def test_the_table_is_whole_and_has_no_pattern_without_a_bound() -> None:
    table = forms()
    assert len({form.vendor for form in table}) > 200
    for form in table:
        assert form.code.endswith(("-key", "-token", "-secret")) or form.code == "jwt"
        assert form.source
        assert form.anchors
        # A mark that the pattern can't hold would hide all of its tokens.
        assert form.near or form.pattern.search("") is None
        bare = form.expression.replace(r"\+", "").replace("[^\\n]{0,50}?", "")
        outside = "".join(part.partition("]")[2] for part in f"]{bare}".split("["))
        assert "*" not in outside, form.expression
        assert "+" not in outside, form.expression
