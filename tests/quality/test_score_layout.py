"""What pages, PDFs, flattened code and capitals leave in an answer, and what only looks so."""

from __future__ import annotations

import calendar
import inspect
import re
import shutil
import textwrap
from collections.abc import Callable

import pytest

from engine.models import Turn
from engine.quality.score import QualityCheck, score_answer

BREAD = (
    "Bread rises because the yeast in the dough eats sugar and gives off a gas, which is caught in "
    "a net of gluten that stretches like a balloon until the oven sets it for good. In a cold "
    "kitchen all of this takes much longer, so put the bowl next to the oven and cover it with a "
    "towel that you have made wet before, and come back to it after an hour or two."
)


def found(answer: str, prompt: str = "Why does bread rise?") -> dict[str, str]:
    """Return the codes of the flags with the text that each points at."""
    turns = [Turn("user", prompt), Turn("assistant", answer)]
    return {flag.code: answer[flag.start : flag.end] for flag in QualityCheck().look(turns).flags}


def flat(code: str) -> str:
    return re.sub(r"^[ \t]+", "", code, flags=re.MULTILINE)


CHROME = {
    "en": "Skip to main content\nHome\nNews\nSport\nSign in",
    "buttons": "Share\nTweet\nPin it\nEmail this",
    "one line": "Home | About us | Contact | Log in",
    "slashes": "Share / Tweet / Accept all cookies / Sign in / Related posts",
    "notice": "We use cookies to give you the best experience on our website.\nAccept all",
    "de": "Zum Inhalt springen\nAlle Cookies akzeptieren\nAnmelden\nImpressum",
    "fr": "Aller au contenu principal\nTout accepter\nSe connecter\nMentions légales",
    "ro": "Acceptă toate cookie-urile\nAutentificare\nTermeni și condiții\nDistribuie",
    "es": "Ir al contenido\nAceptar todas las cookies\nIniciar sesión\nAviso legal",
    "it": "Accetta tutti i cookie\nAccedi\nNote legali\nCondividi",
    "ja": "コンテンツへスキップ\nログイン\nプライバシーポリシー",
    "after": "Related posts\nLeave a comment\n© 2024 Bread & Butter. All rights reserved.",
    "counts": "12 Comments\nShare 34\nMost read",
    "no known word": "Heritage\nWheat Fields\nOur Mills\nStone Ovens",
}


@pytest.mark.parametrize("language", CHROME)
@pytest.mark.parametrize("before", [True, False])
def test_page_furniture_is_found_where_it_stands(language: str, before: bool) -> None:
    chrome = CHROME[language]
    answer = f"{chrome}\n\n{BREAD}" if before else f"{BREAD}\n\n{chrome}"
    where = found(answer)["page-chrome"]
    assert any(line in where for line in re.split(r"\n| [|/] ", chrome))
    assert BREAD not in where


