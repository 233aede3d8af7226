"""Secrets of every kind, drawn by a seed, so that none stands in the repository."""

from __future__ import annotations

import base64
import json
import random
import string

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def _mixed(rng: random.Random, size: int, letters: str = LETTERS) -> str:
    """Return random characters with at least one digit, as tokens of that length have."""
    while True:
        value = "".join(rng.choice(letters) for _ in range(size))
        if any(c.isdigit() for c in value) and any(c.isalpha() for c in value):
            return value


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def private_key(rng: random.Random, kind: str = "RSA ") -> str:
    """Return a block in the form of a private key."""
    lines = "\n".join(_mixed(rng, 64, LETTERS + "+/") for _ in range(12))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def made(rng: random.Random) -> list[tuple[str, str, str]]:
    """Return one secret of each kind: its code, its value, and the text that holds it."""
    plain = {
        "openai-key": f"sk-proj-{_mixed(rng, 48)}",
        "anthropic-key": f"sk-ant-api03-{_mixed(rng, 93)}AA",
        "huggingface-token": f"hf_{_mixed(rng, 34)}",
        "github-token": f"ghp_{_mixed(rng, 36)}",
        "gitlab-token": f"glpat-{_mixed(rng, 20)}",
        "slack-token": f"xoxb-{rng.randrange(10**11, 10**12)}-"
        f"{rng.randrange(10**11, 10**12)}-{_mixed(rng, 24)}",
        "google-key": f"AIza{_mixed(rng, 35)}",
        "stripe-key": f"sk_live_{_mixed(rng, 24)}",
        "aws-access-key": f"AKIA{_mixed(rng, 16, string.ascii_uppercase + '234567')}",
        "npm-token": f"npm_{_mixed(rng, 36)}",
        "groq-key": f"gsk_{_mixed(rng, 52)}",
        "sendgrid-key": f"SG.{_mixed(rng, 22)}.{_mixed(rng, 43)}",
        "jwt": f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part({'sub': rng.randrange(10**6)})}."
        f"{_mixed(rng, 43)}",
        "private-key": private_key(rng),
    }
    rows = [(code, value, value) for code, value in plain.items()]
    aws = _mixed(rng, 40, LETTERS + "+/")
    rows.append(("api-key", aws, f"aws_secret_access_key = {aws}"))
    word = _mixed(rng, 12)
    rows.append(("password", word, f'password: "{word}"'))
    word = _mixed(rng, 10) + rng.choice("!#*+")
    rows.append(("password", word, f"DB_PASSWORD={word}"))
    word = _mixed(rng, 9)
    rows.append(("password", word, f"the password is {word}"))
    word = _mixed(rng, 14)
    rows.append(("url-password", word, f"postgres://ana:{word}@db.intern:5432/shop"))
    word = _mixed(rng, 40)
    rows.append(("auth-header", word, f"Authorization: Bearer {word}"))
    word = _mixed(rng, 32, HEX)
    rows.append(("api-key", word, f"api_key: '{word}'"))
    word = _mixed(rng, 44)
    rows.append(("high-entropy", word, f"the signing key {word}"))
    return rows


def unseen(rng: random.Random) -> list[tuple[str, str, str]]:
    """Return secrets in forms that the first rules were not written for: form, value, text."""
    word = _mixed(rng, 11)
    long = _mixed(rng, 40)
    return [
        (form, word, text)
        for form, text in {
            "compose file": f"      - POSTGRES_PASSWORD={word}",
            "yaml": f"  smtp_passwd: {word}",
            "netrc": f"machine api.intern login ana password {word}",
            "curl": f"curl -u ana:{word} https://api.intern/v1",
            "command": f"mysqldump -u root -p{word} shop > shop.sql",
            "properties": f"spring.datasource.password={word}",
            "code": f'client.login("ana", password="{word}")',
            "connection string": f"Server=db;Database=shop;User Id=sa;Password={word};",
            "table": f"| wifi | parola | {word} |",
            "sentence": f"Wi-Fi at the office: network finet, password {word}",
            "Romanian sentence": f"Parola de la contul vechi e {word}, nu o uita.",
            "German sentence": f"Das Passwort lautet {word}.",
        }.items()
    ] + [
        (form, long, text)
        for form, text in {
            "json": f'{{"client_id": "a1", "client_secret": "{long}"}}',
            "header in code": f'headers = {{"X-Api-Key": "{long}"}}',
            "address": f"https://api.intern/v1/items?api_key={long}&page=2",
            "bare on a line": long,
            "key in a sentence": f"I got a new API key today, it is {long} I think",
            "terraform": f'  token = "{long}"',
        }.items()
    ]


def later(rng: random.Random) -> list[tuple[str, str, str]]:
    """Return secrets in forms that no rule was changed for: form, value, text."""
    word = _mixed(rng, 12)
    long = _mixed(rng, 40)
    coded = base64.b64encode(_mixed(rng, 18).encode()).decode()
    return [
        (form, word, text)
        for form, text in {
            "xml": f"    <password>{word}</password>",
            "php": f"define('DB_PASSWORD', '{word}');",
            "in brackets": f"ssh ana@gate (pass: {word})",
            "bold label": f"**Password:** {word}",
            "with a slash": f"login for the router: ana / {word}",
            "short label": f"user ana, pw {word}",
            "French sentence": f"Le mot de passe est {word}.",
            "Spanish sentence": f"La contraseña es {word}.",
            "Romanian label": f"Parolă router: {word}",
            "ini": f"[client]\nuser=ana\npassword={word}",
            "function call": f"connect(host, 'ana', '{word}')",
            "ftp address": f"ftp://ana:{word}@files.intern/x",
        }.items()
    ] + [
        (form, value, text)
        for form, value, text in (
            ("environment", long, f"docker run -e API_TOKEN={long} image"),
            ("dotenv", long, f'SECRET_KEY="{long}"'),
            ("in code", long, f'os.environ["SERVICE_KEY"] = "{long}"'),
            ("git remote", long, f"git clone https://oauth2:{long}@git.intern/a/b.git"),
            ("bearer in curl", long, f'curl -H "Authorization: Bearer {long}" https://api.intern'),
            ("list of two", long, f'["token", "{long}"]'),
            ("kubernetes", coded, f"data:\n  token: {coded}"),
            ("key on the next line", long, f"API key:\n\n    {long}\n"),
        )
    ]
