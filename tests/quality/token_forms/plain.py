"""Texts that look like secrets and are not; none of them may be flagged."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha512

from tests.quality.token_forms.shapes import (
    ALNUM,
    BASE32,
    BASE58,
    BASE64,
    BECH32,
    DIGITS,
    LOWER,
    LOWER_NUM,
    URL64,
    Maker,
    armor,
    armor_pgp,
    b64,
    bech32,
    either,
    hexes,
    number,
    plain_name,
    run,
    seq,
    slug,
    uuid,
)


@dataclass(frozen=True)
class Plain:
    """A kind of text that holds no secret."""

    name: str
    make: Maker


def isbn13(rng: random.Random) -> str:
    """An ISBN-13 with its check digit."""
    body = "978" + run(DIGITS, 9)(rng)
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(body))
    return f"ISBN {body[:3]}-{body[3]}-{body[4:7]}-{body[7:]}-{-total % 10}"


def integrity(rng: random.Random) -> str:
    """An entry of package-lock.json."""
    name, version = slug(rng), f"{rng.randint(1, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}"
    digest = b64(sha512(rng.randbytes(8)).digest())
    url = f"https://npm.example.com/{name}/-/{name}-{version}.tgz"
    return (
        f'"node_modules/{name}": {{\n  "resolved": "{url}",\n  "integrity": "sha512-{digest}"\n}}'
    )


def ssh_public(rng: random.Random) -> str:
    """A public key of OpenSSH."""
    blob = b"\0\0\0\x07ssh-rsa\0\0\0\3\1\0\1\0\0\1\1\0" + rng.randbytes(256)
    return f"ssh-rsa {b64(blob)} {plain_name(rng)}@laptop"


def ssh_public_ed25519(rng: random.Random) -> str:
    """A public key of OpenSSH, of Ed25519, as in authorized_keys."""
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0 " + rng.randbytes(32)
    return f"ssh-ed25519 {b64(blob)} {plain_name(rng)}@desk"


def signed_s3(rng: random.Random) -> str:
    """A presigned address of S3; its key id is no secret."""
    credential = f"{'AKIA' + run(BASE32, 16)(rng)}%2F20260211%2Feu-west-1%2Fs3%2Faws4_request"
    return (
        f"https://{slug(rng)}.s3.eu-west-1.amazonaws.com/report.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={credential}&X-Amz-Date=20260211T081452Z&X-Amz-Expires=3600"
        f"&X-Amz-SignedHeaders=host&X-Amz-Signature={hexes(64)(rng)}"
    )


def signed_gcs(rng: random.Random) -> str:
    """A signed address of Google's storage."""
    who = f"{plain_name(rng)}%40{slug(rng)}.iam.gserviceaccount.com"
    return (
        f"https://storage.googleapis.com/{slug(rng)}/cat.jpeg?X-Goog-Algorithm=GOOG4-RSA-SHA256"
        f"&X-Goog-Credential={who}%2F20260211%2Fauto%2Fstorage%2Fgoog4_request"
        f"&X-Goog-Date=20260211T081452Z&X-Goog-Expires=900&X-Goog-SignedHeaders=host"
        f"&X-Goog-Signature={hexes(512)(rng)}"
    )


def signed_cloudfront(rng: random.Random) -> str:
    """A signed address of CloudFront."""
    return (
        f"https://d{run(LOWER_NUM, 13)(rng)}.cloudfront.net/video/intro.mp4?Expires=1770800000"
        f"&Signature={run(ALNUM + '-~', 342)(rng)}__&Key-Pair-Id=K{run(BASE32, 13)(rng)}"
    )


def data_image(rng: random.Random) -> str:
    """A small picture as a data address."""
    data = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\6\0\0\0" + rng.randbytes(180)
    return f"![logo](data:image/png;base64,{b64(data)})"


def placeholder(rng: random.Random) -> str:
    """An assignment whose value stands for one that the reader puts in."""
    values = (
        "YOUR_API_KEY",
        "<token>",
        "<your-api-key-here>",
        "${TOKEN}",
        "$API_TOKEN",
        "{{ api_key }}",
        "%API_KEY%",
        "xxxxxxxxxxxxxxxxxxxx",
        "XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX",
        "changeme",
        "********",
        "your-token-here",
        "replace_me_with_your_token",
        "[REDACTED]",
        "...",
        "TODO",
        "sk-...",
        "ghp_" + "x" * 36,
        "sk_live_...",
        "null",
    )
    form = rng.choice(("API_KEY={}", 'api_key: "{}"', "--token {}", '{{"token": "{}"}}'))
    return form.format(rng.choice(values))


