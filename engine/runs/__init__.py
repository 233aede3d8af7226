"""The runs stage."""
