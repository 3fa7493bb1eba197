"""fairseq tasks, and what they are made of; fairseq imports every module of this folder."""