PAGE = textwrap.wrap(BREAD, 70)
CARRIERS: dict[str, Callable[[str], str]] = {
    "wrapped": lambda text: textwrap.fill(text, 70),
    "wide column": lambda text: textwrap.fill(text, 96),
    "narrow column": lambda text: textwrap.fill(text, 48),
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_lines_of_a_page_are_found(carrier: str) -> None:
    answer = CARRIERS[carrier](BREAD)
    where = found(answer)["line-breaks"]
    assert where.count("\n") == 1
    assert answer.startswith(where)


@pytest.mark.parametrize(
    ("answer", "where"),
    [
        (BREAD.replace("stretches", "stret-\nches"), "stret-\nches"),
        (BREAD.replace("kitchen", "kit-\n  chen"), "kit-\n  chen"),
        (BREAD.replace("takes", "ta\u00ad\nkes"), "ta\u00ad\nkes"),
        (BREAD.replace("balloon", "bal- loon").replace("kitchen", "kit- chen"), "bal- loon"),
        (BREAD.replace("eats", "ﬂuﬀs"), "ﬂ"),
        ("\n".join((*PAGE[:2], "", "27", "", *PAGE[2:])), "27"),
        (f"{BREAD}\n\nPage 3 of 12\n\n{BREAD[::-1]}", "Page 3 of 12"),
    ],
)
def test_what_a_pdf_leaves_is_found(answer: str, where: str) -> None:
    assert found(answer)["pdf"] == where
    assert score_answer(answer).score < 0.72


JAVASCRIPT = """function rise(loaf) {
  if (loaf.warm) {
    for (let i = 0; i < 3; i++) {
      loaf.height += i;
    }
  }
  return loaf;
}
"""
YAML = """services:
  oven:
    image: bread/oven
    ports:
      - "80:80"
  mill:
    image: bread/mill
    depends_on:
      - oven
"""
MAKEFILE = """CC = gcc
all: bread

bread: flour.o water.o
\t$(CC) -o $@ flour.o water.o

clean:
\trm -f bread
"""


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", inspect.getsource(shutil.copyfileobj)),
        ("python", inspect.getsource(calendar.isleap) + inspect.getsource(calendar.weekday)),
        ("", inspect.getsource(textwrap.indent)),
        ("javascript", JAVASCRIPT),
        ("", JAVASCRIPT),
        ("yaml", YAML),
        ("makefile", MAKEFILE),
        ("html", "<ul>\n  <li>\n    <b>Bread</b>\n    <i>Rye</i>\n  </li>\n</ul>\n"),
    ],
)
def test_lost_indentation_is_found(language: str, code: str) -> None:
    fenced = f"Here it is:\n\n```{language}\n{code}```\n"
    assert "indentation" not in found(fenced, "Write it")
    assert "indentation" in found(flat(fenced), "Write it")
    assert "indentation" not in found(code, "Write it")


def test_python_without_a_fence_loses_its_indentation_too() -> None:
    code = inspect.getsource(calendar.monthrange)
    assert "indentation" in found(flat(code), "Write it")


@pytest.mark.parametrize(
    "text",
    [
        BREAD,
        "Hefe frisst Zucker und gibt dabei ein Gas ab, das im Teig bleibt und ihn größer macht.",
        "Drojdia mănâncă zahăr și lasă un gaz care rămâne prins în aluat și îl face mai mare.",
        "Дрожжи едят сахар и выделяют газ, который остаётся в тесте и делает его больше.",
    ],
)
def test_sentences_in_capitals_are_found(text: str) -> None:
    answer = text.upper()
    assert found(answer)["capitals"] in answer
    assert "capitals" not in found(text)
    assert "capitals" not in found(answer, "Write it in uppercase")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (" ".join(BREAD.replace(" ", "  ")), "pdf"),
        (BREAD.replace(" ", ""), "pdf"),
        (f"{BREAD} Advertisement. Continue reading below. Click here to subscribe.", "page-chrome"),
        ("x".join(["qkjwvzhtprbnmc"] * 6) + f" {BREAD}", "gibberish"),
        ("CHLEB ROŚNIE PRZEZ DWIE GODZINY W CIEPŁYM MIEJSCU. POTEM PIECZE SIĘ GO.", "capitals"),
    ],
)
def test_damage_within_a_line_is_found(answer: str, code: str) -> None:
    assert found(answer).keys() == {code}


