"""What a GPU does with all of this: right or wrong, line by line, and how fast."""
