"""The computation: plain arrays and numbers in, arrays out."""
