"""Words by which columns and texts that ask or answer are told, in many languages.

Words stand as :func:`engine.sources.columns.fold` leaves names: lower case, without accents.
"""

from __future__ import annotations

from engine.sources.columns import fold


def _words(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in text.split())


ASKING = _words("""
    question query prompt instruction problem request inquiry enquiry ask asked utterance
    intrebare intrebarea intrebari cerere cererea solicitare instructiune enunt
    frage anfrage anweisung aufgabe aufgabenstellung eingabe
    demande consigne requete pregunta consulta instruccion peticion
    domanda richiesta istruzione quesito pergunta instrucao solicitacao
    vraag opdracht verzoek pytanie polecenie zapytanie otazka dotaz kerdes utasitas
    soru talimat istek fraga sporgsmal sporsmal kysymys klausimas jautajums kusimus
    вопрос запрос инструкция питання запитання въпрос пытанне питање pitanje vprasanje
    ερωτηση 问题 指令 提问 問題 質問 指示 질문 지시 سؤال السؤال שאלה प्रश्न सवाल คำถาม
    pertanyaan soalan savol suala sual cau_hoi câu_hỏi""")
"""A column with one of these in its name asks."""

ANSWERING = _words("""
    answer response reply completion output solution answered
    raspuns raspunsul raspunsuri solutie replica
    antwort antworten ausgabe losung loesung erwiderung
    reponse respuesta contestacion risposta resposta antwoord odpowiedz odpoved
    valasz cevap yanit svar vastaus atsakymas atbilde vastus
    ответ відповідь отговор адказ одговор odgovor απαντηση
    回答 答案 答复 回复 输出 応答 答え 出力 답변 응답 대답 جواب الجواب اجابة الاجابة תשובה उत्तर जवाब
    คำตอบ jawaban jawapan javob cavab tra_loi trả_lời""")
"""A column with one of these in its name answers."""

ASKERS = _words("user human customer client student utilizator kunde nutzer usuario utilisateur")
"""Those who ask, where a column is named for who speaks in it."""

ANSWERERS = _words(
    "assistant bot chatbot agent gpt chatgpt ai teacher expert asistent assistent asistente"
)
"""Those who answer."""

INSTRUCTING = _words("system systemprompt persona")
"""Columns that tell the assistant what to be."""

BESIDES = _words("""
    id ids uuid idx index hash len length count num number tokens token n type types category
    categories topic topics subject tag tags label labels class lang language source src date time
    timestamp url link model score rating rank vote votes author title key split name level
    difficulty ref template description comment comments note notes reference embedding vector
    status format license version ts created updated number nr""")
"""A column with one of these in its name says something about the text that another holds."""

OPENERS = _words("""
    what how why who whom whose when where which can could would should is are do does did will
    write explain describe give list create generate translate summarize summarise tell name make
    show find compare suggest please help define identify classify rewrite calculate compute
    ce cum de cine cand unde care cat cata cate poti pot putem este sunt scrie explica descrie
    da-mi spune enumera traduce rezuma fa creeaza exista trebuie
    was wie warum wer wann wo welche welcher welches wieso weshalb kannst kann konnen ist sind
    schreib schreibe erklare beschreibe nenne gib ubersetze fasse erstelle gibt muss darf
    que qu comment pourquoi qui quand ou quel quelle est-ce peux pouvez ecris explique
    como por cuando donde cual quien puedes escribe explica
    come perche chi dove quale puoi scrivi spiega wat hoe waarom wie waar kun schrijf
    co jak dlaczego kto gdzie czy napisz что как почему кто когда где можно напиши объясни""")
"""Words that questions and requests begin with."""
