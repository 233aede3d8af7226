"""The forms of the marks that :mod:`engine.appmarks` takes out, as patterns."""

from __future__ import annotations

import re

TURN = r"turn\d+[a-z]+\d+"
# Without a word for citing before it, only the sources that are known make a mark.
BARE = (
    r"turn\d+(?:search|view|news|image|file|fetch|product|forecast|finance|sports|time|maps?|video"
    r"|reddit|academia|business|click|open|find|calculator|msearch|context|weather|youtube|local)\d+"
)
WORDS = (
    "filecite|memcite|cite|navlist|product_entity|entity|image_group|genui|link_title|video|url"
    "|math|forecast|finance|sports|schedule|standing|products|product|businesses_map|i"
)
# A list or an object as JSON writes it, on one line.
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_LIST = rf"\[\s*{_STRING}(?:\s*,\s*(?:{_STRING}|[\w.]+))+\s*\]"
_OBJECT = rf"\{{\s*{_STRING}\s*:(?:{_STRING}|[^{{}}\n\"]|\{{(?:{_STRING}|[^{{}}\n\"])*\}})*\}}"

# -- characters of the private use area ---------------------------------------------------

CLOSED = re.compile("\ue200(?P<word>[A-Za-z_]*)(?P<rest>(?:\ue202[^\ue200\ue201\ue202]*)*)\ue201")
# One of the two characters around a mark may be lost.
HALF = re.compile(
    f"\ue200(?P<word>[A-Za-z_]*)(?P<rest>\ue202(?:{_LIST}|{_OBJECT}))"
    f"|(?<![A-Za-z0-9_])(?P<word2>{WORDS})(?P<rest2>(?:\ue202[^\n\ue200-\ue202]{{0,400}}){{1,6}})\ue201"
)
UNCLOSED = re.compile(
    f"\ue200(?:[A-Za-z_]*(?:\ue202[^\\s\ue200-\ue206]*)+|(?:{WORDS})(?![A-Za-z]))|\ue202{TURN}"
)
# The glyphs of a patched font at these places stand apart from the words.
AROUND = re.compile("\ue203(?=\\S)[^\ue203\ue204]+(?<=\\S)\ue204")
PRIVATE = "\ue200\ue201\ue202\ue203\ue204\ue205\ue206"
LONE = re.compile("[\ue200-\ue206]")
ENTITY = re.compile(r'^\s*\[\s*"[^"]*"\s*,\s*"((?:[^"\\]|\\.)*)"')
# What these enclose is no words: sources, and what the app draws.
WORDLESS = frozenset((
    *("cite", "filecite", "memcite", "i", "navlist", "filenavlist", "image_group", "forecast"),
    *("finance", "sports", "schedule", "standing", "products", "businesses_map"),
))  # fmt: skip
REFERENCE = re.compile(rf"\s*(?:{TURN}[\s,;]*)+|https?://\S*|[\[{{].*", re.DOTALL)

# -- marks that can be read ---------------------------------------------------------------

