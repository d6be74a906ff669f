"""Pure answer logic and scores: which option a reply names, and how sure an accuracy is."""
