"""Tests of what pictures share."""
