"""The device that is checked, and what can be asked of it: kernels, waiting, memory."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

import torch

from sse_nmt.methods.precision import has_amx
from sse_nmt.system.machine import cores

_MIB = 2**20


def machine(device: torch.device) -> dict[str, str]:
    """Its name, driver and the versions that figures depend on."""
    said = {"device": platform.machine(), "driver": "none"}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        said["device"] = (
            f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB, {torch.cuda.device_count()} seen"
        )
        said["driver"] = f"{_driver()}, CUDA {torch.version.cuda}"
    amx = ", AMX" if has_amx() else ""
    said["processor"] = f"{cores()} cores, {torch.backends.cpu.get_cpu_capability()}{amx}"
    said["python"] = platform.python_version()
    for package in ("torch", "triton", "ve-fairseq", "liger-kernel", "sse_nmt"):
        with contextlib.suppress(PackageNotFoundError):
            said[package] = version(package)
    said["torch"] = torch.__version__
    return said


def _driver() -> str:
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


@contextlib.contextmanager
def no_waiting() -> Iterator[None]:
    """Whatever would make the host wait for the GPU raises (`torch.cuda.set_sync_debug_mode`)."""
    if not torch.cuda.is_available():
        yield
        return
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def kernels(call: Callable[[], object], device: torch.device) -> int:
    """Kernels, copies and fills that one call puts on the GPU; 0 on the CPU, which has none."""
    if device.type != "cuda":
        return 0
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        call()
        torch.cuda.synchronize()
    return sum(event.device_type == torch.autograd.DeviceType.CUDA for event in profile.events())


def peak_mib(call: Callable[[], object], device: torch.device) -> float:
    """MiB that a call has allocated at most beyond what was there; 0 on the CPU."""
    if device.type != "cuda":
        return 0.0
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / _MIB
