"""Passwords and keys that stand after a name: in settings, code, addresses and sentences."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping

from engine.quality.secrets.plausible import (
    is_expression,
    is_hash_like,
    is_mixed_hash,
    is_password_like,
    is_placeholder,
    is_random,
    is_short_token,
    is_symbol_key,
    is_weak_value,
)
from engine.quality.secrets.spans import Candidate

_CORE = (
    r"pass(?:word|wd|phrase|code)?|pwd|parol[aăe]i?|contrase[ñn]a|passwort|kennwort"
    r"|mot.de.passe|secret|credentials?|api.?key|(?:access|auth|account|private|encryption|signing"
    r"|service|deploy|admin|master|client|app|storage|shared|consumer|subscription|webhook"
    r"|batch|search|integration).?key|token"
)
# What makes an assignment: of a typed name, of a property with accessors, of an attribute or an
# entry of a list whose value has a name of its own, and of the next argument.
_SIGN = (
    r"[ \t]{0,4}:[ \t]{0,4}[&A-Za-z][\w<>\[\]|.?]{0,30}[ \t]{0,4}={1,2}[ \t]{0,4}(?=[\"'`])"
    r"|[ \t]{0,4}\{[^{}\n]{0,40}\}[ \t]{0,4}=[ \t]{0,4}"
    r"|[ \t]{0,4}[,;]?[ \t]{0,4}\\?[\"']?value\\?[\"']?[ \t]{0,4}[:=][ \t]{0,4}"
    r"|[ \t]{0,20}(?::=|=>|={1,3}|:)[ \t]{0,20}"
    r"|(?<=[\"'`])[ \t]{0,4},[ \t]{0,4}(?=[\"'`])"
)
# A piece that the name of a secret holds; what goes before it is read backwards from there,
# because a pattern that begins with "any word" is tried at every letter.
_ASSIGNED = re.compile(
    rf"(?P<core>{_CORE})(?P<rest>[\w.-]{{0,40}})(?:\\{{0,3}}[\"'`\])*]){{0,4}}(?P<sign>{_SIGN})"
    r"(?P<bold>\*{0,2})[ \t]?"
    r"(?:(?:(?:String::from|String|Secret|SecretStr|SecretString|Some|str|bytes)\()?"
    r"(?P<quote>\\{0,3}[\"'`])(?P<quoted>[^\"'`\n]{4,1000})(?P=quote)"
    r"|(?P<bare>[^\s\"'`]{4,1000}))",
    re.IGNORECASE,
)
_FLAGGED = re.compile(
    rf"(?:--|\bset[ \t]+(?:-[a-z]{{1,3}}[ \t]+)?|\bsetx[ \t]+|\bENV[ \t]+)"
    rf"(?P<name>[\w.-]{{0,40}}(?:{_CORE})[\w.-]{{0,40}})[ \t]{{1,4}}"
    r"(?:[\"'](?P<quoted>[^\"'\s]{4,1000})[\"']|(?P<bare>[^\s\"'`=:-][^\s\"'`]{3,1000}))",
    re.IGNORECASE,
)
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.-]{0,60}\Z")
_ANCHORS_TEXT = (
    "pass pwd pw parol contrase senha kennwort secret credential key token curl mysql psql"
    " redis-cli authorization cookie auth"
)
_ANCHORS = tuple(_ANCHORS_TEXT.split())
_ENV_LINE = re.compile(r"(?:^|\n)[ \t]{0,20}(?:export |set |\$env:|-e )?[A-Z][A-Z0-9_]{2,60}=\Z")
_SAID = re.compile(
    r"\b(?:password|passphrase|passcode|parola|codul pin|pin code|passwort|api key|access key"
    r"|access token|secret key|mot de passe|contraseña|senha)\b"
    r"[^.\n:=]{0,30}?\b(?:is|was|este|e|era|ist|lautet|est|es|é|è|to|as)\b[: ]{1,3}[\"'`“„]?"
    r"(?P<value>[^\s\"'`”“]{6,120})",
    re.IGNORECASE,
)
_SAID_TOKEN = re.compile(
    r"(?:token|secret|api.?key|access.?key|credential)\b[^.\n:=]{0,20}?"
    r"\b(?:is|was|este|e|era|ist|lautet|est|es|é|è)[ \t]{1,3}[\"'`“„«]?[ \t]?"
    r"(?P<value>[^\s\"'`”“»]{8,120})",
    re.IGNORECASE,
)
_TAGGED = re.compile(
    r"<[\w:.-]{0,30}(?:password|passwd|pwd|secret|token|apikey|api-key)[\w.-]{0,20}>"
    r"(?P<value>[^<>\s]{6,200})</",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"\b(?:password|passwort|parol[aă]|contraseña|mot de passe)(?: [^\W\d_]{2,15}){1,3}[ \t]{0,2}:"
    r"[ \t]{1,3}[\"'`]?(?P<value>[^\s\"'`]{6,120})",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"\b(?:password|passwort|passwd|pwd|parola|kennwort|contraseña|pw|pass)[ \t]*(?:\|[ \t]*"
    r"|[ \t])[\"'`]?"
    r"(?P<value>[^\s\"'`|]{8,120})",
    re.IGNORECASE,
)
_URL = re.compile(
    r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://(?P<user>[^\s/:\"'<>]{0,100}):"
    # User and password end at the last @ before the path (WHATWG URL, authority state).
    r"(?P<value>[^\s/?#\"'<>]{2,200}|(?![0-9]+[?#])[^\s/@\"'<>]{2,200})@[A-Za-z0-9\[]"
)
_HEADER = re.compile(
    r"(?:authorization|x-api-key|api-key|x-auth-token|private-token"
    r"|cookie)[\"']?[ \t]{0,4}[:=][ \t]{0,4}"
    r"[\"']?(?:[a-z][a-z_-]{1,24}[ \t]+)?(?P<value>(?!Credential=)[A-Za-z0-9._~+/=-]{16,4000})",
    re.IGNORECASE,
)
# A line of .pgpass: host, port, database, user, password.
_PGPASS = re.compile(
    r"^(?:[^\s:#]{1,80}\.[^\s:#]{1,80}|localhost|\*):(?:[0-9]{3,5}|\*):[^\s:]{1,80}:[^\s:]{1,80}:(?P<value>[^\s:]{4,200})$",
    re.MULTILINE,
)
# An entry of Docker's config.json: user and password in base64.
_DOCKER_AUTH = re.compile(
    r"\\{0,3}\"auth\\{0,3}\"[ \t]{0,4}:[ \t]{0,4}\\{0,3}\""
    r"(?P<value>[A-Za-z0-9+/]{12,400}={0,2})\\{0,3}\""
)
_FLAG_WORD = re.compile(
    r"(?:mysql|psql|mysqldump|mongo\w*|redis-cli|curl|sshpass|docker|htpasswd)\b[^\n]{0,120}?"
    r"(?:\s-p(?=[^\s-])|\s-p (?=\S*\d)|\s--password[= ]|\s-a |\s-u [^\s:]{1,60}:)"
    r"[\"']?(?P<value>[^\s\"']{6,100})"
)
_EASY_PASSWORDS = re.compile(
    r"(?:pass(?:word)?|passwd|pwd|secret|admin|root|user|guest|test)\W?\Z", re.I
)
# Values of these names are no secrets though the name holds a word for one.
_HARMLESS_NAME = re.compile(
    r"(?:(?<![^\W_])|(?-i:(?<=[a-z])(?=[A-Z])))(?:public|primary|foreign|partition|sort|max|min|num|total|special|pad|eos|bos|unk|sep|cls"
    r"|mask|image|stop|next|page|input|output|new|per|cache|row|column|group|hot|short)[_.-]?"
    r"(?:\w{0,12}[_.-])?(?:key|token)|tokens|keys\b|keyword|keyboard|token_?(?:type|id|url|uri"
    r"|name|count"
    r"|limit|class|size|length|izer)|(?:key|secret|password|pass|pwd|token)_?(?:name|type|id|file"
    r"|path|length|len|hash|url|field|input|policy|reset|label|placeholder|arn|ref|manager|size"
    r"|index"
    r"|digest|version|error|required|strength|store|salt_?rounds)|bypass|passenger|compass|passage"
    r"|passive|passing|passed|passport|tokeniz|secretary|secretion|monkey|turkey|hockey|jockey"
    r"|donkey",
    re.IGNORECASE,
)
_HASH_LINE = re.compile(
    r"sha-?\d|md5|commit|checksum|digest|\bhash|etag|uuid|revision|fingerprint", re.I
)
_ENDS = re.compile(r"\\[nrt](?=[^a-z]|[a-z]{2})|[.,;]+(?=[,;])|[.,](?=\\)")
_NEXT_PARAMETER = re.compile(r"[;&](?=[\w.-]{1,40}=)")
_SIGNED = re.compile(r"x-(?:amz|goog|ms|oss)-", re.IGNORECASE)
_LONG_VALUE = 64
_TRAILING = ".,;:)]}>\"'`”’»"


_SAYINGS = (
    (_SAID, "password"),
    (_TAGGED, "password"),
    (_LABELLED, "password"),
    (_FLAG_WORD, "password"),
    (_HEADER, "auth-header"),
    (_SAID_TOKEN, "api-key"),
    (_DOCKER_AUTH, "docker-auth-secret"),
)


def _is_said_token(value: str) -> bool:
    if is_hash_like(value):
        return is_mixed_hash(value)
    return is_random(value) or is_short_token(value, quoted=False)


def _is_pair(value: str) -> bool:
    """Return whether a value in base64 is a user and a password."""
    try:
        pair = base64.b64decode(value, validate=True).decode()
    except ValueError:
        return False
    user, colon, password = pair.partition(":")
    easy = is_placeholder(password) or is_weak_value(password)
    return bool(user and colon and password) and pair.isprintable() and not easy


_IS_REAL: Mapping[str, Callable[[str], bool]] = {
    "password": is_password_like,
    "auth-header": _is_said_token,
    "docker-auth-secret": _is_pair,
    "api-key": _is_said_token,
}


def find_assigned(window: str, offset: int) -> Iterator[Candidate]:
    """Yield values that stand after the name of a secret, in a window of text."""
    if "://" in window:
        yield from _in_addresses(window, offset)
    for match in _PGPASS.finditer(window) if window.count(":") >= 4 else ():
        if is_password_like(match["value"]):
            start, end = match.span("value")
            yield Candidate(offset + start, offset + end, "password", 0.75, 3)
    lowered = window.lower()
    if not any(anchor in lowered for anchor in _ANCHORS):
        return
    yield from _after_names(window, offset)
    yield from _flagged(window, offset)
    yield from _beside_words(window, offset)
    for pattern, code in _SAYINGS:
        for match in pattern.finditer(window):
            start, end = _trimmed(window, *match.span("value"))
            value = window[start:end]
            if _IS_REAL[code](value):
                yield Candidate(offset + start, offset + end, code, 0.75, 3)


def _flagged(window: str, offset: int) -> Iterator[Candidate]:
    """Yield values after a flag or a name that a shell sets, with nothing but a space between."""
    for match in _FLAGGED.finditer(window):
        name, quoted = match["name"], match["quoted"] is not None
        if _HARMLESS_NAME.search(name):
            continue
        start, end = match.span("quoted" if quoted else "bare")
        if not quoted:
            start, end = _trimmed(window, start, end)
        value = window[start:end]
        named = _is_password_name(name)
        if is_password_like(value) if named else _is_said_token(value):
            code = "password" if named else "api-key"
            yield Candidate(offset + start, offset + end, code, 0.7, 4)


def _beside_words(window: str, offset: int) -> Iterator[Candidate]:
    """Yield passwords that follow the word with nothing between, as in a list or a table."""
    for match in _BESIDE.finditer(window):
        start, end = _trimmed(window, *match.span("value"))
        value = window[start:end]
        mixed = any(c.isupper() for c in value[1:]) and any(c.islower() for c in value)
        signed = any(not c.isalnum() and c not in "-_./:" for c in value)
        digits = any(c.isdigit() for c in value)
        if (mixed or signed) and digits and is_password_like(value):
            yield Candidate(offset + start, offset + end, "password", 0.6, 4)


def _in_addresses(window: str, offset: int) -> Iterator[Candidate]:
    for match in _URL.finditer(window):
        value = match["value"]
        easy = _EASY_PASSWORDS.match(value) or is_weak_value(value) or value == match["user"]
        if not easy and not is_placeholder(value):
            start, end = match.span("value")
            yield Candidate(offset + start, offset + end, "url-password", 0.85, 3)


def _after_names(window: str, offset: int) -> Iterator[Candidate]:
    for match in _ASSIGNED.finditer(window):
        name = _name(window, match)
        # The parameters of a signed address are no keys; without the key they open nothing else.
        if _HARMLESS_NAME.search(name) or _SIGNED.match(name):
            continue
        quoted = match["quoted"] is not None
        start, end = match.span("quoted" if quoted else "bare")
        if not quoted:
            start, end = _trimmed(window, start, end)
            # In an address or a connection string the next parameter follows.
            following = _NEXT_PARAMETER.search(window, start, end)
            end = following.start() if following else end
        value = window[start:end]
        score = _assigned_score(window, match, name, value, quoted=quoted)
        if score:
            code = "password" if _is_password_name(name) else "api-key"
            yield Candidate(offset + start, offset + end, code, score, 4)


def _name(window: str, match: re.Match[str]) -> str:
    """Return the whole name before a sign, of which the pattern fits the end."""
    before = _NAME_BEFORE.search(window, max(0, match.start() - 60), match.start())
    return (before.group() if before else "") + match["core"] + match["rest"]


def _line(window: str, place: int) -> str:
    """Return what stands before a place on its line."""
    return window[window.rfind("\n", 0, place) + 1 : place]


def _is_password_name(name: str) -> bool:
    return re.search(r"pass|pwd|\bpw\b|parol|contrase|kennwort", name, re.IGNORECASE) is not None


def _assigned_score(
    window: str, match: re.Match[str], name: str, value: str, *, quoted: bool
) -> float:
    """Return how sure it is that a value after a name is a secret, 0 where it is none."""
    if len(value) < 4 or is_weak_value(value):
        return 0.0
    if is_placeholder(value) and not (quoted and is_symbol_key(value)):
        return 0.0
    if any(c.isspace() for c in value) or "://" in value:
        return 0.0
    named = _is_password_name(name)
    if not named:
        return _token_score(window, match, value, quoted=quoted)
    if is_expression(value):
        return 0.0
    prefix = window[: match.start("sign") + len(match["sign"])][-120:]
    if _ENV_LINE.search(prefix) and not value.startswith("$"):
        return 0.8
    if is_password_like(value) and (quoted or not _is_code_word(value)):
        return 0.8 if quoted or "=" in match["sign"] else 0.7
    return 0.0


def _token_score(window: str, match: re.Match[str], value: str, *, quoted: bool) -> float:
    """Return how sure it is that the value of a name such as "token" or "apiKey" is a secret.

    Such names stand before much else: only what was drawn at random counts.
    """
    if quoted and is_symbol_key(value):
        return 0.8
    if is_expression(value):
        return 0.0
    if is_hash_like(value):
        line = _line(window, match.start("sign"))
        return 0.6 if is_mixed_hash(value) and not _HASH_LINE.search(line) else 0.0
    # In a long one chance puts many small letters in a row.
    if is_random(value, named=quoted or len(value) > _LONG_VALUE):
        return 0.8
    # Settings have no quotes either, and no names of code on their right.
    prefix = window[: match.start("sign") + len(match["sign"])][-120:]
    rest = window[match.end() :].partition("\n")[0]
    setting = _ENV_LINE.search(prefix) or (match["sign"] == ":" and not rest.strip(" ,}"))
    return 0.6 if is_short_token(value, quoted=quoted or bool(setting)) else 0.0


def _is_code_word(value: str) -> bool:
    """Return whether a bare value reads as a name in code: ``user2.password``, ``utf-8``."""
    return re.fullmatch(r"[a-z]+[A-Z]?[a-z]*(?:[._/-][A-Za-z]+)*\d?", value) is not None


def _trimmed(window: str, start: int, end: int) -> tuple[int, int]:
    """Return the place of a bare value without what ends it: an escaped line end, a comma."""
    cut = _ENDS.search(window, start, end)
    end = cut.start() if cut else end
    while end > start and window[end - 1] in _TRAILING:
        end -= 1
    return start, end
