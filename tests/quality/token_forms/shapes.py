"""What tokens are built of: alphabets, checksums, encodings, and the row of the table.

Nothing here is a token; each is put together when asked for, so no file of the project holds one.
"""

import base64
import binascii
import json
import random
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Literal

Maker = Callable[[random.Random], str]
Wrap = Callable[[random.Random], str]
Holds = Literal["token", "line", "block"]

SLOT = "§"
"""Where a template takes what it carries."""

LOWER = ascii_lowercase
UPPER = ascii_uppercase
LETTERS = ascii_letters
DIGITS = digits
HEX = digits + "abcdef"
HEX_UPPER = digits + "ABCDEF"
LOWER_NUM = ascii_lowercase + digits
UPPER_NUM = ascii_uppercase + digits
ALNUM = ascii_letters + digits
BASE32 = ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"
URL64 = ALNUM + "-_"
WORD = ALNUM + "_"
BASE62 = digits + ascii_uppercase + ascii_lowercase
BASE36 = digits + ascii_lowercase
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@dataclass(frozen=True)
class Form:
    """A kind of secret: who issues it, how one is made, and where its form is written down.

    `wrap` gives the words a secret needs around it to be known as one, with a slot for it.
    `holds` says how much room the secret and those words take.
    """

    name: str
    vendor: str
    make: Maker
    documented: str
    wrap: Wrap | None = None
    holds: Holds = "token"


def run(alphabet: str, low: int, high: int | None = None) -> Maker:
    """A maker of strings of `low` (to `high`) characters of an alphabet."""

    def make(rng: random.Random) -> str:
        length = low if high is None else rng.randint(low, high)
        return "".join(rng.choices(alphabet, k=length))

    return make


def seq(*parts: str | Maker) -> Maker:
    """A maker of one part after another."""

    def make(rng: random.Random) -> str:
        return "".join(part if isinstance(part, str) else part(rng) for part in parts)

    return make


def either(*makers: str | Maker) -> Maker:
    """A maker of one of these."""

    def make(rng: random.Random) -> str:
        chosen = rng.choice(makers)
        return chosen if isinstance(chosen, str) else chosen(rng)

    return make


def number(digit_count: int) -> Maker:
    """A maker of decimal numbers of so many digits, the first not a zero."""
    return seq(run("123456789", 1), run(DIGITS, digit_count - 1))


def uuid(rng: random.Random) -> str:
    """A random UUID, version 4."""
    value = rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def hexes(length: int) -> Maker:
    """A maker of lower-case hexadecimal strings."""
    return run(HEX, length)


def b64(data: bytes) -> str:
    """Base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def b64url(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def random_b64(size: int) -> Maker:
    """A maker of so many random bytes in base64."""
    return lambda rng: b64(rng.randbytes(size))


def random_b64url(size: int) -> Maker:
    """A maker of so many random bytes in base64 for URLs."""
    return lambda rng: b64url(rng.randbytes(size))


def in_base(value: int, alphabet: str, width: int) -> str:
    """A number in the base of an alphabet, filled up on the left."""
    text = ""
    while value:
        value, rest = divmod(value, len(alphabet))
        text = alphabet[rest] + text
    return text.rjust(width, alphabet[0])


def crc62(text: str, alphabet: str = BASE62) -> str:
    """The six base62 digits of a text's CRC-32."""
    return in_base(zlib.crc32(text.encode("ascii")), alphabet, 6)


def summed62(prefix: str, length: int) -> Maker:
    """GitHub's form: a prefix, random base62, and the CRC-32 of that in six base62 digits."""

    def make(rng: random.Random) -> str:
        body = run(BASE62, length - 6)(rng)
        return prefix + body + crc62(body)

    return make


def summed_hex(prefix: str, alphabet: str, length: int) -> Maker:
    """A prefix, a body, and eight hexadecimal digits of checksum over both."""

    def make(rng: random.Random) -> str:
        body = prefix + run(alphabet, length)(rng)
        return f"{body}{zlib.crc32(body.encode('ascii')):08x}"

    return make


