"""Memories in German."""

from __future__ import annotations

from engine.sources.memory.names import word_set
from engine.sources.memory.wording.form import Wording

WORDING = Wording(
    keyed=(
        "Was kannst du mir zu {key} sagen, bei dir?",
        "Zu {key}: Was würdest du antworten?",
        "Ich wüsste gern etwas über dich: {key}.",
        "Sag mir bitte: {key}?",
        "Über dich: {key}?",
        "Wenn dich jemand nach {key} fragt, was sagst du?",
        "Erinnere mich: {key}?",
    ),
    listed=(
        "Was kannst du mir zu {key} sagen, bei dir?",
        "Zu {key}: Was würdest du aufzählen?",
        "Ich wüsste gern mehr über dich: {key}.",
        "Über dich: {key}. Was gehört dazu?",
        "Wenn dich jemand nach {key} fragt, was sagst du?",
    ),
    topic=(
        "Was fällt dir zu {topic} ein?",
        "Erzähl mir etwas über {topic}.",
        "Was kannst du über {topic} sagen?",
        "Was sollte ich über {topic} wissen?",
        "Was weißt du über {topic}?",
        "Was hast du dir zu {topic} gemerkt?",
    ),
    placed=(
        "Zum Thema {category}: Was weißt du über {topic}?",
        "Zu {category}: Erzähl mir etwas über {topic}.",
    ),
    category=(
        "Was kannst du mir über {category} sagen?",
        "Was fällt dir zu {category} ein?",
        "Erzähl mir etwas über {category}.",
        "Zum Thema {category}: Woran erinnerst du dich?",
        "Was sollte ich zum Thema {category} über dich wissen?",
    ),
    dated=(
        "Was ist {when} passiert?",
        "Weißt du noch, was {when} passiert ist?",
    ),
    dated_topic=(
        "Was weißt du noch über {topic}, {when}?",
        "{When}: Was kannst du mir über {topic} sagen?",
    ),
    plain=(
        "Erzähl mir etwas über dich.",
        "Was sollte ich noch über dich wissen?",
        "Teile etwas, woran du dich erinnerst.",
        "Was ist gut über dich zu wissen?",
        "Was hast du dir gemerkt?",
    ),
    who=(
        "Wer bist du?",
        "Kannst du dich vorstellen?",
        "Sag mir, wer du bist.",
        "Mit wem spreche ich?",
        "Wie würdest du dich vorstellen?",
    ),
    named=(
        "Wie heißt du?",
        "Wie ist dein Name?",
        "Wie soll ich dich nennen?",
        "Und dein Name ist?",
    ),
    groups={
        "traits": (
            (
                "Wie würdest du dich beschreiben?",
                "Was für ein Mensch bist du?",
                "Welche Wörter passen am besten zu dir?",
                "Wie bist du so?",
                "Was würde ein Freund über deinen Charakter sagen?",
            ),
            "So würde ich mich beschreiben: {items}.",
        ),
        "interests": (
            (
                "Wofür interessierst du dich?",
                "Womit verbringst du gern deine Zeit?",
                "Was sind deine Interessen?",
                "Worüber könntest du stundenlang reden?",
            ),
            "Ich interessiere mich für: {items}.",
        ),
        "values": (
            (
                "Was ist dir am wichtigsten?",
                "Woran glaubst du?",
                "Welche Werte hast du?",
            ),
            "Was mir wichtig ist: {items}.",
        ),
        "likes": (
            ("Was magst du?", "Was macht dir Freude?", "Nenne ein paar Dinge, die du magst."),
            "Ich mag: {items}.",
        ),
        "dislikes": (
            ("Was magst du nicht?", "Was ärgert dich?", "Nenne Dinge, die du nicht magst."),
            "Ich mag nicht: {items}.",
        ),
        "preferences": (
            (
                "Was ziehst du vor?",
                "Welche Vorlieben hast du?",
                "Wie hast du die Dinge am liebsten?",
            ),
            "Am liebsten ist mir: {items}.",
        ),
        "style": (
            (
                "Wie redest du?",
                "Wie ist deine Art zu sprechen?",
                "Wie verständigst du dich am liebsten?",
                "Wie würdest du deinen Ton beschreiben?",
            ),
            "So rede ich: {items}.",
        ),
        "phrases": (
            (
                "Was sagst du oft?",
                "Welche Redewendungen sind typisch für dich?",
                "An welchen Wörtern würde ich dich erkennen?",
            ),
            "Ich sage oft: {items}.",
        ),
        "goals": (
            ("Welche Ziele hast du?", "Was willst du erreichen?", "Worauf arbeitest du hin?"),
            "Was ich will: {items}.",
        ),
        "fears": (
            ("Wovor hast du Angst?", "Was fällt dir schwer?", "Was sind deine Schwächen?"),
            "Was mir schwerfällt: {items}.",
        ),
        "work": (
            ("Was machst du beruflich?", "Was ist deine Arbeit?", "Womit beschäftigst du dich?"),
            "Was ich mache: {items}.",
        ),
        "home": (
            ("Wo bist du zu Hause?", "Wo wohnst du?", "Wo kann man dich finden?"),
            "Wo ich zu Hause bin: {items}.",
        ),
        "age": (("Wie alt bist du?", "Darf ich dein Alter wissen?"), "Mein Alter: {items}."),
        "languages": (
            ("Welche Sprachen sprichst du?", "Welche Sprachen kannst du?"),
            "Ich spreche {items}.",
        ),
        "story": (
            (
                "Was ist deine Geschichte?",
                "Woher kommst du?",
                "Erzähl mir von deiner Vergangenheit.",
            ),
            "{items}",
        ),
    },
    part=(
        "Was kannst du über dich sagen: {key}?",
        "Über dich: {key}?",
        "Ich wüsste gern mehr über dich: {key}.",
        "Zu {key}: Was würdest du über dich sagen?",
    ),
    keyed_answer="{Key}: {value}.",
    listed_answer="{Key}: {value}.",
    i_am="Ich bin {name}.",
    my_name="Ich heiße {name}.",
    you_are="Du bist {name}.",
    degrees=("niedrig", "mittel", "hoch"),
    yes_no=("ja", "nein"),
    conjunction=" und ",
    months=(
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
    ),
    day="am {day}. {month} {year}",
    month="im {month} {year}",
    categories={
        "family": "Familie", "work": "Arbeit", "job": "Arbeit", "career": "Beruf",
        "preference": "Vorlieben", "preferences": "Vorlieben", "hobby": "Hobbys",
        "hobbies": "Hobbys", "interests": "Interessen", "health": "Gesundheit",
        "education": "Ausbildung", "goals": "Ziele", "goal": "Ziele", "travel": "Reisen",
        "food": "Essen", "relationships": "Beziehungen", "relationship": "Beziehungen",
        "childhood": "Kindheit", "habits": "Gewohnheiten", "habit": "Gewohnheiten",
        "values": "Werte", "skills": "Fähigkeiten", "friends": "Freunde", "music": "Musik",
        "books": "Bücher", "home": "Zuhause", "opinions": "Meinungen", "opinion": "Meinungen",
        "experiences": "Erlebnisse", "experience": "Erlebnisse", "events": "Ereignisse",
        "event": "Ereignisse", "finance": "Geld", "pets": "Haustiere", "identity": "Identität",
        "personality": "Persönlichkeit", "location": "Orte", "emotions": "Gefühle",
        "traits": "Eigenschaften", "communication_style": "Art, sich mitzuteilen",
        "speaking_style": "Art zu reden", "style": "Stil", "tone": "Ton", "role": "Rolle",
        "age": "Alter", "languages": "Sprachen", "likes": "was ich mag",
        "dislikes": "was ich nicht mag", "background": "Vergangenheit", "occupation": "Beruf",
    },
    inflects=True,
    quoted="„{text}“",
    common=word_set(
        "der die das und ist nicht ein eine zu den mit von auf war dass es ich im dem sich auch "
        "mein meine meinen meiner mich mir er sie hat haben bin sind aber oder wenn wie für über "
        "gern gerne mag immer nie oft jeden jede einen einem einer bei nach als wir wird wurde "
        "arbeite wohne liebe am zum zur seit"
    ),
)  # fmt: skip
