"""What a user measures on a machine of theirs."""
