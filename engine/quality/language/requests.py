"""Words by which a person asks for another language than the one they write in."""

from __future__ import annotations

import re
import unicodedata

# Folded: lower case, no diacritics. What stands before the name of a language ("in
# Romanian", "po angielsku") is not asked for: a name alone is enough to be careful.
_ASKS = re.compile(
    r"\b(?:translat|traduc|tradui|traduz|ubersetz|vertaal|vertal|preloz|prevod|forditsd|fordits|"
    r"cevir|oversatt|oversett|kaanna|metafras|tlumacz|przetlumacz|language|limb[aii]|sprache|langue|"
    r"idioma|lingua|jezyk|taal|nyelv)"
    r"|перев[ео]д|переклад|превед|язык|мов[аоуи]\b|翻訳|翻译|翻譯|번역|ترجم|תרגם|अनुवाद"
)
_NAMES = re.compile(
    r"\b(?:english|engleza|englezeste|englisch\w*|anglais\w*|ingles[ae]?|engels\w*|angielsk\w*|anglicky|"
    r"angol\w*|ingilizce|engelska|engelsk|englanti\w*|"
    r"romanian|romana|romaneste|rumanisch\w*|roumain\w*|rumano|rumeno|romeno|"
    r"german|germana|deutsch\w*|allemand\w*|aleman|tedesco|duits|niemieck\w*|nemecky|"
    r"french|franceza|franzosisch\w*|francais\w*|frances|francese|frans|"
    r"spanish|spaniola|spanisch\w*|espagnol\w*|espanol\w*|spagnolo|castellano|"
    r"italian\w*|italien\w*|portugues\w*|portugheza|portugiesisch\w*|dutch|hollandisch|"
    r"polish|polnisch|poloneza|hungarian|maghiara|ungarisch|russian|rusa|russisch|russe|ruso|"
    r"ukrainian|turkish|turca|turkisch|greek|greaca|griechisch|latin\w*|"
    r"chinese|mandarin|chineza|chinesisch|chinois|japanese|japoneza|japanisch|japonais|korean|"
    r"coreeana|arabic|araba|arabisch|arabe|hebrew|hindi|czech|bulgarian|bulgara|swedish|danish|"
    r"norwegian|finnish|vietnamese|indonesian)\b"
    r"|английск|русск|румынск|英語|英语|中文|日本語|日语|한국어|영어|العربية|الإنجليزية"
)


def asks_for_language(text: str) -> bool:
    """Say whether a text may ask for a translation, or names a language."""
    folded = fold(text)
    return bool(_ASKS.search(folded) or _NAMES.search(folded))


def fold(text: str) -> str:
    """Return text in lower case and without diacritics."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
