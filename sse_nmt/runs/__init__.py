"""The run folder: its paths, record, log, checkpoints, averages and exports."""
