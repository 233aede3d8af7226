"""An app's memory and personality: a file of it, or its export over HTTP.

What becomes of it:

===================  ==========================================================================
a memory             a question that is worded in many ways, and the memory as the answer; a
                     field and its value become a sentence
a personality        a system prompt in front of each example, and exchanges such as "Who are you?"
a training row       read as it stands; a system prompt of its own stays
importance           below three tenths of the file's scale is left out, unless
                     ``quality_filter`` is ``off``; so is a memory that the app is unsure of
deleted, outdated    left out where the app marks it so
passwords and keys   left out in any case, without showing them
repeats              read once, unless ``deduplicate`` is ``off``
numbers, settings    left out, and named once a file
===================  ==========================================================================

Everything that is left out is reported with its line.
"""

from __future__ import annotations

from engine.sources.memory.reader import MemoryReader

__all__ = ["MemoryReader"]
