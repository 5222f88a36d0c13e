"""Tests of the widgets. A package, so that its conftest.py can stand beside the one above it."""
