"""What a person looks at: sheets of pages and frames, and the report of a run."""
