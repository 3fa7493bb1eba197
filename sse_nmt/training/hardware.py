"""A configuration on the machine at hand: the same batch of tokens whatever the number of processes."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from omegaconf import DictConfig, OmegaConf

_HALF = ("common.fp16", "common.bf16", "common.amp")


@dataclass(frozen=True)
class Machine:
    """What one training runs on."""

    gpus: int  # that this process sees
    processes: int  # that train together, on all machines
    rank: int = 0
    local: int = 1  # processes that share this machine's processors
    bfloat16: bool = True  # its GPUs, if there are any that are asked to, compute in it: Ampere and newer
    launcher: str | None = None  # torchrun or Slurm, if that starts a `sse-nmt train` for each process

    @classmethod
    def here(cls, configuration: DictConfig, environment: Mapping[str, str] = os.environ) -> Machine:
        """As torchrun says, or Slurm if the configuration has a `distributed_port` (fairseq's sign for it);
        else fairseq starts a process for each GPU by itself.
        """
        gpus = torch.cuda.device_count()
        asked = gpus > 0 and OmegaConf.select(configuration, "common.bf16", default=False)
        bfloat16 = not asked or torch.cuda.is_bf16_supported(including_emulation=False)
        launcher, names = "torchrun", ("WORLD_SIZE", "RANK", "LOCAL_WORLD_SIZE")
        if OmegaConf.select(configuration, "distributed_training.distributed_port", default=-1) > 0:
            launcher, names = "Slurm", ("SLURM_NTASKS", "SLURM_PROCID", "SLURM_NTASKS_PER_NODE")
        processes, rank = (int(environment.get(name, default)) for name, default in zip(names, "10", strict=False))
        if processes == 1:
            return cls(gpus, max(1, gpus), bfloat16=bfloat16)
        return cls(gpus, processes, rank, int(environment.get(names[2], processes)), bfloat16, launcher)


def adapt_to_hardware(configuration: DictConfig, machine: Machine) -> DictConfig:
    """``configuration``, written for one process, for the machine: gradients accumulated over fewer batches, and
    smaller ones where the processes do not divide them; float16 on GPUs that have no bfloat16; on CPU full precision,
    and gloo between processes.
    """
    adapted = configuration.copy()
    frequencies = list(OmegaConf.select(configuration, "optimization.update_freq", default=[1]))
    shorter = [math.ceil(frequency / machine.processes) for frequency in frequencies]
    OmegaConf.update(adapted, "optimization.update_freq", shorter)
    tokens = OmegaConf.select(adapted, "dataset.max_tokens")
    if tokens is not None:
        share = tokens * frequencies[0] / (machine.processes * shorter[0])
        OmegaConf.update(adapted, "dataset.max_tokens", round(share))
    if machine.launcher is not None:
        OmegaConf.update(adapted, "distributed_training.distributed_world_size", machine.processes)
    if machine.gpus == 0 or OmegaConf.select(adapted, "common.cpu", default=False):
        _fit_to_cpu(adapted, machine)
    elif not machine.bfloat16 and OmegaConf.select(adapted, "common.bf16", default=False):
        OmegaConf.update(adapted, "common.bf16", False)
        OmegaConf.update(adapted, "common.fp16", True)
    return adapted


def _fit_to_cpu(configuration: DictConfig, machine: Machine) -> None:
    """What fairseq takes for granted is for GPUs: half precision, NCCL, a device for each process."""
    for key in _HALF:
        if OmegaConf.select(configuration, key, default=False):
            OmegaConf.update(configuration, key, False)
    if machine.processes > 1:
        settings: dict[str, object] = {"distributed_backend": "gloo", "ddp_backend": "legacy_ddp"}
        if machine.launcher == "torchrun":
            settings |= {
                "distributed_init_method": "env://", "distributed_rank": machine.rank, "distributed_no_spawn": True
            }  # fmt: skip
        for key, value in settings.items():
            OmegaConf.update(configuration, f"distributed_training.{key}", value)
