"""Studies: systems x corpora x seeds, cell by cell, and what came out."""
