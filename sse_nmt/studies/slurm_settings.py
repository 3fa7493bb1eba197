"""What a study says of Slurm: what each cell's job asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CLUSTERS = ("slurm", "local")
WARNING = 90  # seconds before its end that a job is told of it
LEAST_MINUTES = 3
TIMEOUTS = 1000  # times that a job is put back in the queue: a study may take weeks


@dataclass(frozen=True)
class SlurmSettings:
    """Args:
    partition: None: Slurm's default one.
    gpus, cpus, memory_gb: of a job, that is of a cell; None: as Slurm gives it.
    minutes: the time limit of a job; a cell that needs more is put back in the queue.
    array: jobs that run at a time, at most.
    options: further ones of sbatch, such as account or constraint.
    cluster: "slurm", or "local" for processes of this machine, to try it out.
    """

    partition: str | None = None
    gpus: int | None = None
    cpus: int | None = None
    memory_gb: int | None = None
    minutes: int = 240
    array: int = 64
    options: dict[str, Any] | None = None
    cluster: str = "slurm"

    def parameters(self) -> dict[str, Any]:
        """As submitit names them."""
        named = {
            "timeout_min": self.minutes,
            "gpus_per_node": self.gpus,
            "cpus_per_task": self.cpus,
            "mem_gb": self.memory_gb,
            "slurm_partition": self.partition,
            "slurm_array_parallelism": self.array,
            "slurm_additional_parameters": self.options,
            "slurm_job_name": "sse_nmt",
            "slurm_signal_delay_s": WARNING,
        }
        return {name: value for name, value in named.items() if value is not None}
