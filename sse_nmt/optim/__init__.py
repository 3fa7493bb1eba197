"""fairseq optimisers."""
