"""Private keys of true structure and random numbers, and passwords in addresses."""

import random
from collections.abc import Callable

from tests.quality.token_forms.assignments import assigned, within
from tests.quality.token_forms.shapes import (
    LOWER_NUM,
    SLOT,
    URL64,
    Form,
    Maker,
    Wrap,
    armor,
    armor_pgp,
    b64,
    base58check,
    der,
    der_int,
    either,
    hexes,
    jwt,
    password,
    plain_name,
    random_b64,
    run,
    seq,
    slug,
    unix_time,
    uuid,
)


def odd(rng: random.Random, bits: int) -> int:
    """A number of exactly so many bits, the last of them set."""
    return rng.getrandbits(bits) | 1 << (bits - 1) | 1


def rsa_body(rng: random.Random, bits: int = 2048) -> bytes:
    """An RSAPrivateKey (RFC 8017, A.1.2) of random numbers of the right sizes."""
    half = bits // 2
    sizes = (bits, None, bits, half, half, half, half, half)
    numbers = [65537 if size is None else odd(rng, size) for size in sizes]
    return der(0x30, der_int(0), *(der_int(number) for number in numbers))


def pkcs8_rsa(rng: random.Random) -> bytes:
    """A PrivateKeyInfo (RFC 5208) of an RSA key."""
    algorithm = der(0x30, der(0x06, bytes.fromhex("2a864886f70d010101")), der(0x05))
    return der(0x30, der_int(0), algorithm, der(0x04, rsa_body(rng)))


def ec_body(rng: random.Random) -> bytes:
    """An ECPrivateKey (RFC 5915) on P-256."""
    curve = der(0xA0, der(0x06, bytes.fromhex("2a8648ce3d030107")))
    point = der(0xA1, der(0x03, b"\0\4" + rng.randbytes(64)))
    return der(0x30, der_int(1), der(0x04, rng.randbytes(32)), curve, point)


def ed25519_body(rng: random.Random) -> bytes:
    """A PrivateKeyInfo of Ed25519 (RFC 8410)."""
    algorithm = der(0x30, der(0x06, bytes.fromhex("2b6570")))
    return der(0x30, der_int(0), algorithm, der(0x04, der(0x04, rng.randbytes(32))))


def encrypted_body(rng: random.Random) -> bytes:
    """An EncryptedPrivateKeyInfo (RFC 5958) of PBES2."""
    derive = der(0x30, der(0x04, rng.randbytes(16)), der_int(2048))
    kdf = der(0x30, der(0x06, bytes.fromhex("2a864886f70d01050c")), derive)
    cipher = der(0x30, der(0x06, bytes.fromhex("60864801650304012a")), der(0x04, rng.randbytes(16)))
    both = der(0x30, kdf, cipher)
    scheme = der(0x30, der(0x06, bytes.fromhex("2a864886f70d01050d")), both)
    return der(0x30, scheme, der(0x04, rng.randbytes(1232)))


