"""Corpora, a file each that says where it is and how it is read, and the one pipeline that prepares them."""
