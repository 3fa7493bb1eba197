"""What plugs the methods into fairseq: a folder a method, named as in `methods/`, and what fairseq needs of us."""
