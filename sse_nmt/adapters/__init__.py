"""All that knows fairseq: a folder a method, named as in `methods/`, and what fairseq as a whole needs of us."""
