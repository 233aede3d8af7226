"""Sentences by the classes in which functional tests of hate speech are published.

The classes are those of the literature (hateful: expressed contempt, demeaning and
dehumanising description, threats, exclusion, slurs, profanity, references across sentences,
negated praise, questions and opinions, hidden spelling; not hateful: denouncing and quoting,
negated hate, reclaimed words, other meanings, abuse of things and of nobody protected,
neutral and friendly mention). The sentences were written from the descriptions of the
classes, not from the product's lists. ``{g}`` stands for a group's name in the plural.
"""

from __future__ import annotations

GROUPS = {
    "en": ("women", "gay people", "Black people", "Muslims", "immigrants", "disabled people",
           "trans people", "Jews"),
    "ro": ("femeile", "homosexualii", "persoanele de culoare", "musulmanii", "imigranții",
           "persoanele cu dizabilități", "romii", "evreii"),
    "de": ("Frauen", "Schwule", "Schwarze", "Muslime", "Migranten", "Behinderte", "Roma", "Juden"),
}  # fmt: skip

HATEFUL: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "contempt": ("I really hate {g}.", "I can't stand {g}, all of them.",
                     "I despise every one of those {g}."),
        "demeaning": ("{g} are stupid and lazy.", "All {g} are simply disgusting.",
                      "Everybody knows that {g} are liars."),
        "dehumanised": ("{g} are like rats.", "{g} are nothing but parasites.",
                        "To me {g} are vermin."),
        "threat": ("I am going to shoot {g}.", "We should get together and kill all {g}.",
                   "One day I will burn {g}."),
        "wish": ("{g} should all be hanged.", "{g} deserve to die.", "I hope {g} rot in hell."),
        "exclusion": ("{g} don't belong in this country.", "Throw {g} out of our town.",
                      "{g} should have no right to vote."),
        "profanity": ("Fuck all {g}.", "{g} are fucking useless.", "These damn {g} make me sick."),
        "across sentences": ("There are {g} in my street. They are all scum.",
                             "I saw some {g} today. Those people should be locked up."),
        "negated praise": ("{g} are not human.", "{g} don't deserve any respect.",
                           "{g} will never be equal to us."),
        "question": ("Why are {g} so disgusting?", "How come {g} are all criminals?"),
        "opinion": ("I think that {g} are inferior.", "In my view {g} are a disease."),
        "hidden": ("{g} are v3rmin.", "{g} are s.c.u.m.", "{g} are tr@sh."),
    },
    "ro": {
        "contempt": ("Îi urăsc pe {g}.", "Nu îi suport pe {g}, pe niciunul.",
                     "Urăsc din suflet {g}."),
        "demeaning": ("{g} sunt proști și leneși.", "Toți {g} sunt niște hoți.",
                      "Se știe că {g} sunt scârboși."),
        "dehumanised": ("{g} sunt niște animale.", "{g} sunt paraziți.", "{g} sunt ca șobolanii."),
        "threat": ("O să îi împușc pe {g}.", "Ar trebui să îi omorâm pe toți {g}."),
        "wish": ("{g} ar trebui să moară.", "{g} merită să fie bătuți.",
                 "{g} ar trebui împușcați."),
        "exclusion": ("{g} nu au ce căuta în țara noastră.", "Afară cu {g} din țară!",
                      "{g} nu ar trebui să aibă drept de vot."),
        "across sentences": ("Pe strada mea stau {g}. Sunt niște gunoaie.",
                             "Am văzut {g} azi. Ăștia ar trebui închiși."),
        "negated praise": ("{g} nu sunt oameni.", "{g} nu merită niciun respect."),
        "question": ("De ce sunt {g} atât de scârboși?",),
        "opinion": ("Părerea mea e că {g} sunt inferiori.", "Cred că {g} sunt o boală."),
    },
    "de": {
        "contempt": ("Ich hasse {g}.", "Ich verachte alle {g}."),
        "demeaning": ("{g} sind dumm und faul.", "Alle {g} sind einfach widerlich.",
                      "{g} sind doch alle Lügner."),
        "dehumanised": ("{g} sind Ratten.", "{g} sind nichts als Parasiten.",
                        "{g} sind für mich Ungeziefer."),
        "threat": ("Ich werde {g} erschießen.", "Wir sollten alle {g} umbringen."),
        "wish": ("{g} sollten alle sterben.", "{g} gehören aufgehängt."),
        "exclusion": ("{g} haben hier nichts zu suchen.", "{g} raus aus unserem Land!",
                      "{g} sollten kein Wahlrecht haben."),
        "across sentences": ("In meiner Straße wohnen {g}. Die sind alle Abschaum.",),
        "negated praise": ("{g} sind keine Menschen.", "{g} verdienen keinen Respekt."),
        "question": ("Warum sind {g} so ekelhaft?",),
        "opinion": ("Ich finde, {g} sind minderwertig.", "{g} sind eine Krankheit."),
    },
}  # fmt: skip

