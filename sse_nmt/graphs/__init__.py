"""Knowledge graphs over a vocabulary: files, and builders from data."""
