"""The HTTP face: what clients may ask, whom it is answered, and in which form."""
