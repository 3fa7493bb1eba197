"""From bitext of any size to what fairseq trains on, step by step, on all cores, each step done once."""
