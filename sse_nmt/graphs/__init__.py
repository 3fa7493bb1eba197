"""Knowledge graphs over a vocabulary, built from data."""
