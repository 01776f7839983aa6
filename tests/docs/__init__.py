"""Tests of the documents: their commands run, their links lead somewhere, and nothing is left out."""
