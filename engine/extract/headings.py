"""What headings and titles say about the text under them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from engine.extract.lexicon import fold


@dataclass(frozen=True, slots=True)
class HeadingRule:
    """Beginnings of headings that mean a kind.

    ``strong`` ones are enough by themselves; the others need a second sign.
    ``group`` names the questions that ask about such a section.
    """

    kind: str
    group: str
    strong: bool
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class HeadingMatch:
    """A heading that begins as a rule says.

    Attributes:
        rule: The rule.
        rest: The words behind those that the rule knows.
        connected: Whether the rest names what the heading is about ("Reflection on
            X", "Decision: X"), or there is none. "Decision trees" are no decision.
    """

    rule: HeadingRule
    rest: str
    connected: bool

    @property
    def strong(self) -> bool:
        """Whether the heading is enough by itself."""
        return self.rule.strong and self.connected


def _rule(kind: str, group: str, strong: bool, table: str) -> HeadingRule:
    alternatives = "|".join(line.strip() for line in table.strip().splitlines())
    return HeadingRule(kind, group, strong, re.compile(rf"(?:{alternatives})(?![\w'])"))


RULES: tuple[HeadingRule, ...] = (
    _rule("learning", "learning", True, r"""
        (?:what|things|something|how) (?:i|we)(?:'ve| have)? (?:recently )?learn(?:ed|t)
        what (?:i|we) found out
        (?:key |main |my |the )?lessons?(?: learn(?:ed|t))?
        (?:key |main |my )?(?:learnings?|take-?aways?)
        (?:today i )?learn(?:ed|t)|til
        what .{1,60} (?:taught|teaches) (?:me|us)
        was ich (?:\w+ ){0,2}gelernt habe
        gelernt(?:es)?|erkenntnis(?:se)?|lektion(?:en)?|lehren?
        ce am (?:invatat|inteles|aflat)
        lecti[aei]i?(?: invatate?)?|invataturi|am invatat"""),
    _rule("decision", "decision", True, r"""
        (?:the |my |our |final |a )?decisions?(?: made| taken)?
        (?:what|how|why) (?:i|we) (?:decided|chose)
        (?:(?:i|we) )?decided
        (?:the|my|our) (?:choice|verdict)
        (?:die |meine |unsere )?entscheidung(?:en)?|entschluss|entschieden
        was (?:ich|wir) entschieden (?:habe|haben)
        deci[zs]i[aei]i?(?: mea| luata)?|hotararea?|alegerea(?: mea)?
        (?:ce )?am (?:decis|hotarat|ales)"""),
    _rule("decision", "why", False, r"""
        why|rationale|(?:my |the )?reason(?:s|ing)?|motivation|justification
        warum|wieso|weshalb|begrundung|grunde
        de ce|motive(?:le)?|motivati[ea]|argumente"""),
    _rule("decision", "options", False, r"""
        (?:the |my |considered )?options?(?: considered)?
        (?:considered |other )?alternatives?(?: considered)?
        trade-?offs?|pros?(?:,? (?:and|&) cons?)?|cons|(?:the )?choices
        optionen|moglichkeiten|alternativen|vor- und nachteile|abwagung
        optiuni(?:le)?|alternative(?:le)?|variante(?:le)?|avantaje(?: si dezavantaje)?"""),
    _rule("decision", "outcome", False, r"""
        (?:the )?(?:outcomes?|results?|consequences)|aftermath|in the end
        how (?:it|that|this) (?:turned out|went|ended)
        what happened(?: next| in the end)?
        ergebnis(?:se)?|folgen|konsequenzen|wie es ausging
        rezultat(?:e|ul)?|consecinte|urmari|cum a iesit|deznodamant(?:ul)?"""),
    _rule("decision", "context", False, r"""
        (?:the )?(?:context|background|situation|problem(?: statement)?|question)
        kontext|hintergrund|ausgangslage
        situatia|contextul?|problema"""),
    _rule("reflection", "reflection", True, r"""
        (?:\w+ |my )?reflections?|reflecting|looking back|(?:in )?hindsight
        (?:the |\w+ )?retrospective|retro|note to self
        what went (?:well|wrong|badly|right)
        what (?:surprised|bothered|worried|moved|delighted|annoyed) me
        how (?:i|it) (?:feel|felt)
        ruckblick(?:end)?|reflexion(?:en)?|im nachhinein|ruckschau|nachgedanken
        was (?:gut|schlecht|schief) (?:lief|ging)
        reflecti[aei]i?|privind (?:in urma|inapoi)|retrospectiva
        ce a mers (?:bine|prost|rau)"""),
    _rule("reflection", "reflection", False, r"""
        (?:\w+ )?review|journal|diary|musings?|gratitude|grateful(?: for)?
        (?:my |some |final |closing |first |a few )?thoughts?|after-?thoughts?
        what i (?!learn)\w+|(?:how|when|where) i \w+
        gedanken|dankbar(?:keit)?|tagebuch|fazit
        ganduri|recunostinta|jurnal|concluzi[ei]i?"""),
)  # fmt: skip
"""The first rule that fits the beginning of a folded heading holds."""

_CONNECTED = re.compile(
    r"(?:on|about|of|for|from|after|to|in|with|at|over|as|during|before|when|while|by|against|"
    r"zu|zur|zum|uber|aus|bei|auf|von|vom|nach|im|mit|fur|gegen|"
    r"despre|la|din|asupra|privind|pentru|cu|dupa|i|we)(?!\w)"
)

_JUNK = re.compile(r"""(?:
    (?:(?:the|my|daily|weekly|time|work|change)\ ?)?logs?|numbers?|stats|statistics|metrics
    |grocer(?:y|ies)(?:\ list)?|shopping(?:\ list)?|to[-\ ]?dos?|tasks?|open\ tasks|checklist
    |next\ (?:steps|actions)|plan|schedule|agenda|calendar|appointments|attendees|participants
    |minutes|action\ items|follow-?ups?|links?|see\ also|related(?:\ notes|\ pages)?|references?
    |sources?|resources?|bibliography|further\ reading|reading\ list|backlinks|index|contents|toc
    |table\ of\ contents|ingredients|recipe|directions|instructions|steps|workout|exercises?|meals?
    |menu|expenses|budget|packing(?:\ list)?|inventory|measurements|data|readings|parts(?:\ list)?
    |contact(?:s|\ details)?|address(?:es)?|quotes?|highlights|excerpts?|citations?|definitions?
    |glossary|installation|usage|license|status|history|credits|acknowledg\w+
    |einkauf(?:en|sliste)?|aufgaben|termine|quellen|literatur|verweise|zutaten|zubereitung
    |protokoll|zahlen|messwerte
    |cumparaturi|lista\ de\ cumparaturi|sarcini|de\ facut|program|resurse|surse|legaturi
    |ingrediente|reteta|mod\ de\ preparare|cheltuieli|cifre
    )\W*$""", re.VERBOSE)  # fmt: skip

_GENERIC = re.compile(r"""(?:
    morning|noon|afternoon|evening|night|today|yesterday|day|week|month|notes?|daily\ notes?|entry
    |free\ ?writing|brain\ ?dump|misc(?:ellaneous)?|other|general|summary|overview|introduction
    |intro|conclusion|epilogue|update|text|prose|body|untitled|personal|work|family|home|mood
    |morgen|mittag|nachmittag|abend|heute|gestern|tag|woche|monat|notizen|zusammenfassung
    |einleitung
    |dimineata|pranz|seara|noapte|azi|astazi|ieri|zi|saptamana|luna|notite|rezumat|introducere
    )\W*$""", re.VERBOSE)  # fmt: skip


_SIGNS_IN_FRONT = re.compile(r"[\W\d_]*")
_ANY_RULE = re.compile("|".join(f"({rule.pattern.pattern})" for rule in RULES))


def _core(heading: str) -> str:
    """Return a heading without the numbers, signs and pictures in front."""
    return _SIGNS_IN_FRONT.sub("", heading, count=1)


@lru_cache(maxsize=8192)
def match_heading(heading: str) -> HeadingMatch | None:
    """Return what a heading or title means, or None where no rule knows it."""
    text = _core(heading)
    match = _ANY_RULE.match(fold(text))
    if match is None or match.lastindex is None:
        return None
    # Folding may change the length of a word but not the number of words.
    known = len(match[0].split())
    written = text.split()
    rest = " ".join(written[known:])
    ended = written[known - 1][-1:] in (":", "–", "—", "-", ",", ".", "?", "!")
    return HeadingMatch(RULES[match.lastindex - 1], rest, not rest or ended or _is_connected(rest))


def _is_connected(rest: str) -> bool:
    folded = fold(rest).lstrip("–—-:,. ")
    if folded != fold(rest) or _CONNECTED.match(folded):
        return True
    joined = re.match(r"(?:and|&|/|und|si)\s+", folded)
    return bool(joined) and any(
        rule.pattern.match(folded, joined.end() if joined else 0) for rule in RULES
    )


@lru_cache(maxsize=8192)
def is_junk(heading: str) -> bool:
    """Say whether a heading's section holds no thoughts, but a log, a list or links."""
    return bool(_JUNK.match(fold(_core(heading))))


@lru_cache(maxsize=8192)
def is_generic(heading: str) -> bool:
    """Say whether a heading says nothing about its section's subject."""
    return is_junk(heading) or bool(_GENERIC.match(fold(_core(heading))))
