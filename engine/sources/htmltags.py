"""The names of HTML's elements, by which a mark is told from a word in angle brackets."""

from __future__ import annotations

_BREAKING = (
    "address article aside blockquote body br caption center col colgroup dd details dialog dir "
    "div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header "
    "hgroup hr html legend li main menu nav ol optgroup option p pre search section summary table "
    "tbody td tfoot th thead title tr ul"
)
_INLINE = (
    "a abbr acronym area audio b base basefont bdi bdo big button canvas cite code data datalist "
    "del dfn em embed font i iframe img input ins kbd label link map mark meta meter noframes "
    "noscript object output param picture progress q rp rt ruby s samp script select slot small "
    "source span strike strong style sub sup svg template textarea time track tt u var video wbr "
    "path g rect circle line polyline polygon defs use"
)

BREAKING = frozenset(_BREAKING.split())
"""Elements at whose borders words are apart."""

ELEMENTS = BREAKING | frozenset(_INLINE.split())
"""All that browsers know in a page's body, with those of simple drawings."""
