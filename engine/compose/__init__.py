"""Texts that a model writes for the person: questions for their notes, examples after their own.

A model is any :class:`~engine.compose.writer.Writer`: an endpoint that speaks OpenAI's chat
completions, or the embedded model in a worker of its own. What it writes is checked, marked
with the model's name, and never takes the place of what a person wrote.
"""

from __future__ import annotations