BENIGN: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "counter-speech, quoting": ("Saying “{g} are vermin” is wrong.",
                                    'He wrote "I hate {g}", and that is hate speech.',
                                    "“Kill all {g}” is a disgusting thing to shout at anyone."),
        "counter-speech, naming": ("Anyone who claims that {g} are stupid is simply a bigot.",
                                   "You can't just say that {g} are all criminals.",
                                   "It is not acceptable to call {g} parasites."),
        "negated hate": ("We should not hate {g}.", "I don't hate {g}.",
                         "{g} are not disgusting.", "No one should kill {g}.",
                         "{g} should never be attacked.", "{g} don't deserve to die."),
        "things": ("I hate these pancakes.", "This printer is worthless trash.",
                   "Mondays should be banned."),
        "nobody protected": ("Bankers are parasites.", "I can't stand estate agents.",
                             "You are so annoying today."),
        "neutral": ("{g} work in this company.", "Many {g} live in this city.",
                    "The study asked {g} about their health.", "Are you one of the {g} here?",
                    "Some {g} were killed in the war."),
        "friendly": ("I love {g}.", "{g} are wonderful.", "We stand with {g}.",
                     "{g} deserve respect and equal rights."),
        "other meanings": ("The raccoon, or coon, is a mammal.", "The dyke kept the sea out.",
                           "Put the spic and span kitchen in the photo."),
    },
    "ro": {
        "counter-speech, quoting": ("E greșit să spui „{g} sunt paraziți”.",
                                    "A scris „îi urăsc pe {g}”, iar asta este instigare la ură."),
        "counter-speech, naming": ("Cine spune că {g} sunt proști este rasist.",
                                   "Nu e acceptabil să numești {g} animale."),
        "negated hate": ("Nu îi urăsc pe {g}.", "{g} nu sunt scârboși.",
                         "Nimeni nu ar trebui să îi omoare pe {g}."),
        "things": ("Urăsc clătitele astea.", "Imprimanta asta e un gunoi."),
        "nobody protected": ("Bancherii sunt niște paraziți.", "Nu îi suport pe vecini."),
        "neutral": ("{g} lucrează în firma asta.", "Mulți dintre {g} locuiesc în oraș.",
                    "Studiul i-a întrebat pe {g} despre sănătate."),
        "friendly": ("Îi iubesc pe {g}.", "{g} sunt minunați.", "{g} merită respect."),
        "other meanings": ("Cioara a zburat din cuib peste câmp.",),
    },
    "de": {
        "counter-speech, quoting": ("Es ist falsch, „{g} sind Parasiten“ zu sagen.",
                                    "Er schrieb „Ich hasse {g}“, und das ist Hassrede."),
        "counter-speech, naming": ("Wer behauptet, dass {g} dumm sind, ist ein Rassist.",
                                   "Es ist nicht in Ordnung, {g} Abschaum zu nennen."),
        "negated hate": ("Ich hasse {g} nicht.", "{g} sind nicht widerlich.",
                         "Niemand sollte {g} umbringen."),
        "things": ("Ich hasse diese Pfannkuchen.", "Dieser Drucker ist wertloser Müll."),
        "nobody protected": ("Banker sind Parasiten.", "Ich verachte Immobilienmakler."),
        "neutral": ("{g} arbeiten in dieser Firma.", "Viele {g} wohnen in dieser Stadt.",
                    "Die Studie befragte {g} zu ihrer Gesundheit."),
        "friendly": ("Ich liebe {g}.", "{g} sind wunderbar.", "{g} verdienen Respekt."),
        "other meanings": ("Das Zigeunerschnitzel heißt jetzt Paprikaschnitzel.",),
    },
}  # fmt: skip

RECLAIMED = (
    "We queers have to look after each other.",
    "I am a dyke and proud of it.",
    "As a fag myself, I love my community.",
    "My fellow faggots and I will be at the parade.",
    "Us trannies stick together.",
    "Being one of the crips, I call myself a cripple, and I am fine with it.",
)
"""Words that those whom they were meant to hurt have made their own."""


def sentences(kind: dict[str, dict[str, tuple[str, ...]]], language: str) -> dict[str, list[str]]:
    """Return a language's sentences by class, with each group in each."""
    return {
        name: list(dict.fromkeys(_begun(one.replace("{g}", group))
                                 for one in templates for group in GROUPS[language]))
        for name, templates in kind[language].items()
    }  # fmt: skip


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
