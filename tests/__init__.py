"""Tests. `python -m tests` runs every gate; `python -m pytest` runs the tests alone."""
