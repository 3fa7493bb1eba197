"""What plugs the methods into fairseq (and one into `transformers`): a folder a method, named as in `methods/`, and what fairseq needs of us."""