def looked_up(rng: random.Random) -> str:
    """Code that takes a secret from elsewhere."""
    return rng.choice(
        (
            "const apiKey = process.env.OPENAI_API_KEY;",
            'api_key = os.environ["OPENAI_API_KEY"]',
            'token = os.getenv("GITHUB_TOKEN", "")',
            "password: ${{ secrets.DEPLOY_PASSWORD }}",
            "token = getpass.getpass('Token: ')",
            'secret_key = config.get("auth", "secret_key")',
            "api_key = data.aws_secretsmanager_secret_version.api.secret_string",
            "$password = $_ENV['DB_PASSWORD'];",
            'let token = std::env::var("API_TOKEN")?;',
            'token := os.Getenv("API_TOKEN")',
            "export TOKEN=$(vault kv get -field=token secret/app)",
            "api_key = st.secrets['openai_api_key']",
            "password = request.form['password']",
            "postgres://user:${DB_PASSWORD}@localhost:5432/app",
            "access_token = response.json()['access_token']",
            "this.accessToken = await this.refreshAccessToken();",
        )
    )


def example_value(rng: random.Random) -> str:
    """Values that documentation shows; they are put together here."""
    return rng.choice(
        (
            "AWS_ACCESS_KEY_ID=" + "AKIA" + "IOSFODNN7" + "EXAMPLE",
            "AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/" + "K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
            "curl https://user:password@example.com/",
            "postgres://user:password@localhost:5432/mydb",
            "mongodb://username:password@localhost/db",
            "redis://localhost:6379/0",
        )
    )


def certificate(rng: random.Random) -> str:
    """A certificate, which is public."""
    return armor(
        "CERTIFICATE", b"\x30\x82\x03\x5d\x30\x82\x02\x45\xa0\3\2\1\2" + rng.randbytes(850)
    )


def public_key(rng: random.Random) -> str:
    """A public key in the armour of RFC 7468."""
    head = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
    return armor("PUBLIC KEY", head + rng.randbytes(256) + bytes.fromhex("0203010001"))


def about_secrets(rng: random.Random) -> str:
    """Prose about secrets, without one."""
    return rng.choice(
        (
            "The password must have at least 12 characters, a digit and a capital letter.",
            "Tokens expire after 30 days; ask the platform team for a new one.",
            "Das Passwort steht im Tresor, nicht hier.",
            "La clé d'API se trouve dans le coffre de l'équipe.",
            "El token caduca cada semana, pídelo en el canal.",
            "La password va cambiata ogni tre mesi.",
            "token: the smallest unit the model reads",
            "secret: he never liked the soup",
            "key: C minor, tempo: 92",
            "max_tokens: 4096",
            "pad_token_id = 128001",
            'eos_token: "<|im_end|>"',
            "public_key_path = ~/.ssh/id_ed25519.pub",
            "primary_key = customer_order_line_id",
            "sort_key: created_at_descending",
        )
    )


