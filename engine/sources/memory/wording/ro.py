"""Memories in Romanian."""

from __future__ import annotations

from engine.sources.memory.names import word_set
from engine.sources.memory.wording.form import Wording

WORDING = Wording(
    keyed=(
        "Ce îmi poți spune despre {key}, în cazul tău?",
        "La {key}, ce ai răspunde?",
        "Aș vrea să știu un lucru despre tine: {key}.",
        "Spune-mi, te rog: {key}?",
        "Despre tine: {key}?",
        "Dacă te-ar întreba cineva de {key}, ce ai spune?",
        "Amintește-mi: {key}?",
    ),
    listed=(
        "Ce îmi poți spune despre {key}, în cazul tău?",
        "La {key}, ce ai enumera?",
        "Aș vrea să aud mai multe despre tine: {key}.",
        "Despre tine: {key}. Care sunt?",
        "Dacă te-ar întreba cineva de {key}, ce ai spune?",
    ),
    topic=(
        "Ce îți amintești despre {topic}?",
        "Povestește-mi despre {topic}.",
        "Ce poți să-mi spui despre {topic}?",
        "Ce ar trebui să știu despre {topic}?",
        "Ce știi despre {topic}?",
        "Adu-mi aminte ce știi despre {topic}.",
    ),
    placed=(
        "La capitolul {category}: ce îți amintești despre {topic}?",
        "Despre {category}: povestește-mi despre {topic}.",
    ),
    category=(
        "Ce poți să-mi spui despre {category}?",
        "Ce îți amintești când vine vorba de {category}?",
        "Spune-mi ceva despre {category}.",
        "Ce ar trebui să știu despre tine la capitolul {category}?",
    ),
    dated=(
        "Ce s-a întâmplat {when}?",
        "Ce îți amintești din ce a fost {when}?",
        "Îți amintești ce s-a întâmplat {when}?",
    ),
    dated_topic=(
        "Ce îți amintești despre {topic}, {when}?",
        "{When}: ce poți să-mi spui despre {topic}?",
    ),
    plain=(
        "Spune-mi ceva despre tine.",
        "Ce altceva ar trebui să știu despre tine?",
        "Împărtășește ceva ce îți amintești.",
        "Ce lucru ar fi bine să știu despre tine?",
    ),
    who=(
        "Cine ești?",
        "Te poți prezenta?",
        "Spune-mi cine ești.",
        "Cu cine vorbesc?",
        "Cum te-ai prezenta?",
    ),
    named=(
        "Cum te cheamă?",
        "Care e numele tău?",
        "Cum să-ți spun?",
        "Pe ce nume răspunzi?",
    ),
    groups={
        "traits": (
            (
                "Cum te-ai descrie?",
                "Ce fel de om ești?",
                "Ce cuvinte ți se potrivesc cel mai bine?",
                "Cum ești de felul tău?",
                "Ce ar spune un prieten despre caracterul tău?",
            ),
            "M-aș descrie așa: {items}.",
        ),
        "interests": (
            (
                "Ce te interesează?",
                "Cu ce îți place să-ți petreci timpul?",
                "Ce pasiuni ai?",
                "Despre ce ai putea vorbi ore întregi?",
            ),
            "Mă interesează: {items}.",
        ),
        "values": (
            (
                "Ce contează cel mai mult pentru tine?",
                "În ce crezi?",
                "Care sunt valorile tale?",
            ),
            "Pentru mine contează: {items}.",
        ),
        "likes": (
            ("Ce îți place?", "Ce te bucură?", "Spune câteva lucruri care îți plac."),
            "Îmi place: {items}.",
        ),
        "dislikes": (
            ("Ce nu îți place?", "Ce te supără?", "Spune câteva lucruri care nu îți plac."),
            "Nu îmi place: {items}.",
        ),
        "preferences": (
            (
                "Ce preferi?",
                "Care sunt preferințele tale?",
                "Cum îți plac lucrurile?",
            ),
            "Prefer: {items}.",
        ),
        "style": (
            (
                "Cum vorbești de obicei?",
                "Care e felul tău de a vorbi?",
                "Cum îți place să comunici?",
                "Cum ți-ai descrie tonul?",
            ),
            "Vorbesc așa: {items}.",
        ),
        "phrases": (
            (
                "Ce spui des?",
                "Ce expresii îți sunt specifice?",
                "După ce cuvinte te-aș recunoaște?",
            ),
            "Spun des: {items}.",
        ),
        "goals": (
            ("Ce obiective ai?", "Ce vrei să realizezi?", "Spre ce te îndrepți?"),
            "Îmi doresc: {items}.",
        ),
        "fears": (
            ("De ce te temi?", "Ce îți e greu?", "Care sunt punctele tale slabe?"),
            "Îmi e greu cu: {items}.",
        ),
        "work": (
            ("Cu ce te ocupi?", "Ce lucrezi?", "Ce meserie ai?"),
            "Mă ocup cu: {items}.",
        ),
        "home": (
            ("Unde ești acasă?", "Unde locuiești?", "Unde te poate găsi cineva?"),
            "Sunt acasă aici: {items}.",
        ),
        "age": (("Câți ani ai?", "Ce vârstă ai?"), "Vârsta mea: {items}."),
        "languages": (("Ce limbi vorbești?", "Ce limbi știi?"), "Vorbesc: {items}."),
        "story": (
            (
                "Care e povestea ta?",
                "De unde vii?",
                "Povestește-mi despre trecutul tău.",
            ),
            "{items}",
        ),
    },
    part=(
        "Ce poți să-mi spui despre tine: {key}?",
        "Despre tine: {key}?",
        "Aș vrea să știu mai multe despre tine: {key}.",
        "La {key}, ce ai spune despre tine?",
    ),
    keyed_answer="{Key}: {value}.",
    listed_answer="{Key}: {value}.",
    i_am="Sunt {name}.",
    my_name="Mă numesc {name}.",
    you_are="Ești {name}.",
    degrees=("scăzut", "mediu", "ridicat"),
    yes_no=("da", "nu"),
    conjunction=" și ",
    months=(
        "ianuarie", "februarie", "martie", "aprilie", "mai", "iunie",
        "iulie", "august", "septembrie", "octombrie", "noiembrie", "decembrie",
    ),
    day="pe {day} {month} {year}",
    month="în {month} {year}",
    categories={
        "family": "familie", "work": "muncă", "job": "muncă", "career": "carieră",
        "preference": "preferințe", "preferences": "preferințe", "hobby": "pasiuni",
        "hobbies": "pasiuni", "interests": "pasiuni", "health": "sănătate",
        "education": "studii", "goals": "obiective", "goal": "obiective", "travel": "călătorii",
        "food": "mâncare", "relationships": "relații", "relationship": "relații",
        "childhood": "copilărie", "habits": "obiceiuri", "habit": "obiceiuri",
        "values": "valori", "skills": "abilități", "friends": "prieteni", "music": "muzică",
        "books": "cărți", "home": "casă", "opinions": "păreri", "opinion": "păreri",
        "experiences": "experiențe", "experience": "experiențe", "events": "evenimente",
        "event": "evenimente", "finance": "bani", "pets": "animale", "identity": "identitate",
        "personality": "personalitate", "location": "locuri", "emotions": "emoții",
        "traits": "trăsături", "communication_style": "fel de a comunica",
        "speaking_style": "fel de a vorbi", "style": "stil", "tone": "ton", "role": "rol",
        "age": "vârstă", "languages": "limbi", "likes": "ce îmi place",
        "dislikes": "ce nu îmi place", "background": "trecut", "occupation": "meserie",
    },
    inflects=True,
    quoted="„{text}”",
    common=word_set(
        "si și de la in în cu pe nu sa să ca că este sunt era din care mai pentru un o au ce dar "
        "se am fost eu meu mea mei mele îmi imi mi-am mă ma i-a lui ei când cand foarte place "
        "despre după dupa până unde acum întotdeauna mereu niciodată niciodata are a al ale unei "
        "lucrez locuiesc iubesc vreau prefer fiecare zi"
    ),
)  # fmt: skip
