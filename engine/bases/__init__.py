"""The bases stage."""
