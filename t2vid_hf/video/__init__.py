"""Real video becomes frames: which are taken, and exactly those, from the packets that they need."""
