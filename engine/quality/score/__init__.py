"""A score from 0 to 1 of how sound the answers of a conversation are, with its parts.

An answer starts at 1, and each fault that is found in it takes away a share. Nothing is
added for length, style or knowledge: a one-word answer can be as sound as a long one, and a
false answer can be as sound as a true one. ``docs/checks-quality.md`` has the parts, the
codes, and how well the score tells sound answers from broken ones.
"""

from __future__ import annotations

from engine.quality.score.check import QualityCheck
from engine.quality.score.fault import PARTS, Fault, Part
from engine.quality.score.scoring import AnswerQuality, Quality, score, score_answer

__all__ = [
    "PARTS",
    "AnswerQuality",
    "Fault",
    "Part",
    "Quality",
    "QualityCheck",
    "score",
    "score_answer",
]
