"""Rows become tensors: priced, held to limits, packed, encoded, padded."""
