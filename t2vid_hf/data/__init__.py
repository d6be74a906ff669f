"""A data set is made and kept: rows synthesized, pages drawn when they are read, files in the layout of the Hub."""
