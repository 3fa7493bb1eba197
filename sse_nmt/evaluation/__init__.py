"""Scores and their significance, one comparison over any number of texts, and its report."""
