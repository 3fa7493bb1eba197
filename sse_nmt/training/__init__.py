"""From a configuration to a finished run: hardware, launching, recovery."""
