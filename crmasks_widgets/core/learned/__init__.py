"""Detectors that were trained: networks that give each pixel a probability of being hit."""
