"""Keys, tokens and passwords that should not be trained on."""

from engine.quality.secrets.check import SecretsCheck

__all__ = ["SecretsCheck"]
