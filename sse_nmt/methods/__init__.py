"""What each method computes: torch, its Triton and the standard library, nothing else."""
