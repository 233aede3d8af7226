"""The tokens stage."""
