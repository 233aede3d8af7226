"""Names of columns and settings that hold a secret: ``api_key``, ``Password``, ``authToken``."""

from __future__ import annotations

import re
from itertools import pairwise

from engine.quality.normal import normal_text

_LONGEST = 100
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|[0-9]+")
# Words that alone name a secret, and those that do so beside one of the next list.
_WORDS_TEXT = (
    "password passwd passphrase passcode pwd secret secrets credential credentials token jwt bearer"
    " authorization apikey apitoken authtoken accesstoken refreshtoken privatekey secretkey"
    " clientsecret accesskey parola parolă passwort kennwort contraseña senha"
    " cookie cookies pin pincode otp totp sas mnemonic hmac salt cvv cvc cvv2 cvc2 sessionid"
)
_KEYS = frozenset(("key", "keys"))
_KEY_KINDS_TEXT = (
    "api access auth private secret service account encryption signing master ssh client app"
    " deploy license consumer storage admin session webhook"
)
# Beside them a word of the first list means a measure or a part of a text.
_MEASURES_TEXT = (
    "count counts id ids type num number limit max min total length len size usage budget class"
    " name prompt completion input output eos bos pad unk sep cls mask image special stop per"
    " rate text list url uri hint reset policy hash public prefix index label page next"
)
_WORDS = frozenset(_WORDS_TEXT.split())
_KEY_KINDS = frozenset(_KEY_KINDS_TEXT.split())
_PAIRS_TEXT = (
    "session id,connection string,connection uri,seed phrase,recovery code,recovery codes"
    ",backup code,backup codes,recovery phrase,wifi key"
    ",wlan key,network key,conn str,connection str"
)
_PAIRS = frozenset(_PAIRS_TEXT.split(","))
_MEASURES = frozenset(_MEASURES_TEXT.split())


def is_secret_name(name: str) -> bool:
    """Return whether the name of a column says that it holds a secret.

    ``api_key``, ``clientSecret`` and ``x-auth-token`` do; ``tokens``, ``token_count``,
    ``primary_key`` and ``keywords`` don't.
    """
    words = [word.lower() for word in _PARTS.findall(normal_text(name)[:_LONGEST])]
    if any(" ".join(pair) in _PAIRS for pair in pairwise(words)):
        return True
    if not words or _MEASURES & set(words):
        return False
    if _WORDS & set(words):
        return True
    joined = {a + b for a, b in pairwise(words)}
    if _WORDS & joined:
        return True
    return bool(_KEYS & set(words)) and bool(_KEY_KINDS & set(words))