def openssh_body(rng: random.Random) -> bytes:
    """An OpenSSH key file (PROTOCOL.key) of Ed25519, not encrypted."""

    def text(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    public = rng.randbytes(32)
    blob = text(b"ssh-ed25519") + text(public)
    check = rng.randbytes(4) * 2
    secret = check + blob + text(rng.randbytes(32) + public) + text(b"me@laptop")
    secret += bytes(range(1, 9 - len(secret) % 8)) if len(secret) % 8 else b""
    head = b"openssh-key-v1\0" + text(b"none") * 2 + text(b"") + (1).to_bytes(4, "big")
    return head + text(blob) + text(secret)


def pgp_body(rng: random.Random) -> bytes:
    """A secret key packet and a user id (RFC 9580)."""
    name = b"Amber Willow <amber@example.org>"
    body = b"\4" + rng.randbytes(4) + b"\1" + b"\x08\0" + rng.randbytes(256) + b"\0\x11\1\0\1"
    body += b"\xfe\7\3\x08" + rng.randbytes(670)
    size = len(body).to_bytes(2, "big")
    return b"\x95" + size + body + b"\xb4" + bytes((len(name),)) + name


def lines64(data: bytes) -> tuple[int, str]:
    """Bytes in lines of 64 characters of base64, and how many lines."""
    text = b64(data)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return len(lines), "\n".join(lines)


def putty_key(rng: random.Random) -> str:
    """A PuTTY key file, version 3."""
    public_count, public = lines64(b"\0\0\0\7ssh-rsa\0\0\0\3\1\0\1" + rng.randbytes(260))
    secret_count, secret = lines64(rng.randbytes(836))
    return (
        "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: rsa-key-20250314\n"
        f"Public-Lines: {public_count}\n{public}\nPrivate-Lines: {secret_count}\n{secret}\n"
        f"Private-MAC: {rng.randbytes(32).hex()}"
    )


def old_encrypted(rng: random.Random) -> str:
    """An RSA key encrypted in the way of RFC 1421."""
    plain = armor("RSA PRIVATE KEY", rng.randbytes(1200)).split("\n")
    head = ["Proc-Type: 4,ENCRYPTED", f"DEK-Info: AES-128-CBC,{rng.randbytes(16).hex().upper()}"]
    return "\n".join([plain[0], *head, "", *plain[1:]])


def wif(rng: random.Random) -> str:
    """A Bitcoin key in the wallet import format, compressed."""
    return base58check(b"\x80" + rng.randbytes(32) + b"\1")


def extended_key(rng: random.Random) -> str:
    """A Bitcoin extended private key (BIP-32)."""
    path = b"\3" + rng.randbytes(4) + b"\x80\0\0\0"
    return base58check(
        bytes.fromhex("0488ade4") + path + rng.randbytes(32) + b"\0" + rng.randbytes(32)
    )


def session_jwt(rng: random.Random) -> str:
    """A JSON Web Token of a signed-in person."""
    made = unix_time(rng)
    body: dict[str, object] = {"sub": uuid(rng), "name": plain_name(rng), "iat": made}
    return jwt(
        {"alg": rng.choice(("HS256", "RS256")), "typ": "JWT"}, {**body, "exp": made + 3600}, rng
    )


def basic(rng: random.Random) -> str:
    """User and password as HTTP sends them (RFC 7617)."""
    return b64(f"{plain_name(rng)}:{password(rng)}".encode())


def pem(label: str, make: Callable[[random.Random], bytes]) -> Maker:
    """A maker of a key in the armour of RFC 7468."""
    return lambda rng: armor(label, make(rng))


def place(*templates: str) -> Wrap:
    """One of these templates with a user, a host and a database filled in."""

    def wrap(rng: random.Random) -> str:
        text = rng.choice(templates).replace("@user", plain_name(rng))
        return text.replace("@host", f"{slug(rng)}.example.net").replace("@db", plain_name(rng))

    return wrap


RFC7468 = "https://datatracker.ietf.org/doc/html/rfc7468"
RFC7519 = "https://datatracker.ietf.org/doc/html/rfc7519"
RFC7617 = "https://datatracker.ietf.org/doc/html/rfc7617"
RFC3986 = "https://datatracker.ietf.org/doc/html/rfc3986#section-3.2.1"
OPENSSH = "https://github.com/openssh/openssh-portable: PROTOCOL.key"
POSTGRES = "https://www.postgresql.org/docs/current/libpq-connect.html"
NETRC = "https://everything.curl.dev/usingcurl/netrc"
DOTNET = "https://learn.microsoft.com/en-us/dotnet/framework/data/adonet/connection-string-syntax"


def _uri(name: str, vendor: str, documented: str, *templates: str) -> Form:
    return Form(name, vendor, password, documented, place(*templates), "line")


FORMS: tuple[Form, ...] = (
    Form("rsa private key", "PEM", pem("RSA PRIVATE KEY", rsa_body), RFC7468, None, "block"),
    Form("pkcs8 private key", "PEM", pem("PRIVATE KEY", pkcs8_rsa), RFC7468, None, "block"),
    Form("ec private key", "PEM", pem("EC PRIVATE KEY", ec_body), RFC7468, None, "block"),
    Form("ed25519 private key", "PEM", pem("PRIVATE KEY", ed25519_body), RFC7468, None, "block"),
    Form(
        "encrypted private key",
        "PEM",
        pem("ENCRYPTED PRIVATE KEY", encrypted_body),
        RFC7468,
        None,
        "block",
    ),
    Form(
        "encrypted rsa key",
        "PEM",
        old_encrypted,
        "https://datatracker.ietf.org/doc/html/rfc1421",
        None,
        "block",
    ),
    Form(
        "openssh private key",
        "OpenSSH",
        lambda rng: armor("OPENSSH PRIVATE KEY", openssh_body(rng), 70),
        OPENSSH,
        None,
        "block",
    ),
    Form(
        "pgp private key",
        "OpenPGP",
        lambda rng: armor_pgp("PGP PRIVATE KEY BLOCK", pgp_body(rng)),
        "https://datatracker.ietf.org/doc/html/rfc9580#section-6.2",
        None,
        "block",
    ),
    Form(
        "putty private key",
        "PuTTY",
        putty_key,
        "https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html",
        None,
        "block",
    ),
    Form("json web token", "JWT", session_jwt, RFC7519),
    Form(
        "bearer jwt", "JWT", session_jwt, RFC7519, within(f"Authorization: Bearer {SLOT}"), "line"
    ),
    Form(
        "bearer opaque token",
        "OAuth",
        run(URL64, 43),
        "https://datatracker.ietf.org/doc/html/rfc6750",
        within(
            f"Authorization: Bearer {SLOT}",
            f"curl -H 'Authorization: Bearer {SLOT}' https://api.example.com/v1/me",
        ),
        "line",
    ),
    Form(
        "basic authorization",
        "HTTP",
        basic,
        RFC7617,
        within(
            f"Authorization: Basic {SLOT}",
            f'curl -H "Authorization: Basic {SLOT}" https://x.example/',
        ),
        "line",
    ),
    _uri("url with password", "HTTP", RFC3986, f"https://@user:{SLOT}@@host/repo.git"),
    _uri(
        "curl user",
        "curl",
        "https://curl.se/docs/manpage.html#-u",
        f"curl -u @user:{SLOT} https://@host/",
    ),
    _uri("ftp url", "FTP", RFC3986, f"ftp://@user:{SLOT}@@host/backup"),
    _uri(
        "postgres url",
        "PostgreSQL",
        POSTGRES,
        f"postgres://@user:{SLOT}@@host:5432/@db",
        f"DATABASE_URL=postgresql://@user:{SLOT}@@host:5432/@db?sslmode=require",
        f'"host=@host dbname=@db user=@user password={SLOT}"',
    ),
    _uri("pgpass line", "PostgreSQL", POSTGRES, f"@host:5432:@db:@user:{SLOT}"),
    _uri(
        "mysql url",
        "MySQL",
        "https://dev.mysql.com/doc/refman/8.4/en/connecting-using-uri-or-key-value-pairs.html",
        f"mysql://@user:{SLOT}@@host:3306/@db",
        f"mysql+pymysql://@user:{SLOT}@@host/@db?charset=utf8mb4",
    ),
    _uri(
        "mongodb url",
        "MongoDB",
        "https://www.mongodb.com/docs/manual/reference/connection-string/",
        f"mongodb+srv://@user:{SLOT}@cluster0.k2v9q.mongodb.net/@db",
        f"mongodb://@user:{SLOT}@@host:27017/@db?authSource=admin",
    ),
    _uri(
        "amqp url",
        "RabbitMQ",
        "https://www.rabbitmq.com/docs/uri-spec",
        f"amqps://@user:{SLOT}@@host:5671/@db",
    ),
    _uri(
        "redis url",
        "Redis",
        "https://www.iana.org/assignments/uri-schemes/prov/redis",
        f"redis://default:{SLOT}@@host:6379/0",
        f"rediss://:{SLOT}@@host:6380",
    ),
    _uri(
        "ado.net string",
        "Microsoft",
        DOTNET,
        f"Server=@host;Database=@db;User Id=@user;Password={SLOT};",
    ),
    _uri(
        "jdbc url",
        "Java",
        "https://jdbc.postgresql.org/documentation/use/",
        f"jdbc:postgresql://@host:5432/@db?user=@user&password={SLOT}&ssl=true",
    ),
    _uri("smtp url", "SMTP", RFC3986, f"smtps://@user:{SLOT}@@host:465"),
    Form(
        "netrc",
        "curl",
        password,
        NETRC,
        place(f"machine @host\n  login @user\n  password {SLOT}"),
        "block",
    ),
    _uri("netrc line", "curl", NETRC, f"machine @host login @user password {SLOT}"),
    Form(
        "wordpress password",
        "WordPress",
        password,
        "https://developer.wordpress.org/advanced-administration/wordpress/wp-config/",
        within(f"define( 'DB_PASSWORD', '{SLOT}' );"),
        "line",
    ),
    Form(
        "django secret key",
        "Django",
        run(LOWER_NUM + "!@#$%^&*(-_=+)", 50),
        "https://docs.djangoproject.com/en/stable/ref/settings/#secret-key",
        within(f"SECRET_KEY = 'django-insecure-{SLOT}'", f'SECRET_KEY = "{SLOT}"'),
        "line",
    ),
    Form(
        "rails master key",
        "Rails",
        hexes(32),
        "https://guides.rubyonrails.org/security.html#custom-credentials",
        assigned("rails master key"),
    ),
    Form(
        "rails secret key base",
        "Rails",
        hexes(128),
        "https://guides.rubyonrails.org/configuring.html#config-secret-key-base",
        assigned("secret key base"),
    ),
    Form(
        "laravel app key",
        "Laravel",
        random_b64(32),
        "https://laravel.com/docs/encryption",
        within(f"APP_KEY=base64:{SLOT}"),
        "line",
    ),
    Form("bitcoin private key", "Bitcoin", wif, "https://en.bitcoin.it/wiki/Wallet_import_format"),
    Form(
        "bitcoin extended key",
        "Bitcoin",
        extended_key,
        "https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki",
    ),
    Form(
        "ethereum private key",
        "Ethereum",
        seq(either("", "0x"), hexes(64)),
        "https://ethereum.org/en/developers/docs/accounts/",
        assigned("private key", "deployer private key", "eth private key"),
    ),
)
