"""Short clips with questions: generated, or real ones with what can be measured of them."""
