"""What a model is told when it writes questions or examples, in three languages.

The shots are original texts. A model copies their form, so each shows what is wanted: one
question that says what it is about and gives nothing of the answer away.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QuestionPrompt:
    """How a question to a text is asked for, in one language.

    Attributes:
        task: What the model is told.
        about: Stands before a text that has a title; ``{title}`` is filled.
        shots: Titles, texts and their questions.
        topics: Words of the shots, folded, that a question has no business with unless its
            own text has them; a small model mixes them in.
    """

    task: str
    about: str
    shots: tuple[tuple[str, str, str], ...]
    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class ExpansionPrompt:
    """How further examples are asked for, in one language.

    Attributes:
        task: What the model is told.
        ask: Asks for the next ones; ``{count}`` is filled.
        ask_one: Asks for one, as before each example that is shown.
        question: What stands before a question.
        answer: What stands before an answer.
    """

    task: str
    ask: str
    ask_one: str
    question: str
    answer: str


QUESTIONS: dict[str, QuestionPrompt] = {
    "en": QuestionPrompt(
        task=(
            "You are given a text that a person wrote about their own life or work. Write the "
            "question that this text answers. Ask the writer, as “you”. Ask one question that "
            "names what the text is about and that the whole text answers. Give nothing of the "
            "answer away. Write in the language of the text. Write the question alone, in one "
            "line, without quotation marks and without any explanation."
        ),
        about="From the note “{title}”:",
        shots=(
            (
                "Sourdough",
                "I gave up on the loaf in the tin. It rose, but the crust stayed pale and soft. "
                "In the iron pot the steam can't get away, and that is what makes it crackle. "
                "From now on the tin is for cake.",
                "Why do you bake your bread in the iron pot and not in the tin?",
            ),
            (
                "The job in Leeds",
                "More money, but three hours of train a day. I wrote down what the hours would "
                "cost me: the choir, the evenings with Tom. In the end I said no and asked for "
                "four days a week here instead.",
                "How did you decide about the job in Leeds?",
            ),
            (
                "Week 12",
                "What I keep doing wrong is starting with the easy part. The easy part is done by "
                "noon, and then I am tired and the hard part is still there. On Thursday I turned "
                "it round, and was home by five.",
                "What did you learn this week about the order in which you do your work?",
            ),
        ),
        topics=frozenset({"bread", "bake", "loaf", "pot", "tin", "sourdough", "leeds", "choir"}),
    ),
    "ro": QuestionPrompt(
        task=(
            "Primești un text pe care o persoană l-a scris despre viața sau munca ei. Scrie "
            "întrebarea la care răspunde acest text. Întreabă-l pe cel care scrie, cu „tu”. Pune "
            "o singură întrebare, care numește subiectul textului și la care răspunde tot textul. "
            "Nu dezvălui nimic din răspuns. Scrie în limba textului. Scrie doar întrebarea, pe un "
            "singur rând, fără ghilimele și fără nicio explicație."
        ),
        about="Din nota „{title}”:",
        shots=(
            (
                "Grădina",
                "Am plantat roșiile prea devreme și un singur ger mi le-a luat pe toate. Anul "
                "acesta aștept până după Sfinții Constantin și Elena, chiar dacă vecinul râde de "
                "mine. Mai bine târziu decât de două ori.",
                "Ce ai învățat despre momentul în care trebuie plantate roșiile?",
            ),
            (
                "Mașina",
                "Reparația costa cât jumătate din mașină. Am pus pe hârtie cât merg cu ea într-o "
                "lună și mi-a ieșit că taxiul e mai ieftin. Am vândut-o și, ca să fiu sincer, "
                "îmi lipsește doar duminica.",
                "Cum ai hotărât ce să faci cu mașina?",
            ),
            (
                "3 martie",
                "Azi am tăcut toată ședința și abia pe drum spre casă mi-am dat seama de ce: "
                "mi-era teamă să nu par că nu știu. Data viitoare întreb în primele cinci minute, "
                "cât încă nu știe nimeni.",
                "La ce te-ai gândit după ședința de azi?",
            ),
        ),
        topics=frozenset({"rosii", "rosiile", "gradina", "masina", "taxiul", "sedinta"}),
    ),
    "de": QuestionPrompt(
        task=(
            "Du bekommst einen Text, den jemand über das eigene Leben oder die eigene Arbeit "
            "geschrieben hat. Schreibe die Frage, auf die dieser Text antwortet. Sprich die "
            "schreibende Person mit „du“ an. Stelle eine einzige Frage, die das Thema nennt und "
            "auf die der ganze Text antwortet. Verrate nichts von der Antwort. Schreibe in der "
            "Sprache des Textes. Schreibe nur die Frage, in einer Zeile, ohne Anführungszeichen "
            "und ohne Erklärung."
        ),
        about="Aus der Notiz „{title}“:",
        shots=(
            (
                "Die Küche",
                "Wir haben uns gegen die Insel entschieden. Sie sähe schön aus, aber der Tisch "
                "müsste weg, und am Tisch wird bei uns geredet. Lieber weniger Arbeitsfläche und "
                "dafür alle an einem Platz.",
                "Wie habt ihr über die Kücheninsel entschieden?",
            ),
            (
                "Chorprobe",
                "Ich singe leiser, wenn ich unsicher bin, und genau dann hört man, dass etwas "
                "fehlt. Frau Albers sagt, lieber laut falsch als leise vielleicht. Seit zwei "
                "Wochen versuche ich das, und es stimmt.",
                "Was hast du in der Chorprobe über das Singen gelernt?",
            ),
            (
                "14. Mai",
                "Der Umzug ist drei Tage her, und ich suche noch immer den Korkenzieher. Seltsam, "
                "wie wenig mir fehlt. Vielleicht packe ich die letzten Kisten gar nicht aus.",
                "Was geht dir nach dem Umzug durch den Kopf?",
            ),
        ),
        topics=frozenset({"kuche", "kucheninsel", "chorprobe", "chor", "umzug", "korkenzieher"}),
    ),
}

EXPANSIONS: dict[str, ExpansionPrompt] = {
    "en": ExpansionPrompt(
        task=(
            "You write examples with which an assistant is taught: a question that a person might "
            "ask, and a good answer to it. Follow the tone and the manner of the examples that you "
            "are given, but ask about other things. Be varied: ask for facts, opinions, "
            "advice, explanations, short texts. Each must make sense by itself, without pictures, "
            "links or files. Each has this form:\n\n"
            "Question: …\nAnswer: …\n###"
        ),
        ask="Write {count} new examples in English, each about something else.",
        ask_one="Write a new example in English.",
        question="Question",
        answer="Answer",
    ),
    "ro": ExpansionPrompt(
        task=(
            "Scrii exemple cu care este învățat un asistent: o întrebare pe care ar putea să o "
            "pună o persoană și un răspuns bun la ea. Urmează tonul și felul exemplelor pe care le "
            "primești, dar întreabă despre altceva. Fii variat: cere fapte, păreri, sfaturi, "
            "explicații, texte scurte. Fiecare trebuie să se înțeleagă de la sine, fără imagini, "
            "linkuri sau fișiere. Fiecare are forma aceasta:\n\n"
            "Întrebare: …\nRăspuns: …\n###"
        ),
        ask="Scrie {count} exemple noi în română, fiecare despre altceva.",
        ask_one="Scrie un exemplu nou în română.",
        question="Întrebare",
        answer="Răspuns",
    ),
    "de": ExpansionPrompt(
        task=(
            "Du schreibst Beispiele, mit denen ein Assistent unterrichtet wird: eine Frage, die "
            "jemand stellen könnte, und eine gute Antwort darauf. Folge dem Ton und der Art der "
            "Beispiele, die du bekommst, aber frage nach anderem. Wechsle ab: frage nach Fakten, "
            "Meinungen, Rat, Erklärungen, kurzen Texten. Jedes muss für sich verständlich sein, "
            "ohne Bilder, Links oder Dateien. Jedes hat diese Form:\n\n"
            "Frage: …\nAntwort: …\n###"
        ),
        ask="Schreibe {count} neue Beispiele auf Deutsch, jedes über etwas anderes.",
        ask_one="Schreibe ein neues Beispiel auf Deutsch.",
        question="Frage",
        answer="Antwort",
    ),
}