LEGITIMATE = {
    "names": ("Acronyms?", "NASA, ESA, JAXA, ISRO, CNES, DLR, ASI, CSA, UKSA, KARI, AEB, CONAE"),
    "labels": ("Sentiment?", "POSITIVE"),
    "heading": ("Why?", f"WHY BREAD RISES\n\n{BREAD}"),
    "query": ("SQL?", "SELECT NAME FROM BREADS WHERE AGE > 3 AND KIND IN ('RYE') ORDER BY NAME;"),
    "constants": ("Constants?", "Set MAX_RISE, MIN_RISE and OVEN_ON in the file, then run it."),
    "networks": ("Name some social networks", "Facebook\nTwitter\nInstagram\nReddit\nLinkedIn"),
    "listed": ("Which?", "Share it on these:\n\n- Facebook\n- Twitter\n- Reddit\n\nThen wait."),
    "steps": ("How do I join?", "1. Open the page.\n2. Sign in\n3. Accept all cookies\n4. Share"),
    "site": ("Which items belong in a website's footer?",
             "These:\n\n- Privacy policy\n- Contact us\n- Terms of use\n- About us"),
    "baked": ("What do you bake?", "We make cookies, and everybody likes the experience."),
    "word": ("Translate to German: accept all", "alle akzeptieren"),
    "pairs": ("Terms?", "Think of short- and long-term gains, of pre- or post-war prices, too."),
    "German pairs": ("Was?", "Die Vor- und Nachteile sowie Ein- oder Ausgaben stehen dort."),
    "verse": ("A poem", "The oven hums a low and golden tune,\nand flour falls like slow and "
              "quiet snow,\nthe loaf leans up as if to reach the moon,\nthe crust begins to "
              "crack, to shine, to glow."),
    "address": ("Address?", "Bread & Butter Ltd\n12 Mill Lane\nOxford\nOX1 2AB"),
    "numbers": ("The first five squares, one a line", "1\n4\n9\n16\n25"),
    "hard breaks": ("Why?", "The yeast in the dough eats the sugar of the flour  \nand gives off "
                    "a gas that is caught in there  \nuntil the oven sets it."),
    "flat script": ("Commands?", "```sh\ncd bread\nmake all\nmake install\n```"),
    "headline": ("What did it say?", 'The headline read: "PRESIDENT RESIGNS AFTER NIGHT OF '
                 'PROTESTS IN THE CAPITAL". Nobody had expected it.'),
    "titlu": ("Ce scria?", "Titlul era: „GUVERNUL A CĂZUT ȘI ȚARA ESTE ÎN "
              "STRADĂ”. Nimeni nu credea."),
    "Schlagzeile": ("Was stand da?", "Die Zeile hieß: »DER KANZLER TRITT ZURÜCK UND DAS LAND IST "
                    "IN AUFRUHR«. Niemand hatte es erwartet."),
    "licence": ("What does MIT say?", 'It ends so: THE SOFTWARE IS PROVIDED "AS IS", WITHOUT '
                "WARRANTY OF ANY KIND. IN NO EVENT SHALL THE AUTHORS BE LIABLE FOR ANY CLAIM OR "
                "DAMAGES."),
    "letters": ("Which?", "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z"),
    "compounds": ("Was?", "Die Rechtsschutzversicherungsgesellschaften, Kraftfahrzeughaftpflicht"
                  "versicherungen und Donaudampfschifffahrtsgesellschaften sind keine."),
    "YAML list": ("YAML?", "```yaml\nloaves:\n- rye\n- wheat\novens:\n- gas\n```"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEGITIMATE)
def test_what_only_looks_like_damage_is_left_alone(name: str) -> None:
    prompt, answer = LEGITIMATE[name]
    assert not found(answer, prompt).keys() & {
        "page-chrome", "pdf", "line-breaks", "indentation", "capitals", "gibberish"
    }  # fmt: skip


ENDINGS = {
    "address": "The recipe is on the page of the mill, with pictures. See www.example-mill.com",
    "mail": "Write to us about the bread that you have baked. Our address is oven@example.org",
    "credit": "“Bread is the warmest, kindest of words. Write it always.” ― Somebody Kind",
    "letter": f"{BREAD}\n\nLooking forward to seeing you,",
    "label": f"{BREAD}\nThus the answer is: Yeast",
    "notes": "- the yeast eats the sugar in the dough\n- the gas is caught there. It stretches the "
             "net of gluten\n- the oven sets it. After that it does not rise any more at all",
    "quotation": "It says:\n\n> Bread rises in the warm. In the cold it takes very much longer",
    "sum": "The first loaf weighs 400 g. Both of them weigh 400 + 350 = 750 g on my scales",
    "value": "This is the output of it:\n\nResult: [1, 3, 4]",
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_endings_that_need_no_full_stop_stay_above_the_line(name: str) -> None:
    assert score_answer(ENDINGS[name], "Tell me about bread").score >= 0.7
