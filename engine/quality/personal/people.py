"""Names of people, where the words around them, or a known first name, tell.

There is no language model in this: a name that stands alone, in an unusual spelling, or in
lower case is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from engine.quality.personal.spans import Span

_LIST = Path(__file__).with_name("given_names.txt")

_UP = r"[A-ZÀ-ÖØ-ÞĂÂÎȘȚŞŢŠŽČŁŚŻĐŐŰČŘĚÝ]"
_NAME = rf"(?:{_UP}(?:['’]{_UP})?[^\W\d_]+(?:[-'’]{_UP}[^\W\d_]+)?)"
_INITIAL = rf"(?:{_UP}\.?)"
_PARTICLE = r"(?:van|von|de|der|den|del|della|da|di|la|le|al|el|bin|ibn|ter|ten|dos|du)"
_TAIL = rf"(?: (?:{_INITIAL} |{_PARTICLE} ){{0,2}}{_NAME}){{1,2}}"
_FULL = rf"{_NAME}{_TAIL}"
_ANY = rf"{_NAME}(?:{_TAIL})?"

_INTRODUCED = re.compile(
    r"(?<!\w)(?:[Mm]y (?:full )?name(?: is|'s|’s)|[Mm]y name:|[Nn]ame of|[Cc]alls? me|(?:maiden"
    r"|last|first|partner's|wife's|husband's) name(?: is|\?|:)?|[Tt]he name is"
    r"|[Mm]ă numesc|[Mm]a numesc|[Nn]umele meu (?:este|e)|[Mm]ă cheamă|[Ii]ch heiße"
    r"|[Mm]ein Name ist"
    r"|[Jj]e m['’]appelle|[Mm]e llamo|[Mm]i chiamo|[Mm]eu nome é|[Nn]azywam się|[Cc]hamo-me"
    r"|[Ii]l mio nome è|[Mm]i nombre es|[Mm]on nom est|[Oo] meu nome é"
    rf"|[Cc]ontact person:?|[Ss]igned(?: by)?:?) (?P<name>{_ANY})"
)
_SELF = re.compile(rf"(?<!\w)(?:I['’]m|I am|[Tt]his is|Sunt|Eu sunt) (?P<name>{_ANY})")
_LABEL = re.compile(
    r"(?:^|\n|[,;|] )[ \t]{0,8}(?:\*\*)?(?:Full [Nn]ame|First [Nn]ame|Last [Nn]ame|Surname|Name"
    r"|Nume|Prenume"
    r"|Nume și prenume|Nombre(?: completo)?|Nombre y apellidos|Apellidos"
    r"|Nome(?: completo)?|Cognome|Nome e cognome|Nom|Prénom|Nom et prénom|Vorname|Nachname"
    r"|Patient|Pacient|Customer|Client|Author"
    rf"|Cardholder)(?:\*\*)?:(?:\*\*)?[ \t]{{1,4}}(?P<name>{_ANY})"
)
_TITLED = re.compile(
    r"(?<!\w)(?:mr\.|mrs\.|ms\.|dr\.|Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Dl|Dna|D-l"
    r"|D-na|Domnul|Doamna|Domnișoara|Herr|Frau"
    rf"|Monsieur|Madame|Mme|Señor|Señora|Sr|Sra|Signor"
    rf"|Signora)\.? {{1,2}}(?P<name>{_INITIAL} {_NAME}|{_ANY})"
)
_GREETED = re.compile(
    rf"(?:^|\n)[ \t]{{0,8}}(?:Dear|Hi|Hello|Hey|Dragă|Draga|Bună|Salut|Stimate|Stimată|Liebe"
    rf"|Lieber|Cher|Chère|Hola)"
    rf",? (?P<name>{_ANY}) ?(?=[,!\n:–-]|\Z)"
)
_SIGNED = re.compile(
    r"(?:^|\n)[ \t]{0,8}(?:(?:Best|Kind|Warm)(?: regards| wishes)?|Regards|Sincerely(?: yours)?"
    r"|Yours(?: sincerely| truly"
    r"| faithfully)?|Cheers|Thanks|Thank you|Many thanks|Love|Cu stimă|Cu respect|Cu drag"
    r"|O zi bună|Toate cele bune"
    r"|Mulțumesc|Mit freundlichen Grüßen|Viele Grüße|Cordialement|Saludos|Un saludo"
    r"|Atentamente|(?:Un )?[Cc]ordial saludo|Saludos cordiales|Atenciosamente|Cumprimentos|Abraços"
    r"|(?:Com os )?[Mm]elhores cumprimentos"
    r"|(?:Cordiali|Distinti)? ?[Ss]aluti"
    r"|Bien cordialement|Bien à vous|Amicalement|Sincères salutations)"
    rf"[,.!]?[ \t]{{0,4}}\n[ \t\n]{{0,8}}(?:[-–—] ?)?(?P<name>{_ANY})[ \t]{{0,4}}(?=\n|\Z)"
)
_SIGNED_DASH = re.compile(rf"\n[ \t]{{0,4}}[-–—] ?(?P<name>{_FULL})[ \t]{{0,4}}(?=\n|\Z)")
_LISTED = re.compile(rf"(?<![\w@.#/-])(?P<first>{_NAME})(?P<rest>{_TAIL})(?![\w@]|\.\w)")

_NOT_NAMES_TEXT = (
    "the this that these those there here what when where why how who which sir madam all "
    "everyone everybody "
    "team customer support service john's monday tuesday wednesday thursday friday saturday "
    "sunday january "
    "february march april may june july august september october november december i we you he "
    "she it they "
    "sorry sure happy glad not just also very so trying looking going interested currently new "
    "here back "
    "human user assistant claude chatgpt gpt alexa siri bard llama gemini bing openai google "
    "microsoft "
    "manager editor president hiring doctor teacher professor student friend friends sincerely "
    "regards "
    "thanks thank best kind please yes no ok okay hello hi hey dear to a an and or for from in "
    "on at of "
    "your my our their his her its is are was were be been will would can could should may might "
    "must"
)
_NOT_NAMES = frozenset(_NOT_NAMES_TEXT.split())
_AFTER_NAMES_TEXT = (
    "Street St Avenue Ave Road Rd Boulevard Blvd Lane Drive Square Park River Lake Bridge "
    "University College "
    "School Hospital Church Cathedral Castle Palace Museum Stadium Airport Station Island "
    "Islands Mountain "
    "County City Town Bay Valley Beach Hall House Tower Center Centre Institute Foundation "
    "Company Inc Ltd "
    "Corp Corporation Group Bank Award Prize Cup League Day Act Law Theorem Method Model "
    "Algorithm Test "
    "Effect Theory Field Fields Machine Disease Syndrome Bowl Hotel Restaurant Press Records "
    "Studios "
    "Street's River's State Language Studio Code Chain Forest Tree Distribution Process Rule "
    "Field's "
    "Transform Series Equation Equations Matrix Index Coefficient Curve Loop Hub Bot API Engine"
)
_AFTER_NAMES = frozenset(_AFTER_NAMES_TEXT.split())
_MOST_NAMES = 5000
# One of these is in each of the forms of the costliest rule.
_INTRODUCING = (
    "name", "call", "numesc", "numele", "cheam", "heiße", "appelle", "llamo", "chiamo", "nome",
    "nazywam", "chamo", "nombre", "nom est", "contact", "signed",
)  # fmt: skip

_RULES: tuple[tuple[re.Pattern[str], float, str, bool], ...] = (
    # Pattern, score, reason, and whether the first word must be a known first name.
    (_INTRODUCED, 0.85, "a name after words that introduce one", False),
    (_LABEL, 0.6, "a name after a label", False),
    (_TITLED, 0.8, "a name after a title", False),
    (_SIGNED, 0.8, "a name that a letter is signed with", False),
    (_SELF, 0.8, "a name after words that introduce one", True),
    (_GREETED, 0.75, "a name after a greeting", True),
    (_SIGNED_DASH, 0.7, "a name on a line of its own", True),
)


@lru_cache(maxsize=1)
def given_names() -> frozenset[str]:
    """Return common first names, lower case: English, Romanian and other European ones."""
    lines = _LIST.read_text("utf-8").splitlines()
    return frozenset(n for line in lines if not line.startswith("#") for n in line.lower().split())


def find_people(text: str, *, listed: bool = True) -> Iterator[Span]:
    """Yield names of people.

    Args:
        text: The text.
        listed: Whether a known first name with a surname after it is enough.
    """
    lowered = text.lower()
    for pattern, score, reason, known in _RULES:
        if pattern is _INTRODUCED and not any(word in lowered for word in _INTRODUCING):
            continue
        for count, match in enumerate(pattern.finditer(text)):
            if count >= _MOST_NAMES:
                break
            start, end = match.span("name")
            words = text[start:end].split()
            if words[0].lower() in _NOT_NAMES or (known and not _is_given(words[0])):
                continue
            if any(word in _AFTER_NAMES for word in words):
                continue
            yield Span(start, end, "person", score, reason)
    if listed:
        yield from _listed(text)


def _is_given(word: str) -> bool:
    names = given_names()
    lowered = word.lower()
    return lowered in names or lowered.split("-")[0] in names


def _listed(text: str) -> Iterator[Span]:
    """Yield a known first name with the capitalised word or two after it."""
    names = given_names()
    place = 0
    count = 0
    while count < _MOST_NAMES and (match := _LISTED.search(text, place)):
        count += 1
        first = match["first"].lower()
        if first not in names and first.split("-")[0] not in names:
            # The next word may be the first name: "When John Smith".
            place = match.end("first")
            continue
        place = match.end()
        words = match["rest"].split()
        while words and (words[-1] in _AFTER_NAMES or words[-1].lower() in _NOT_NAMES):
            words.pop()
        if len(words) != len(match["rest"].split()) or not words:
            # "John Hopkins University" is no person; nor is "May I".
            continue
        yield Span(match.start(), match.end(), "person", 0.65, "a known first name with a surname")
