"""What is plugged into fairseq and is no registered task, criterion or optimiser."""
