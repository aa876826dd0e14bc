"""Pixels of what is seen, as arrays and the bytes of pictures; no widgets."""