# Cited sources: the kinds of which a person may speak without quotation marks.
CITES = {
    "dagger": r"【(?:\d+(?::\d+)*|turn\d+[a-z]+\d+|[0-9a-f]{6}|F:[^†】\n]{1,300})†[^】\n]{0,300}】",
    "turn": (
        rf"[\[(【]\s*(?:{BARE}[\s,;，、]*)+[\])】]"
        rf"|(?<![A-Za-z0-9_])(?:{WORDS})?(?:{BARE}"
        r"(?:L\d+(?:-L?\d+)?)?)+(?![A-Za-z0-9_])"
        rf"|(?<![A-Za-z0-9_])(?:filecite|memcite|cite)(?:{TURN})+"
    ),
    "escaped": rf"(?:\\ue20[0-6])*\\ue202{TURN}(?:\\ue20[0-6])*",
    "oaicite": r":contentReference\[oaicite:\d+\](?:\{[^}\n]*\})?|\[oaicite:\d+\](?:\{[^}\n]*\})?",
    "linked": r"\[oai_citation:\d+‡[^\]\n]{0,300}\](?:\([^)\n]*\))?",
    "attached": r"\[(?:web|attached_file|code_file|generated_image|post):\d+(?:,\s*\d+)*\]",
    "citation": r"[\[【]citation:\s*\d+(?:\s*[,，]\s*(?:citation:)?\s*\d+)*[\]】]",
    "cited": r"\[cite:\s*\d[\d\s,–-]*\]|\[cite_(?:start|end)\]",
    "caret": r"\[\^\d{1,3}\^\]|\[\^\d{1,3}_\d{1,3}\](?!:)",
    "ref": r"\[REF\][\d\s,;.:–-]{1,100}\[/REF\]",
}
OTHERS = {
    "entity": rf"(?<![A-Za-z0-9_])(?:product_)?entity(?P<listed>{_LIST})",
    "object": rf"(?<![A-Za-z0-9_])(?:image_group|genui)(?P<object>{_OBJECT})",
    "titled": rf"(?<![A-Za-z0-9_])(?:navlist(?!turn)[^\n]{{1,200}}?{BARE}(?:[ ,]*{BARE})*"
    rf"|(?:link_title|(?:video|url)(?=[^\W\d_a-z]))(?P<titled>[^\n]{{1,200}}?)(?:{BARE})+)",
    "codex": r":codex-(?:terminal|file)-citation\[[^\]\n]*\](?:\{[^}\n]*\})?",
    "reflection": r"<(?P<searched>search_quality_reflection|search_quality_score)>"
    r"(?:[^<]|<(?!/?search_quality)){0,4000}?</(?P=searched)>",
    "grok": r"<grok:render\b(?:[^<]|<(?!grok:render)){0,2000}?(?:</grok:render>|/>)"
    r"|<grok-card\b[^<>]{0,500}(?:/>|>(?:</grok-card>)?)",
    "memory": r"<oai-mem-citation>(?:[^<]|<(?!oai-mem)){0,4000}?</oai-mem-citation>",
    "hidden": r'<span style="display:\s*none">(?:\[\^[\d_]+\])+</span>'
    r'|^<div align="center">⁂</div>$|^\[\^\d{1,3}_\d{1,3}\]:[^\n]*$',
    "within": r'<(?:antml:)?cite\s+index="[^"\n]*">'
    r"(?P<within>(?:[^<]|<(?!/?(?:antml:)?cite\b))*)</(?:antml:)?cite>",
    "image": r"!\[[^\[\]\n]{0,300}\]\((?:sandbox:|computer://?/?mnt/user-data)[^)\n]*\)",
    "link": r"\[(?P<link>[^\[\]\n]{0,300})\]\((?:sandbox:|computer://?/?mnt/user-data)[^)\n]*\)"
    r"|(?<![\w(/])(?:sandbox:/mnt/data|computer:///?mnt/user-data)/(?:[^\s)\]]*/)?(?P<file>[^\s/)\]]+)",
    "chip": r"\[?https?://(?:www\.)?googleusercontent\.com/(?:immersive_entry_chip"
    r"|(?:interactive_content_block|deep_research_confirmation_content))(?:/\w*)?\]?",
    "card": r"\[?https?://(?:www\.)?googleusercontent\.com/(?:image_collection|image_generation"
    r"|generated_image|youtube|map|map_location|map_location_reference|grounding|web_search|card"
    r"|flights|hotels|workspace|shopping|lmdx_image)(?:_content)?(?:/\w+)*\]?",
    "artifact": r"<(?P<tag>antArtifact|xaiArtifact|immersive)(?=[\s/>])(?P<told>[^<>]{0,2000}?)"
    r"(?:/>|>(?P<told2>[ \t]*(?:\w+=\"[^\"\n]*\"[ \t]*)+$)?(?P<made>.*?)(?:</(?P=tag)>|\Z))",
}
# Spaces before a mark, looked for once a run of them.
LEAD = r"(?P<lead>(?<![ \t])[ \t]*|)"
SEEN = re.compile(
    LEAD
    + r"(?:"
    + "|".join(f"(?P<_{kind}>{form})" for kind, form in {**CITES, **OTHERS}.items())
    + r")(?P<tail>[ \t]*)",
    re.DOTALL | re.MULTILINE,
)
# What a text of marks holds: looked for from the rarest, and most only behind a bracket.
BEHIND: dict[str, tuple[str, ...]] = {
    "【": ("【",),
    "⁂": ("⁂",),
    "[": ("oai_citation", "[web:", "_file:", "[generated_image:", "[post:", "oaicite", "citation:",
          "[cite", "[^", "[REF]", 'entity['),
    "{": ("image_group{", "genui{"),
    ":": (":codex-",),
    "<": ("<grok", "<search_quality", "<oai-mem", "display:", "cite index=", "Artifact",
          "<immersive"),
    "\\": ("\\ue202turn",),
}  # fmt: skip
ANYWHERE = ("sandbox:/", "/mnt/user-data/", "googleusercontent.com/")
PLACEHOLDER = re.compile(
    r"^[ \t]*+(?P<fence>`{3,})?+[ \t]*+\n?[ \t]*+"
    r"(?:(?P<any>This block is not supported on your current device yet\.)"
    r"|Viewing artifacts created via the Analysis Tool web feature preview isn['\u2019\u02bc]t yet "
    r"supported on mobile\.)"
    r"[ \t]*(?(fence)\n?[ \t]*(?P=fence)[ \t]*)$\n?",
    re.MULTILINE,
)
DIRECTIVE = re.compile(
    r"^[ \t>]*(?P<colons>:{2,4})(?:writing|task-stub|[a-z]+[A-Z][A-Za-z]*)"
    r"(?:\[[^\]\n]*\])?(?:\{[^\n]*\})?[ \t]*$"
)
CLOSING = re.compile(r"^[ \t>]*:{3,4}[ \t]*$")
FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})")
CODE = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*$.*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
QUOTES = dict(zip("\"'“”„«»‘’「『", "\"'”””»«’’」』", strict=True))
ENDS = frozenset(" \t\n.,;:!?…)]}»”’\"'。，、；：！？）】|*_")
# The rest of a sentence that asks: nobody cites a source for a question.
ASKED = re.compile(r"[^.!?\n。！？]*[?？]")
NAMED = re.compile(r"""\b(?:language|contentType|type)\s*=\s*["']([^"']*)["']""")
# How a person names marks without writing one, by their kinds.
SPOKEN = {
    ("artifact",): re.compile(r"\b(?:ant|xai)Artifact\b|<immersive|\bimmersive tag"),
    ("link", "image"): re.compile(
        r"\bsandbox(?:://?|[ -](?:links?|urls?|paths?|address|scheme|protocol))", re.IGNORECASE
    ),
    ("ref",): re.compile(r"\bREFs?\b|\[/?ref\]", re.IGNORECASE),
    ("cited",): re.compile(r"\bcite_(?:start|end)\b|\[cite"),
    ("turn", "escaped"): re.compile(r"\b(?:file)?citeturn|\bturn\d?(?:search|view)|\\ue20"),
    ("dagger",): re.compile("†"),
    ("oaicite", "linked"): re.compile(r"\boai_?cit|contentReference"),
    ("grok",): re.compile(r"grok[:-](?:render|card)"),
    ("entity", "object", "titled"): re.compile(
        r"\b(?:image_group|genui|link_title|product_entity)"
    ),
    ("codex",): re.compile(r"codex-\w+-citation"),
    ("reflection",): re.compile("search_quality"),
}
SPOKEN_HINTS = (
    *("artifact", "<immersive", "immersive tag", "sandbox", "ref", "cite", "turn", "\\ue20", "†"),
    *("oai", "contentreference", "grok", "image_group", "genui", "link_title", "product_entity"),
    *("citation", "search_quality"),
)
# Words by which a text is about a mark in it, and was not pasted with it.
ABOUT = re.compile(
    r"\b(?:marks?|markers?|tags?|citations?|symbols?|placeholders?|tokens?|strings?|syntax|regex\w*"
    r"|patterns?|means?|artifacts?|remove|strip|delete|marcaj\w*|semn\w*|bedeutet|zeichen|marca\w*"
    r"|signifie|simbol\w*|símbolo)\b",
    re.IGNORECASE,
)
