"""The words by which people and programs call a question, an answer, and the two who speak."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from engine.sources.columns import fold

Side = Literal["question", "answer", ""]


def _words(text: str) -> frozenset[str]:
    return frozenset(part for word in text.split() for part in fold(word).split("_"))


_QUESTION = _words(
    "question questions q query queries ask asked asking prompt prompts input inputs instruction "
    "instructions request faq întrebare întrebări intrebarea frage fragen demande "
    "pregunta preguntas pergunta perguntas domanda domande soru sorular sorusu vraag vragen "
    "pytanie pytania otázka fråga spørgsmål spørsmål kysymys kérdés вопрос питання въпрос ερώτηση "
    "שאלה سؤال प्रश्न 问 问题 問題 質問 質問文 질문 hỏi pertanyaan"
)
_ANSWER = _words(
    "answer answers a response responses reply replies completion completions output outputs "
    "result generation răspuns răspunsuri raspunsul antwort antworten réponse réponses respuesta "
    "respuestas resposta respostas risposta risposte cevap cevaplar cevabı yanıt yanıtlar "
    "antwoord antwoorden odpowiedź odpověď svar vastaus válasz ответ ответы відповідь отговор "
    "απάντηση תשובה جواب إجابة الإجابة उत्तर 答 答案 回答 答え 답변 답 lời jawaban"
)
_ASKER = _words(
    "user users human person customer client student guest visitor caller you prompter "
    "utilizator utilizatorul om benutzer nutzer mensch kunde usuario usuário utilisateur utente "
    "kullanıcı gebruiker użytkownik användare пользователь человек користувач "
    "用户 用戶 ユーザー 사용자"
)
_ANSWERER = _words(
    "assistant ai bot chatbot gpt chatgpt model llm agent claude gemini llama copilot "
    "asistent asistentul assistent assistente asistente asistan yapay zeka asystent ассистент "
    "помощник бот асистент 助手 机器人 アシスタント 어시스턴트"
)
# Words that say which question or answer it is, but not that it is something else, as
# "id", "type" or "length" do.
_BESIDE = _words(
    "the my your original cached generated final full last first content message msg text said "
    "says writes wrote asks replied replies responded raw main best correct expected predicted "
    "clean cleaned rewritten standalone chat current new previous s of to and in "
    "en ro de fr es it pt tr nl english romanian german câu trả"
)
_ALSO_ELSE = _words(
    "prompt prompts input inputs instruction instructions request a q output outputs result "
    "generation completion completions"
) | (_ASKER | _ANSWERER)
_WEAK_ANSWER = _words(
    "content text body explanation solution description message summary details value sql code "
    "page translation conținut conținutul inhalt contenu contenido contenuto içerik"
)
_QUESTION_MARKS = ("?", "？", "؟", "⸮", ";?")
_ENDS = " \t\n\"'„“”‘’«»)]*_`"
_ASKS = re.compile(
    r"(?:what|how|why|when|where|who|whom|which|whose|can|could|do|does|did|is|are|was|were|should|"
    r"would|will|explain|tell me|describe|ce|cum|de ce|când|cand|unde|cine|care|cât|cat|câte|"
    r"cate|pot|poate|este|sunt|explic[aă]|was|wie|warum|wann|wo|wer|welche[rsnm]?|wieso|kann|"
    r"können|ist|sind|erkläre)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def side_of(name: str) -> Side:
    """Return which side of an exchange a label or a metadata key names, if all its words fit."""
    words = set(fold(name).split("_")) - {""}
    if not words or words - (_QUESTION | _ANSWER | _ASKER | _ANSWERER | _BESIDE):
        return ""
    asks, answers = bool(words & _QUESTION), bool(words & _ANSWER)
    by_asker, by_answerer = bool(words & _ASKER), bool(words & _ANSWERER)
    if asks or answers:
        # "user response" and "assistant question" are neither.
        if asks and not answers and (by_asker or not by_answerer):
            return "question"
        return "answer" if answers and not asks and (by_answerer or not by_asker) else ""
    if by_asker != by_answerer:
        return "question" if by_asker else "answer"
    return ""


def says_plainly(name: str, side: Side) -> bool:
    """Say whether a label says question or answer, rather than a word with other uses."""
    return side_of(name) == side and not set(fold(name).split("_")) & _ALSO_ELSE


def names_speaker(name: str) -> bool:
    """Say whether a label names one who speaks, as "User" and "AI" do."""
    return bool(set(fold(name).split("_")) & (_ASKER | _ANSWERER))


def may_answer(name: str) -> bool:
    """Say whether a metadata key may hold an answer, though also much else."""
    return bool(set(fold(name).split("_")) & _WEAK_ANSWER)


def asks(text: str) -> bool:
    """Say whether a text is a question by its look: its mark, or how it begins."""
    text = text.strip(_ENDS)
    if text.endswith(_QUESTION_MARKS):
        return True
    return len(text) < 300 and "\n" not in text and _ASKS.match(text) is not None
