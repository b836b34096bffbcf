"""Tests of what goes out of run folders."""
