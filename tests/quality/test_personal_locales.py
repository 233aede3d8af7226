"""Addresses and telephone numbers as Faker writes them, by locale, and forms that people use.

The text around them is Faker's too, so that neither the values nor their surroundings come
from whoever wrote the rules. `tests.bench.bench_locales` measures more, in real sentences.
"""

from __future__ import annotations

import random

import pytest
from faker import Faker

from engine.models import Turn
from engine.quality.personal import PersonalCheck
from tests.bench.bench_locales import addresses, phones, placed

CHECK = PersonalCheck()
COUNT = 60
LOCALES = ("en_US", "en_GB", "ro_RO", "de_DE", "fr_FR", "it_IT", "es_ES", "nl_NL", "pt_PT")


def carriers(locale: str) -> list[str]:
    fake = Faker(locale)
    fake.seed_instance(3)
    return [fake.sentence(12) for _ in range(80)]


def found(text: str) -> list[tuple[str, str]]:
    flags = CHECK.look([Turn("user", text)]).flags
    return [(flag.code, text[flag.start : flag.end]) for flag in flags]


@pytest.mark.parametrize("locale", LOCALES)
def test_addresses_are_covered_whole(locale: str) -> None:
    rng = random.Random(17)
    around = carriers(locale)
    full = hit = touched = whole = 0
    for value, is_full in addresses(locale, 17, COUNT):
        text, start = placed(rng, value, around)
        end = start + len(value)
        flags = [f for f in CHECK.look([Turn("user", text)]).flags if f.start < end > start < f.end]
        full += is_full
        hit += is_full and any(flag.code == "address" for flag in flags)
        touched += bool(flags)
        whole += any(f.code == "address" and f.start <= start and end <= f.end for f in flags)
    assert whole >= 0.95 * touched
    assert hit >= 0.85 * full


@pytest.mark.parametrize("locale", LOCALES)
def test_telephone_numbers_are_found(locale: str) -> None:
    rng = random.Random(23)
    words = {
        # Faker has no Italian, Portuguese and Romanian sentences; those are of the
        # Universal Declaration of Human Rights.
        "it_IT": "Ogni individuo ha diritto alla vita, alla libertà ed alla sicurezza di sé.",
        "pt_PT": "Todo o ser humano tem direito à vida, à liberdade e à segurança da sua pessoa.",
        "ro_RO": "Orice ființă umană are dreptul la viață, la libertate și la securitatea ei.",
        "es_ES": "Todo individuo tiene derecho a la vida, a la libertad y a la seguridad.",
    }
    around = [words[locale]] * 2 if locale in words else carriers(locale)
    total = hit = 0
    for value in phones(locale, 23, COUNT):
        text, start = placed(rng, value, around)
        flags = CHECK.look([Turn("user", text)]).flags
        total += 1
        hit += any(
            f.code == "phone" and f.start <= start and start + len(value) <= f.end for f in flags
        )
    assert total == COUNT
    assert hit >= 0.95 * total


@pytest.mark.parametrize(
    "address",
    [
        "Str. Mihai Eminescu nr. 12, bl. A4, sc. 2, et. 3, ap. 7, sector 3, București, "
        "cod poștal 030167",
        "Strada Ștefan cel Mare 5\nbl. 12, ap. 4\n700259 Iași\njud. Iași\nRomânia",
        "Calea Victoriei 54, București",
        "Bdul Iuliu Maniu 111, sector 6, București",
        "Splaiul Independenței 313",
        "10 Downing Street\nLondon\nSW1A 2AA\nUnited Kingdom",
        "Flat 3, 12 High Street, Oxford, OX1 4AB",
        "1600 Pennsylvania Ave NW, Washington, DC 20500",
        "350 Fifth Avenue, Suite 3300\nNew York, NY 10118\nUSA",
        "12 bis rue de la Paix, bâtiment B, appartement 12, 75002 Paris, France",
        "8, boulevard du Port\n3e étage\n80000 Amiens",
        "Hauptstraße 12, Hinterhaus, 2. OG links, 10115 Berlin",
        "Lange Straße 4a\n27232 Sulingen\nDeutschland",
        "Mariahilfer Straße 45/2/11\n1060 Wien",
        "Via Roma, 15, scala B, interno 4, 20121 Milano (MI)",
        "Viale dei Giardini 3/A\nPiano 2\n00196 Roma RM\nItalia",
        "Calle Mayor, 5, 3º B, 28013 Madrid, España",
        "Avda. de la Constitución nº 12, piso 2, puerta 4\n41001 Sevilla",
        "C/ Alcalá 45, 1º dcha., 28014 Madrid",
        "Rua Augusta, n.º 25, 2.º Esq., 1100-048 Lisboa",
        "Keizersgracht 123-2\n1015 CJ Amsterdam\nNederland",
    ],
)
def test_addresses_as_people_write_them_are_covered_whole(address: str) -> None:
    for text in (f"It was sent there: {address}.", f"Ana Pop\n{address}\n\nDear all,"):
        assert any(code == "address" and address in value for code, value in found(text))


@pytest.mark.parametrize(
    "number",
    [
        "06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78", "0612345678", "+33 (0)6 12 34 56 78",
        "0033 6 12 34 56 78", "+33612345678", "347 1234567", "347/1234567", "02-76004567",
        "+39 06 6982 1234", "06 6982 1234", "+39 347 1234567", "0721.234.567", "0721/234567",
        "(021) 312 45 67", "+40 (0)721-234-567", "030 901820", "030/90 18 20", "+49 (0)30 901820",
        "91 411 11 11", "+34 612 34 56 78", "020-6241111", "06-12345678", "+351 912 345 678",
        "(212) 736-5000", "212-736-5000", "+1 212.736.5000", "020 7946 0018", "07700 900123",
    ],
)  # fmt: skip
def test_telephone_numbers_as_people_write_them_are_found(number: str) -> None:
    text = f"Tel. {number}, dopo le otto."
    assert found(text) == [("phone", number)]


@pytest.mark.parametrize(
    "text",
    [
        "I live on a quiet street with 5 Main ideas in 12 small rooms.",
        "In 2019, 25000 people came; during 1994, 30000 did.",
        "Rule 21 of the Supreme Court, Table 3, 2019 Results, Chapter 12",
        "Use it via Gemini 2 or via SSH 2, and scored 3 more in Spring 2018.",
        "np.array([[3602, 3, 1, 3, 17, 207000], [2375, 2, 1, 27, 152000]])",
        "Windows 11 Pro, Python 3 Programming, Formula 1 Racing",
        "between 0900-0130 hours; 960-480-120 = 360 dollars; 0 1 2 3 4 5 6 7 8 9 0 1",
        "order no. 0612345678, invoice 2127365000, ref 0033612345",
        "ISBN 0-306-40615-2, version 06.12.34, lat 44.4268, lon 26.1025, 1.234.567,89 EUR",
        "Comanda nr. 0721234567 a fost trimisă; factura 0212345678 la fel.",
        "id=3471234567; x = 0612345678",
    ],
)
def test_what_looks_like_an_address_or_a_number_is_left_alone(text: str) -> None:
    assert found(text) == []
