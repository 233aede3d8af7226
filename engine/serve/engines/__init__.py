"""The programs that compute answers, behind one interface; see :mod:`engine.serve.engines.base`."""
