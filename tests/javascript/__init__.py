"""Tests and type check of the JavaScript of widgets, in which no page has a part."""
