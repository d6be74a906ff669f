"""Experiments on data: arms that differ in their rows alone, run over bases and seeds, scored, and held together."""
