"""Tournaments: strategies against each other under each mechanism, as an empirical game."""
