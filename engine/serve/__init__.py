"""Serving: one process a loaded GGUF, spoken to in OpenAI's HTTP form on the loopback."""
