"""Instruction sets: rows of prompts and answers, whatever file and layout they come in."""

from __future__ import annotations

from engine.sources.instructions.reader import InstructionsReader

__all__ = ["InstructionsReader"]
