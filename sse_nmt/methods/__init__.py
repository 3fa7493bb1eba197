"""What each method computes: torch and the standard library, nothing else."""