def bech32(prefix: str, data: bytes) -> str:
    """BIP-173 encoding of bytes, in lower case."""
    bits = int.from_bytes(data, "big")
    count = -(-len(data) * 8 // 5)
    bits <<= count * 5 - len(data) * 8
    values = [(bits >> 5 * (count - 1 - index)) & 31 for index in range(count)]
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = 1
    for value in [*spread, *values, 0, 0, 0, 0, 0, 0]:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for index, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> index & 1 else 0
    values += [(check ^ 1) >> 5 * (5 - index) & 31 for index in range(6)]
    return prefix + "1" + "".join(BECH32[value] for value in values)


def base58check(payload: bytes) -> str:
    """Bitcoin's encoding: the payload, four bytes of its double SHA-256, in base58."""
    whole = payload + sha256(sha256(payload).digest()).digest()[:4]
    zeros = len(whole) - len(whole.lstrip(b"\0"))
    return "1" * zeros + in_base(int.from_bytes(whole, "big"), BASE58, 0)


def jwt(head: Mapping[str, object], body: Mapping[str, object], rng: random.Random) -> str:
    """A JSON Web Token (RFC 7519) with a signature of the size its algorithm gives."""
    size = {"HS256": 32, "HS512": 64, "RS256": 256, "ES256": 64}[str(head["alg"])]
    parts = (_json(head), _json(body), rng.randbytes(size))
    return ".".join(b64url(part) for part in parts)


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def json_b64(value: Mapping[str, object]) -> str:
    """JSON in base64 with padding."""
    return b64(_json(value))


def json_b64url(value: Mapping[str, object]) -> str:
    """JSON in base64 for URLs, without padding."""
    return b64url(_json(value))


def der(tag: int, *parts: bytes) -> bytes:
    """A value of ASN.1 in DER."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    size = (len(body)).to_bytes(2 if len(body) > 255 else 1, "big")
    return bytes((tag, 0x80 | len(size))) + size + body


def der_int(value: int) -> bytes:
    """An INTEGER in DER."""
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def armor(label: str, data: bytes, width: int = 64, newline: str = "\n") -> str:
    """Bytes in the armour of RFC 7468."""
    text = b64(data)
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return newline.join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"))


def crc24(data: bytes) -> int:
    """The checksum of OpenPGP's armour (RFC 9580, section 6.1)."""
    value = 0xB704CE
    for byte in data:
        value ^= byte << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= 0x1864CFB
    return value & 0xFFFFFF


def armor_pgp(label: str, data: bytes) -> str:
    """Bytes in OpenPGP's armour."""
    whole = armor(label, data).split("\n")
    return "\n".join(
        [whole[0], "", *whole[1:-1], "=" + b64(crc24(data).to_bytes(3, "big")), whole[-1]]
    )


def unix_time(rng: random.Random) -> int:
    """A moment of 2021 to 2026."""
    return rng.randint(1_610_000_000, 1_780_000_000)


def hex_of(data: bytes) -> str:
    """Bytes in hexadecimal."""
    return binascii.hexlify(data).decode("ascii")


ADJECTIVES = ("amber", "bright", "calm", "eager", "lunar", "quiet", "rapid", "silver")
NOUNS = ("badger", "canyon", "harbor", "lantern", "meadow", "orchid", "pebble", "willow")


def slug(rng: random.Random) -> str:
    """A short name of a thing, as in host names and accounts."""
    return f"{rng.choice(ADJECTIVES)}{rng.choice(('', '-'))}{rng.choice(NOUNS)}"


def plain_name(rng: random.Random) -> str:
    """A name of lower-case letters alone."""
    return rng.choice(ADJECTIVES) + rng.choice(NOUNS)


def password(rng: random.Random) -> str:
    """A password of 12 to 18 characters with letters, a capital, a digit and perhaps a sign."""
    length = rng.randint(10, 16)
    body = run(ALNUM, length)(rng) + rng.choice(DIGITS) + rng.choice(UPPER)
    at = rng.randint(1, length)
    return body[:at] + rng.choice(("", "-", "_", "!", ".", "~")) + body[at:]
