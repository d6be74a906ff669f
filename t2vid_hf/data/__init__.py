"""Samples: made, dropped, mixed, looked at, and turned into what a processor takes."""