NOT_SECRETS: tuple[Plain, ...] = (
    Plain("signed s3 url", signed_s3),
    Plain("signed gcs url", signed_gcs),
    Plain("signed cloudfront url", signed_cloudfront),
    Plain("git commit", seq("Fixed in ", hexes(40), ", see the release notes.")),
    Plain("git log", seq("commit ", hexes(40), "\nAuthor: Amber <amber@example.org>")),
    Plain("git short hash", seq("reverts ", hexes(7), " and ", hexes(10))),
    Plain("commit url", seq("https://github.com/amber/willow/commit/", hexes(40))),
    Plain("pinned action", seq("uses: actions/checkout@", hexes(40), " # v4.2.2")),
    Plain("uuid in prose", seq("The request ", uuid, " took 4 seconds, the retry none.")),
    Plain("uuid in a path", seq("GET /v1/orders/", uuid, "/items 200 14ms")),
    Plain("request id", seq('"request_id": "', uuid, '"')),
    Plain("trace parent", seq("traceparent: 00-", hexes(32), "-", hexes(16), "-01")),
    Plain("npm integrity", integrity),
    Plain("yarn checksum", seq("  checksum: 10c0/", hexes(128))),
    Plain("pip hash", seq("httpx==0.28.1 --hash=sha256:", hexes(64))),
    Plain("cargo checksum", seq('name = "serde"\nchecksum = "', hexes(64), '"')),
    Plain(
        "go.sum",
        seq("github.com/pkg/errors v0.9.1 h1:", lambda rng: b64(rng.randbytes(32))),
    ),
    Plain("docker digest", seq("FROM python:3.12-slim@sha256:", hexes(64))),
    Plain("sha256sum", seq(hexes(64), "  model-q4_k_m.gguf")),
    Plain("md5", seq("md5: ", hexes(32), "  backup.tar.gz")),
    Plain("model hash", seq("revision: ", hexes(40), "\nmodel: Qwen/Qwen2.5-7B-Instruct")),
    Plain("etag", seq('ETag: "', hexes(32), '"')),
    Plain("image as data", data_image),
    Plain("placeholder", placeholder),
    Plain("looked up elsewhere", looked_up),
    Plain("documentation example", example_value),
    Plain("prose about secrets", about_secrets),
    Plain("ssh public key", ssh_public),
    Plain("ssh public key, ed25519", ssh_public_ed25519),
    Plain("ssh fingerprint", seq("SHA256:", run(BASE64, 43), " amber@laptop (ED25519)")),
    Plain("pgp public key", lambda rng: armor_pgp("PGP PUBLIC KEY BLOCK", rng.randbytes(600))),
    Plain("pgp signature", lambda rng: armor_pgp("PGP SIGNATURE", rng.randbytes(410))),
    Plain("certificate", certificate),
    Plain("public key", public_key),
    Plain("age recipient", lambda rng: "age -r " + bech32("age", rng.randbytes(32)) + " notes.md"),
    Plain(
        "wireguard public key",
        seq("[Peer]\nPublicKey = ", lambda rng: b64(rng.randbytes(32))),
    ),
    Plain("stripe publishable key", seq("pk_live_51", run(ALNUM, 97))),
    Plain("stripe object id", seq("pi_3", run(ALNUM, 23), " succeeded")),
    Plain("supabase publishable key", seq("sb_publishable_", run(URL64, 22), "_", run(URL64, 8))),
    Plain("sentry dsn", seq("dsn: https://", hexes(32), "@o", number(6), ".ingest.sentry.io/4501")),
    Plain("recaptcha site key", seq('data-sitekey="6L', run(URL64, 38), '"')),
    Plain(
        "google client id", seq(number(12), "-", run(LOWER_NUM, 32), ".apps.googleusercontent.com")
    ),
    Plain("analytics id", seq("gtag('config', 'G-", run(ALNUM[26:], 10), "');")),
    Plain("isbn", isbn13),
    Plain("doi", seq("https://doi.org/10.1145/", number(7), ".", number(7))),
    Plain("arxiv", seq("arXiv:2", run(DIGITS, 3), ".", run(DIGITS, 5), "v2")),
    Plain("long numbers", seq("Ticket ", number(9), ", order ", number(12))),
    Plain("file with hash", seq("dist/assets/index-", run(URL64, 8), ".js  142.31 kB")),
    Plain("webpack chunk", seq("main.", hexes(20), ".chunk.css")),
    Plain("css class", seq('<div class="css-', run(LOWER_NUM, 7), " sc-", run(ALNUM, 6), '">')),
    Plain("css module", seq(".Button_root__", run(ALNUM, 5), " { color: #", hexes(6), "; }")),
    Plain("ethereum address", seq("send it to 0x", hexes(40), " on mainnet")),
    Plain("transaction hash", seq("https://etherscan.io/tx/0x", hexes(64))),
    Plain("bitcoin address", seq("donations: bc1q", run(BECH32, 38))),
    Plain("ipfs", seq("ipfs://Qm", run(BASE58, 44))),
    Plain(
        "npm package", seq("npm install @", run(LOWER, 8), "/", run(LOWER, 9), "-", run(LOWER, 7))
    ),
    Plain(
        "long identifier", seq("AbstractSingletonProxyFactoryBeanRepositoryImpl.", run(LOWER, 9))
    ),
    Plain("youtube video", seq("https://www.youtube.com/watch?v=", run(URL64, 11))),
    Plain("document url", seq("https://docs.google.com/document/d/1", run(URL64, 43), "/edit")),
    Plain("spotify track", seq("https://open.spotify.com/track/", run(ALNUM, 22))),
    Plain("figma file", seq("https://www.figma.com/design/", run(ALNUM, 22), "/Landing-page")),
    Plain(
        "slack permalink",
        seq("https://acme.slack.com/archives/C0", run(ALNUM[26:], 9), "/p17", number(14)),
    ),
    Plain("notion page", seq("https://www.notion.so/acme/Roadmap-", hexes(32))),
    Plain("mac address", seq("a4:5e:60:c1:", hexes(2), ":", hexes(2))),
    Plain("ipv6", seq("2a01:4f8:", hexes(4), ":", hexes(4), "::1")),
    Plain("nginx log", seq('203.0.113.7 - - "GET /app.js?v=', hexes(8), ' HTTP/1.1" 200 5312')),
    Plain("uuid array", seq("[\n  '", uuid, "',\n  '", uuid, "'\n]")),
    Plain(
        "licence header",
        either("SPDX-License-Identifier: Apache-2.0", "SPDX-License-Identifier: MIT"),
    ),
)


def plain_texts(seed: int, per_kind: int) -> Iterator[tuple[str, str]]:
    """So many texts of each kind, with the kind's name."""
    for kind in NOT_SECRETS:
        for turn in range(per_kind):
            yield kind.name, kind.make(random.Random(f"{seed}/{kind.name}/{turn}"))
