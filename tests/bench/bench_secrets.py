"""Secrets by kind: tokens of documented forms in everything that they are written in.

Usage: python -m tests.bench.bench_secrets [COUNT] [--data DIR] [--missed]

Tokens are drawn by a seed after what their vendors document (prefix, alphabet, length), not after
the rules that find them. With a folder of real texts, what is flagged in them is counted, too:
each text as the product reads it from the folder's sources.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import string
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.errors import FinetuiError
from engine.extract import extract
from engine.quality.secrets.check import secrets_in
from engine.sources import detect, read
from tests.quality.token_forms import assignments, cases, plain_texts

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
LETTERS = LOWER + UPPER
HEX = DIGITS + "abcdef"
URL64 = ALNUM + "-_"
B64 = ALNUM + "+/"
Draw = Callable[[random.Random], str]


def some(rng: random.Random, letters: str, size: int) -> str:
    return "".join(rng.choice(letters) for _ in range(size))


def after(prefix: str, letters: str, size: int, *rest: str | tuple[str, int]) -> Draw:
    """Return what draws a prefix, some letters, and further fixed and drawn pieces."""

    def draw(rng: random.Random) -> str:
        value = prefix + some(rng, letters, size)
        for piece in rest:
            value += piece if isinstance(piece, str) else some(rng, *piece)
        return value

    return draw


def any_uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def prefixed_uuid(prefix: str) -> Draw:
    return lambda rng: prefix + any_uuid(rng)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(rng: random.Random) -> str:
    head, body = part({"alg": "RS256", "typ": "JWT"}), part({"sub": some(rng, HEX, 12), "iat": 1})
    return f"{head}.{body}.{some(rng, URL64, 86)}"


def discord(rng: random.Random) -> str:
    first = base64.urlsafe_b64encode(str(rng.randrange(10**17, 10**18)).encode()).decode()
    return f"{first.rstrip('=')}.{some(rng, URL64, 6)}.{some(rng, URL64, 27)}"


# What is known by itself: prefixes, alphabets and lengths as vendors document them.
DISTINCT: dict[str, Draw] = {
    "Hugging Face": after("hf_", LETTERS, 34),
    "Hugging Face organisation": after("api_org_", LETTERS, 34),
    "GitHub classic": after("ghp_", ALNUM, 36),
    "GitHub OAuth": after("gho_", ALNUM, 36),
    "GitHub app": after("ghs_", ALNUM, 36),
    "GitHub user": after("ghu_", ALNUM, 36),
    "GitHub refresh": after("ghr_", ALNUM, 36),
    "GitHub fine-grained": after("github_pat_", ALNUM, 22, "_", (ALNUM, 59)),
    "GitLab": after("glpat-", URL64, 20),
    "GitLab routable": after("glpat-", URL64, 51, ".01.", (DIGITS + LOWER, 9)),
    "GitLab deploy": after("gldt-", URL64, 20),
    "GitLab runner": after("glrt-", URL64, 20),
    "GitLab trigger": after("glptt-", HEX, 40),
    "GitLab job": after("glcbt-", HEX, 2, "_", (URL64, 20)),
    "GitLab feed": after("glft-", URL64, 20),
    "GitLab OAuth secret": after("gloas-", HEX, 64),
    "GitLab agent": after("glagent-", URL64, 50),
    "Bitbucket app password": after("ATBB", ALNUM, 32),
    "Atlassian": after("ATATT3xFfGF0", URL64, 170, "=", (HEX.upper(), 8)),
    "Bitbucket access token": after("ATCTT3xFfGN0", URL64, 170, "=", (HEX.upper(), 8)),
    "OpenAI": after("sk-", ALNUM, 20, "T3BlbkFJ", (ALNUM, 20)),
    "OpenAI project": after("sk-proj-", URL64, 74, "T3BlbkFJ", (URL64, 74)),
    "OpenAI service": after("sk-svcacct-", URL64, 74, "T3BlbkFJ", (URL64, 74)),
    "OpenAI admin": after("sk-admin-", URL64, 58, "T3BlbkFJ", (URL64, 58)),
    "Anthropic": after("sk-ant-api03-", URL64, 93, "AA"),
    "Anthropic admin": after("sk-ant-admin01-", URL64, 93, "AA"),
    "OpenRouter": after("sk-or-v1-", HEX, 64),
    "DeepSeek": after("sk-", HEX, 32),
    "Groq": after("gsk_", ALNUM, 52),
    "xAI": after("xai-", ALNUM, 80),
    "Replicate": after("r8_", ALNUM, 37),
    "Perplexity": after("pplx-", ALNUM, 48),
    "NVIDIA": after("nvapi-", URL64, 64),
    "Pinecone": after("pcsk_", ALNUM, 6, "_", (ALNUM, 63)),
    "LangSmith": after("lsv2_pt_", HEX, 32, "_", (HEX, 10)),
    "Tavily": after("tvly-dev-", ALNUM, 32),
    "Apify": after("apify_api_", ALNUM, 36),
    "AWS access key": after("AKIA", UPPER + "234567", 16),
    "AWS temporary key": after("ASIA", UPPER + "234567", 16),
    "Amazon Bedrock": after("ABSK", B64, 128),
    "Google API key": after("AIzaSy", URL64, 33),
    "Google OAuth secret": after("GOCSPX-", URL64, 28),
    "Google access token": after("ya29.a0Af", URL64, 190),
    "Google refresh token": after("1//0g", URL64, 98),
    "Firebase messaging": after("", URL64, 22, ":APA91b", (URL64, 134)),
    "Azure AD secret": after("", ALNUM, 3, "8Q~", (ALNUM + "_-.~", 33), ("abcXYZ", 1)),
    "Azure Storage": after("AccountKey=", B64, 86, "=="),
    "Azure SAS": after("https://a.blob.core.windows.net/c/f?sv=2022-11-02&sig=", B64, 43, "%3D"),
    "Azure DevOps": after("", ALNUM, 76, "AZDO", (ALNUM, 4)),
    "DigitalOcean": after("dop_v1_", HEX, 64),
    "Heroku": after("HRKU-AA", URL64, 58),
    "Fly.io": after("fo1_", URL64, 43),
    "Netlify": after("nfp_", ALNUM, 36),
    "Render": after("rnd_", ALNUM, 32),
    "Cloudflare origin key": after("v1.0-", HEX, 24, "-", (HEX, 146)),
    "Supabase": after("sbp_", HEX, 40),
    "Supabase secret key": after("sb_secret_", URL64, 31),
    "PlanetScale": after("pscale_tkn_", ALNUM, 43),
    "PlanetScale password": after("pscale_pw_", ALNUM, 43),
    "Neon": after("napi_", LOWER + DIGITS, 64),
    "Databricks": after("dapi", HEX, 32),
    "New Relic user": after("NRAK-", UPPER + DIGITS, 27),
    "New Relic licence": after("", HEX, 36, "FFFFNRAL"),
    "Sentry user": after("sntryu_", HEX, 64),
    "Grafana service account": after("glsa_", ALNUM, 32, "_", (HEX, 8)),
    "Grafana Cloud": after("glc_eyJ", ALNUM, 100),
    "Dynatrace": after("dt0c01.", UPPER + "234567", 24, ".", (UPPER + "234567", 64)),
    "PostHog": after("phx_", ALNUM, 43),
    "Alibaba Cloud": after("LTAI5t", ALNUM, 18),
    "npm": after("npm_", ALNUM, 36),
    "PyPI": after("pypi-AgEIcHlwaS5vcmcCJ", URL64, 150),
    "RubyGems": after("rubygems_", HEX, 48),
    "crates.io": after("cio", ALNUM, 32),
    "NuGet": after("oy2", LOWER + "234567", 43),
    "Docker Hub": after("dckr_pat_", URL64, 27),
    "JFrog": after("AKCp", ALNUM, 69),
    "Sourcegraph": after("sgp_", HEX, 16, "_", (HEX, 40)),
    "CircleCI": after("CCIPAT_", ALNUM, 22, "_", (HEX, 40)),
    "Buildkite": after("bkua_", HEX, 40),
    "Terraform Cloud": after("", ALNUM, 14, ".atlasv1.", (URL64, 67)),
    "Vault service": after("hvs.CAES", URL64, 90),
    "Vault batch": after("hvb.AAAA", URL64, 140),
    "Vault recovery": after("hvr.", ALNUM, 24),
    "Vault legacy": after("s.", ALNUM, 24),
    "Doppler": after("dp.pt.", ALNUM, 43),
    "Doppler service": after("dp.st.dev_ci.", ALNUM, 43),
    "Pulumi": after("pul-", HEX, 40),
    "Prefect": after("pnu_", ALNUM, 36),
    "SonarQube": after("squ_", HEX, 40),
    "1Password secret key": after("A3-", UPPER + DIGITS, 6, "-", (UPPER + DIGITS, 6), "-",
                                  (UPPER + DIGITS, 5), "-", (UPPER + DIGITS, 5), "-",
                                  (UPPER + DIGITS, 5), "-", (UPPER + DIGITS, 5)),
    "1Password service": after("ops_eyJ", ALNUM, 400),
    "age": after("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "Tailscale": after("tskey-auth-k", ALNUM, 10, "CNTRL-", (ALNUM, 32)),
    "Slack bot": after("xoxb-", DIGITS, 12, "-", (DIGITS, 12), "-", (ALNUM, 24)),
    "Slack user": after("xoxp-", DIGITS, 12, "-", (DIGITS, 12), "-", (DIGITS, 12), "-", (HEX, 32)),
    "Slack app": after("xapp-1-A", UPPER + DIGITS, 10, "-", (DIGITS, 13), "-", (HEX, 64)),
    "Slack webhook": after("https://hooks.slack.com/services/T", UPPER + DIGITS, 10, "/B",
                           (UPPER + DIGITS, 10), "/", (ALNUM, 24)),
    "Discord bot": discord,
    "Discord webhook": after("https://discord.com/api/webhooks/1", DIGITS, 18, "/", (URL64, 68)),
    "Telegram": after("7", DIGITS, 9, ":AA", (URL64, 33)),
    "Twilio key": after("SK", HEX, 32),
    "SendGrid": after("SG.", URL64, 22, ".", (URL64, 43)),
    "Mailgun": after("key-", HEX, 32),
    "Mailchimp": after("", HEX, 32, "-us14"),
    "Brevo": after("xkeysib-", HEX, 64, "-", (ALNUM, 16)),
    "Resend": after("re_", ALNUM, 8, "_", (ALNUM, 24)),
    "MailerSend": after("mlsn.", HEX, 64),
    "Stripe live": after("sk_live_", ALNUM, 24),
    "Stripe long": after("sk_live_51", ALNUM, 97),
    "Stripe test": after("sk_test_51", ALNUM, 97),
    "Stripe restricted": after("rk_live_51", ALNUM, 97),
    "Stripe webhook": after("whsec_", ALNUM, 32),
    "Square": after("EAAAl", URL64, 59),
    "Square OAuth": after("sq0csp-", URL64, 43),
    "Braintree": after("access_token$production$", LOWER + DIGITS, 16, "$", (HEX, 32)),
    "Plaid": prefixed_uuid("access-production-"),
    "Razorpay": after("rzp_live_", ALNUM, 14),
    "Flutterwave": after("FLWSECK-", HEX, 32, "-X"),
    "EasyPost": after("EZAK", ALNUM, 54),
    "Shippo": after("shippo_live_", HEX, 40),
    "Coinbase key": lambda rng: f"organizations/{any_uuid(rng)}/apiKeys/{any_uuid(rng)}",
    "Shopify": after("shpat_", HEX, 32),
    "Shopify secret": after("shpss_", HEX, 32),
    "WooCommerce": after("cs_", HEX, 40),
    "Contentful": after("CFPAT-", URL64, 43),
    "Notion": after("ntn_", DIGITS, 11, (ALNUM, 35)),
    "Notion legacy": after("secret_", ALNUM, 43),
    "Linear": after("lin_api_", ALNUM, 40),
    "Figma": after("figd_", URL64, 40),
    "Airtable": after("pat", ALNUM, 14, ".", (HEX, 64)),
    "Airtable legacy": after("key", ALNUM, 14),
    "Asana": after("1/", DIGITS, 16, ":", (HEX, 32)),
    "Trello": after("ATTA", HEX, 64, (HEX.upper(), 8)),
    "Postman": after("PMAK-", HEX, 24, "-", (HEX, 34)),
    "Typeform": after("tfp_", ALNUM, 44, "_", (ALNUM, 14)),
    "ClickUp": after("pk_", DIGITS, 8, "_", (UPPER + DIGITS, 32)),
    "ReadMe": after("rdme_", LOWER + DIGITS, 70),
    "Dropbox": after("sl.B", URL64, 130),
    "Frame.io": after("fio-u-", URL64, 64),
    "HubSpot": prefixed_uuid("pat-na1-"),
    "Intercom": after("dG9rO", ALNUM, 54, "="),
    "Salesforce": after("00D5g00000", ALNUM, 5, "!", (ALNUM + "._", 95), ("abc", 1)),
    "Adobe": after("p8e-", ALNUM, 32),
    "Facebook": after("EAAC", ALNUM, 180),
    "X bearer": after("AAAAAAAAAAAAAAAAAAAAA", ALNUM + "%", 80, ("abc", 1)),
    "Mapbox": after("sk.eyJ1Ijoi", ALNUM, 70, ".", (URL64, 22)),
    "MaxMind": after("", ALNUM, 6, "_", (ALNUM, 29), "_mmk"),
    "LaunchDarkly": prefixed_uuid("sdk-"),
    "Okta": after("00", URL64, 40),
    "JWT": jwt,
}  # fmt: skip

# What is known by the name before it.
NAMED: dict[str, tuple[str, Draw]] = {
    "AWS secret key": ("aws_secret_access_key", after("", B64, 40)),
    "Azure OpenAI": ("AZURE_OPENAI_API_KEY", after("", HEX, 32)),
    "Cohere": ("COHERE_API_KEY", after("", ALNUM, 40)),
    "Mistral": ("MISTRAL_API_KEY", after("", ALNUM, 32)),
    "Together": ("TOGETHER_API_KEY", after("", HEX, 64)),
    "Weights and Biases": ("WANDB_API_KEY", after("", HEX, 40)),
    "Datadog": ("DD_API_KEY", after("", HEX, 32)),
    "Datadog app": ("DATADOG_APP_KEY", after("", HEX, 40)),
    "Fastly": ("FASTLY_API_TOKEN", after("", URL64, 32)),
    "Cloudflare": ("CLOUDFLARE_API_TOKEN", after("", URL64, 40)),
    "Cloudflare global": ("CLOUDFLARE_API_KEY", after("", HEX, 37)),
    "Linode": ("LINODE_TOKEN", after("", HEX, 64)),
    "Heroku": ("HEROKU_API_KEY", any_uuid),
    "Vercel": ("VERCEL_TOKEN", after("", ALNUM, 24)),
    "Netlify": ("NETLIFY_AUTH_TOKEN", after("", URL64, 43)),
    "Algolia": ("ALGOLIA_ADMIN_KEY", after("", HEX, 32)),
    "Sentry": ("SENTRY_AUTH_TOKEN", after("", HEX, 64)),
    "PagerDuty": ("PAGERDUTY_TOKEN", after("", ALNUM, 20)),
    "Twilio": ("TWILIO_AUTH_TOKEN", after("", HEX, 32)),
    "Asana": ("ASANA_CLIENT_SECRET", after("", HEX, 32)),
    "Trello": ("TRELLO_TOKEN", after("", HEX, 64)),
    "Zendesk": ("ZENDESK_API_TOKEN", after("", ALNUM, 40)),
    "Snyk": ("SNYK_TOKEN", any_uuid),
    "Auth0": ("AUTH0_CLIENT_SECRET", after("", URL64, 64)),
    "Spotify": ("SPOTIFY_CLIENT_SECRET", after("", HEX, 32)),
    "LinkedIn": ("LINKEDIN_CLIENT_SECRET", after("", ALNUM, 16)),
    "X": ("TWITTER_API_SECRET", after("", ALNUM, 50)),
    "Facebook": ("FACEBOOK_APP_SECRET", after("", HEX, 32)),
    "Discord": ("DISCORD_CLIENT_SECRET", after("", URL64, 32)),
    "Box": ("BOX_CLIENT_SECRET", after("", ALNUM, 32)),
    "Dropbox": ("DROPBOX_APP_SECRET", after("", LOWER + DIGITS, 15)),
    "Plaid": ("PLAID_SECRET", after("", HEX, 30)),
    "Coinbase": ("COINBASE_API_SECRET", after("", ALNUM, 64)),
    "Confluent": ("CONFLUENT_API_SECRET", after("", B64, 64)),
    "WireGuard": ("PrivateKey", after("", B64, 42, "E=")),
    "a service, UUID": ("serviceToken", any_uuid),
    "a service, hexadecimal": ("internalToken", after("", HEX, 24)),
    "a service, short": ("deployToken", after("", ALNUM, 12)),
}

AROUND: dict[str, str] = {
    "alone": "{}",
    "sentence": "I pasted {} into the form, which I should not have done.",
    "end of a sentence": "The one that we use is {}.",
    "shell": "export SERVICE_TOKEN={}",
    "dotenv": 'SERVICE_TOKEN="{}"',
    "JSON": '{{"name": "ci", "token": "{}", "ttl": 3600}}',
    "YAML": "service:\n  token: {}\n  retries: 3",
    "curl": 'curl -H "Authorization: Bearer {}" https://api.intern/v1/items',
    "header": "X-Api-Key: {}",
    "parameter": "https://api.intern/v1/items?access_token={}&page=2",
    "fence": "```\n{}\n```",
    "backticks": "Use `{}` here.",
    "bold": "Use **{}** here.",
    "italics": "Use *{}* here.",
    "brackets": "our key ({}), as agreed",
    "quotes": "It says “{}” there.",
    "guillemets": "Il est « {} », je crois.",
    "glued": "key={};retry=1",
    "comma": "first, {}, and then the rest",
    "table": "| ci | {} | 2024 |",
    "escaped": "line one\\n{}\\nline two",
    "netrc": "machine api.intern login ana password {}",
    "in code": "client = Client(token='{}', retries=3)",
}
_SEPARATE = frozenset({"Azure Storage", "Azure SAS"})

NAMES_AROUND: dict[str, str] = {
    "shell": "export {}={}",
    "dotenv": '{}="{}"',
    "YAML": "{}: {}",
    "JSON": '{{"{}": "{}"}}',
    "code": "{} = '{}'",
    "sentence": "our {} is {}, as agreed",
}


def is_whole(text: str, value: str) -> bool:
    """Return whether the value is covered by a finding to its last character, and little else."""
    start = text.index(value)
    end = start + len(value)
    return any(
        each.start <= start and end <= each.end and each.end - each.start <= len(value) + 12
        for each in secrets_in(text)
    )


def is_covered(text: str, start: int, stop: int) -> bool:
    """Return whether a finding covers a stretch of text."""
    return any(each.start <= start and stop <= each.end for each in secrets_in(text))


def rows(count: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield kind, what it is written in, text and value."""
    rng = random.Random(2611)
    for kind, draw in DISTINCT.items():
        for number in range(count):
            value = draw(rng)
            if kind in _SEPARATE:
                place, text = "address", f"The string is {value} there."
                value = value.rpartition("sig=")[2] if "sig=" in value else value.partition("=")[2]
            else:
                place = list(AROUND)[number % len(AROUND)]
                text = AROUND[place].format(value)
            yield kind, place, text, value
    for kind, (name, draw) in NAMED.items():
        for number in range(count):
            value = draw(rng)
            place = list(NAMES_AROUND)[number % len(NAMES_AROUND)]
            text = NAMES_AROUND[place].format(name, value)
            yield f"{kind} after its name", place, text, value


