"""Economies by name, one file each."""
