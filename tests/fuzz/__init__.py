"""Hostile input made at random, and what must hold whatever it is.

A case is plain data: files by name, the arguments of the program, its surroundings. Generators
make cases from a seed (`cases.make`), the corpus holds those that once did harm, and a trial runs
one and says what it broke.
"""
