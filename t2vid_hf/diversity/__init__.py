"""How much a set of instructions differs in itself: embeddings, measures on samples of one size, and what repeats."""