def texts(data: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts of a folder of sources as they are read from it, each once."""
    seen: set[str] = set()
    todo = sorted(path for path in data.iterdir() if path.is_dir())
    while todo:
        path = todo.pop(0)
        try:
            kind = detect(path).kind
            documents = list(read(kind, path, on_skip=lambda _: None))
        except FinetuiError:
            todo = (sorted(path.iterdir()) if path.is_dir() else []) + todo
            continue
        for document in documents:
            for example in extract(document, {}):
                for content in (
                    *(turn.content for turn in example.turns),
                    *(other.content for other in example.alternatives),
                ):
                    if content not in seen:
                        seen.add(content)
                        yield f"{path.name}: {document.path}", content


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=46)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--missed", action="store_true")
    chosen = parser.parse_args()
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for kind, place, text, value in rows(chosen.count):
        total[kind] += 1
        if is_whole(text, value):
            found[kind] += 1
        else:
            places[place] += 1
            if chosen.missed:
                print(f"missed: {kind} in {place}: {text}")
    for kind in total:
        if found[kind] < total[kind]:
            print(f"{kind:32} {found[kind]:4} of {total[kind]}")
    print(f"kinds {len(total)}; all found in {sum(found[k] == total[k] for k in total)}")
    print(f"tokens {found.total():,} of {total.total():,}: {found.total() / total.total():.2%}")
    print("missed by what they are written in:", dict(places.most_common()))
    others = list(cases(1, 12))
    whole = sum(is_covered(one.text, one.start, one.stop) for one in others)
    print(f"forms by another hand: {whole:,} of {len(others):,}: {whole / len(others):.2%}")
    named = list(assignments(1, 1))
    whole = sum(is_covered(one.text, one.start, one.stop) for one in named)
    print(f"assignments by another hand: {whole} of {len(named)}")
    plain = list(plain_texts(1, 8))
    print(f"flagged of {len(plain)} that are none: {sum(bool(secrets_in(t)) for _, t in plain)}")
    if chosen.data:
        began, characters, flags = time.process_time(), 0, 0
        for where, content in texts(chosen.data):
            characters += len(content)
            for each in secrets_in(content):
                flags += 1
                print(f"flag {each.code} in {where}: {content[each.start : each.end]!r:.60}")
        print(f"{flags} flags in {characters / 1e6:.1f} million characters of real text")
        print(f"with reading {time.process_time() - began:.1f} s")


if __name__ == "__main__":
    main()
