"""Data sets become one: rows of one shape, filtered, sampled by share or count, each dropped row counted."""
