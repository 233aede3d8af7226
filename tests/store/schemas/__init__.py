"""One file for each released schema, with a little of everything in it.

``python -m tests.store.schemas`` writes the present schema's file. Files of schemas
that were released are never written again.
"""
