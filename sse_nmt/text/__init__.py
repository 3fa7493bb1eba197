"""Sentence pairs and files of them, cleaning rules, subwords, dictionaries."""
