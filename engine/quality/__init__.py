"""What is in the data: language, length, quality, safety, secrets and personal data.

A check looks at one conversation and says what it found (:mod:`engine.quality.base`);
:mod:`engine.quality.checks` lists the checks, :mod:`engine.quality.stage` runs them over
a workspace. A check decides nothing.
"""
