"""A diary page in each language: a thought, with a question in the page's language and its date.

Dates are compared with those of the CLDR, as Babel publishes them. The pages are labelled by
their language; the detector knows nothing of the tables that questions are made of.
"""

from __future__ import annotations

from datetime import date

import pytest
from babel.dates import format_date, get_month_names

from engine.extract.languages import languages
from engine.extract.notes import extract_note
from engine.extract.topics import date_phrase
from engine.models import Document, Example
from engine.quality.language import Detector
from engine.sources.notes import parse_note

PAGES = {
    "en": """
        I was tired of the long meetings, but I never said so. This week I finally told the others
        that I would rather read a short report, and nobody was angry. I think I had been afraid
        of a quarrel that only I could see. Next time I will say it sooner.""",
    "ro": """
        Eram sătul de ședințele lungi, dar nu am spus niciodată nimic. Săptămâna asta le-am zis în
        sfârșit celorlalți că prefer un raport scurt și nimeni nu s-a supărat. Cred că îmi era
        teamă de o ceartă pe care o vedeam doar eu. Data viitoare o să spun mai devreme, am
        învățat asta.""",
    "de": """
        Ich war die langen Sitzungen leid, aber ich habe nie etwas gesagt. Diese Woche habe ich
        den anderen endlich erklärt, dass mir ein kurzer Bericht lieber ist, und niemand war böse.
        Ich glaube, ich hatte Angst vor einem Streit, den nur ich gesehen habe. Nächstes Mal sage
        ich es früher.""",
    "fr": """
        J'en avais assez des longues réunions, mais je n'ai jamais rien dit. Cette semaine j'ai
        enfin expliqué aux autres que je préfère un compte rendu court, et personne ne s'est
        fâché. Je crois que j'avais peur d'une dispute que j'étais seul à voir. La prochaine fois
        je le dirai plus tôt, j'ai compris cela.""",
    "it": """
        Ero stufo delle riunioni lunghe, ma non ho mai detto niente. Questa settimana ho
        finalmente spiegato agli altri che preferisco un resoconto breve, e nessuno si è
        arrabbiato. Credo che avessi paura di una lite che vedevo soltanto io. La prossima volta
        lo dirò prima, ho capito che mi conviene.""",
    "es": """
        Estaba harto de las reuniones largas, pero nunca dije nada. Esta semana por fin les
        expliqué a los demás que prefiero un informe corto, y nadie se enfadó. Creo que me daba
        miedo una pelea que solo veía yo. La próxima vez lo diré antes, he aprendido que me
        conviene.""",
    "pt": """
        Eu andava farto das reuniões longas, mas nunca disse nada. Esta semana finalmente
        expliquei aos outros que prefiro um relatório curto, e ninguém ficou zangado. Acho que
        tinha medo de uma briga que só eu via. Da próxima vez vou dizer mais cedo, porque aprendi
        que me faz bem.""",
    "nl": """
        Ik was de lange vergaderingen beu, maar ik zei er nooit iets van. Deze week heb ik de
        anderen eindelijk verteld dat ik liever een kort verslag lees, en niemand was boos. Ik
        denk dat ik bang was voor een ruzie die alleen ik zag. De volgende keer zeg ik het eerder.
        """,
    "ru": """
        Мне надоели длинные совещания, но я никогда об этом не говорила. На этой неделе я наконец
        сказала остальным, что мне лучше прочитать короткий отчёт, и никто не обиделся. Мне
        кажется, я боялась ссоры, которую видела только я. В следующий раз скажу раньше, я это
        поняла.""",
    "zh": """
        我早就厌倦了那些冗长的会议，但是一直没有说出来。这个星期我终于告诉大家，我宁愿看一份简短的报告，
        结果谁也没有生气。我觉得自己其实是在害怕一场只有我看得见的争吵。下次我会早一点说出来，
        因为沉默只会让我更累。""",
}
LOCALES = {"en": "en_GB"}
DAY = date(2025, 3, 14)


def _extract(page: str, frontmatter: str = "") -> list[Example]:
    joint = "" if "。" in page else " "
    body = joint.join(line.strip() for line in page.strip().splitlines())
    note = parse_note(f"{frontmatter}{body}\n", DAY.isoformat())
    return extract_note(
        Document(
            source_id="s",
            path=f"{DAY.isoformat()}.md",
            title=note.title,
            content_hash="b2-0",
            text=note.body,
            tags=note.tags,
            date=note.date or DAY.isoformat(),
            start_line=note.body_line,
            metadata=note.metadata,
        ),
        ("thoughts",),
    )


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.mark.parametrize("language", PAGES)
def test_a_page_is_asked_for_in_its_language(language: str, detector: Detector) -> None:
    (example,) = _extract(PAGES[language])
    assert example.kind == "reflection"
    asked = example.turns[0].content
    assert _published(language) in asked
    assert detector.tell(asked).language in (language, "")


@pytest.mark.parametrize("language", PAGES)
def test_dates_are_those_that_the_cldr_publishes(language: str) -> None:
    locale = LOCALES.get(language, language)
    # A Chinese date is written with the numbers of months, which are their short names.
    months = get_month_names("abbreviated" if language == "zh" else "wide", "format", locale)
    assert languages()[language].dates.months == tuple(months[index] for index in range(1, 13))
    assert _published(language) in date_phrase(DAY.isoformat(), language)


@pytest.mark.parametrize("language", PAGES)
def test_templates_are_in_their_language(language: str, detector: Detector) -> None:
    for shape, templates in languages()[language].asking.templates.items():
        said = " ".join(templates)
        slots = dict.fromkeys(("topic", "place", "when", "question", "title", "heading"), "…")
        told = detector.tell(said.format(**slots)).language
        assert told in (language, ""), f"{shape}: {told}"


def _published(language: str) -> str:
    written = format_date(DAY, "long", LOCALES.get(language, language))
    # The Russian sign for "year" is an abbreviation; in a sentence the word is written out.
    return written.removesuffix("\u202fг.").removesuffix("\u00a0г.").removesuffix(" г.")
