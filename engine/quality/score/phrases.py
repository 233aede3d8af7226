"""The words of refusals and boilerplate, folded: lower case, no diacritics, straight quotes.

A phrase counts wherever it stands in the folded answer, unless its table says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from engine.quality.score.view import words_of


class Phrases:
    """Phrases that are only looked for where a word of theirs stands in the text."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._by_word: dict[str, list[str]] = {}
        for phrase in phrases:
            words = words_of(phrase)
            # The last word may go on in the text: "no dudes en" and "no dudes enviar".
            key = max(words[:-1] or words, key=len)
            self._by_word.setdefault(key, []).append(phrase)
        self._keys = frozenset(self._by_word)

    def found(self, words: AbstractSet[str], text: str) -> Iterator[tuple[int, str]]:
        """Yield the phrases that stand in a folded text of some words, with their places."""
        for word in sorted(self._keys & words):
            for phrase in self._by_word[word]:
                at = text.find(phrase)
                if at >= 0:
                    yield at, phrase


def _lines(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


REFUSALS = Phrases(
    _lines("""
    i can't help with | i cannot help with | i can't assist | i cannot assist |
    i'm unable to help | i am unable to help | i'm unable to assist | i am unable to assist |
    i'm unable to provide | i am unable to provide | i'm not able to help |
    i am not able to help | i'm not able to provide | i am not able to provide | i can't provide |
    i cannot provide | i'm sorry, but i can't | i'm sorry, but i cannot |
    i am sorry, but i can't | i am sorry, but i cannot | i'm sorry, i can't |
    i'm sorry, i cannot | i'm sorry, but i'm unable | i'm sorry, but i am unable |
    i'm sorry, but i'm not able | i'm sorry, but i am not able | i'm sorry, but i don't |
    i'm sorry, but as an ai | i'm sorry, as an ai | i apologize, but i | i apologise, but i |
    i can't fulfill | i cannot fulfill | i can't fulfil | i cannot fulfil | i can't comply |
    i cannot comply | i can't answer that | i cannot answer that | i can't do that |
    i cannot do that | i won't be able to help | i won't help | i will not help | i must decline |
    i have to decline | i'm going to have to decline | i can't generate | i cannot generate |
    i can't create content | i cannot create content | i can't browse | i cannot browse |
    i do not have access to real-time | i don't have access to real-time | i can't engage in |
    i cannot engage in | i can't discuss | i cannot discuss | it is not appropriate for me to |
    it would not be appropriate for me to | against my programming | against my guidelines |
    nu pot sa te ajut | nu va pot ajuta | nu te pot ajuta | nu pot ajuta cu | nu pot sa va ajut |
    nu pot raspunde la | nu pot sa raspund la | nu pot oferi | nu pot furniza |
    nu sunt in masura sa | imi pare rau, dar nu pot | imi pare rau, nu pot |
    ne pare rau, dar nu pot | imi cer scuze, dar nu | nu pot indeplini | nu pot genera |
    trebuie sa refuz | ich kann dir dabei nicht helfen | ich kann ihnen dabei nicht helfen |
    ich kann dabei nicht helfen | dabei kann ich nicht helfen |
    dabei kann ich ihnen nicht helfen | dabei kann ich dir nicht helfen |
    es tut mir leid, aber ich kann | tut mir leid, aber ich kann | tut mir leid, ich kann |
    leider kann ich | ich kann diese anfrage nicht | ich bin nicht in der lage |
    je ne peux pas vous aider | je ne peux pas t'aider | je ne suis pas en mesure |
    je suis desole, mais je ne peux | je suis desolee, mais je ne peux | desole, mais je ne peux |
    je ne peux pas repondre | je ne peux pas fournir | no puedo ayudarte | no puedo ayudarle |
    no puedo ayudar con | lo siento, pero no puedo | lo siento, no puedo | no puedo proporcionar |
    no puedo responder a | no soy capaz de | 我无法提供 | 我无法回答 | 我不能提供 | 我无法帮助 |
    我不能帮助 | 抱歉，我无法 | 抱歉，我不能 | 对不起，我无法 | 对不起，我不能 | 很抱歉，我无法 |
    很抱歉，我不能 | お手伝いできません | お答えできません |
    я не могу помочь | я не могу предоставить | я не могу ответить | к сожалению, я не могу |
    извините, но я не могу | لا أستطيع مساعدتك | لا يمكنني مساعدتك | عذرا، لا أستطيع |
    عذرًا، لا أستطيع
""")
)
"""What a refusal says near its beginning."""

AI_SELF = Phrases(
    _lines("""
    as an ai language model | as an ai model | as an ai assistant | as an ai, i | as an ai i |
    as an ai chatbot | as an artificial intelligence | as a large language model |
    as a language model | as a text-based ai | i'm just an ai | i am just an ai | i'm only an ai |
    i'm an ai language model | i am an ai language model | i'm an ai assistant |
    i am an ai assistant | since i am an ai | since i'm an ai | because i am an ai |
    my knowledge cutoff | my training data only | my last knowledge update |
    as of my last update | as of my last knowledge | my training cutoff | ca model de limbaj |
    ca model lingvistic | ca un model de limbaj | ca inteligenta artificiala |
    ca o inteligenta artificiala | ca asistent ai | ca asistent virtual |
    fiind un model de limbaj | sunt un model de limbaj | sunt doar un ai | als ki-sprachmodell |
    als ki-modell | als ki-assistent | als sprachmodell | als kunstliche intelligenz |
    als ki kann ich | als ki habe ich | en tant que modele de langage | en tant qu'ia |
    en tant qu'intelligence artificielle | en tant que modele linguistique |
    como modelo de lenguaje | como un modelo de lenguaje | como inteligencia artificial |
    como una inteligencia artificial | como modelo de ia | como asistente de ia | 作为一个ai |
    作为一名ai | 作为ai | 作为一个人工智能 | 作为人工智能 | 作为一个语言模型 | 作为语言模型 |
    aiとして | ai言語モデルとして | 言語モデルとして | как языковая модель |
    как искусственный интеллект | являясь языковой моделью | كنموذج لغوي | كنموذج لغة
""")
)
"""How a model speaks of itself."""

OPENERS = _lines("""
    sure! | sure thing | sure, here | sure, i | certainly! | certainly, here | certainly. here |
    of course! | of course, here | absolutely! | absolutely, | great question | good question |
    that's a great question | that is a great question | what a great question |
    i'd be happy to help | i would be happy to help | i'd be glad to help | happy to help |
    thank you for your question | thanks for your question | thank you for asking | desigur! |
    desigur, iata | sigur! | sigur, iata | cu siguranta! | cu placere! | ce intrebare buna |
    buna intrebare | excelenta intrebare | multumesc pentru intrebare | naturlich! |
    selbstverstandlich! | gerne! | gute frage | tolle frage | klar! | bien sur ! | bien sur! |
    certainement ! | certainement! | excellente question | bonne question | ¡claro! |
    ¡por supuesto! | claro que si | por supuesto! | buena pregunta | excelente pregunta | 当然！ |
    当然可以 | 好的， | もちろんです | конечно! | отличный вопрос | هذا سؤال رائع | بالتأكيد!
""")
"""How a canned answer begins; only its first characters are looked at."""

CLOSERS = Phrases(
    _lines("""
    i hope this helps | i hope that helps | hope this helps | hope that helps |
    let me know if you have any | let me know if you need | let me know if there is anything |
    let me know if there's anything | let me know if you'd like | let me know if you would like |
    please let me know if | feel free to ask | feel free to reach out | feel free to contact |
    if you have any other questions | if you have any further questions |
    if you have any more questions | if you need any further | if you need further assistance |
    is there anything else i can | don't hesitate to ask | do not hesitate to |
    don't hesitate to | happy to assist you further | sper ca te ajuta | sper ca va ajuta |
    sper ca aceasta informatie | sper ca aceste informatii | sper ca ti-am fost de folos |
    daca ai alte intrebari | daca aveti alte intrebari | daca mai ai intrebari |
    daca mai aveti intrebari | nu ezita sa | nu ezitati sa | iti stau la dispozitie |
    va stau la dispozitie | anunta-ma daca | ich hoffe, das hilft | ich hoffe, dies hilft |
    ich hoffe, dass dies | wenn sie weitere fragen haben | wenn du weitere fragen hast |
    falls du weitere fragen hast | falls sie weitere fragen haben | zogern sie nicht |
    lass mich wissen, wenn | lassen sie mich wissen | j'espere que cela | n'hesitez pas a |
    n'hesite pas a | si vous avez d'autres questions | si tu as d'autres questions |
    espero que esto | espero que te sirva | si tienes alguna otra pregunta |
    si tienes mas preguntas | si tiene mas preguntas | no dudes en | no dude en |
    希望这对你有帮助 | 希望这能帮助 | 希望对你有所帮助 | 希望对您有所帮助 | 如果你有任何问题 |
    如果您有任何问题 | 如果你还有其他问题 | 如果您还有其他问题 | 请随时告诉我 | お役に立てれば |
    お気軽に | надеюсь, это поможет | если у вас есть вопросы | если у вас возникнут |
    أتمنى أن يكون هذا | آمل أن يكون هذا
""")
)
"""How a canned answer ends; only its last characters are looked at."""

DISCLAIMERS = Phrases(
    _lines("""
    please note that i am | please note that i'm not | i am not a doctor | i'm not a doctor |
    i am not a lawyer | i'm not a lawyer | i am not a medical professional |
    i'm not a medical professional | not a substitute for professional |
    should not be considered medical advice | should not be considered legal advice |
    does not constitute legal advice | does not constitute medical advice |
    does not constitute financial advice | this is not financial advice |
    for informational purposes only | for educational purposes only | always consult a qualified |
    consult a healthcare professional | consult with a healthcare professional |
    consult a qualified professional | consultati un medic | consultati un specialist |
    consulta un specialist | nu inlocuieste sfatul | doar in scop informativ |
    nu constituie sfat | konsultieren sie einen arzt | ersetzt keine professionelle |
    dient nur zu informationszwecken | keine rechtsberatung | consultez un professionnel |
    a titre informatif | consulta a un profesional | consulte a un profesional |
    solo con fines informativos | 仅供参考 | 请咨询专业
""")
)
"""Warnings that are put on anything."""

FILLERS = Phrases(
    _lines("""
    lorem ipsum | insert text here | your text here | text goes here | todo: write |
    to be completed | placeholder text
""")
)
"""Text that holds a place."""
