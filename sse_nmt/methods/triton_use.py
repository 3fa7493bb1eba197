"""Whether Triton's kernels run on a device: where they do not, torch's serve."""

from __future__ import annotations

import functools
import warnings

import torch

_LEAST = (7, 0)  # of CUDA's compute capabilities: Volta


@torch.compiler.assume_constant_result
def triton_runs(device: torch.device) -> bool:
    """On a GPU, found out once for each by a kernel of ours; a warning says why not, where Triton is there."""
    return device.type == "cuda" and _runs(torch.cuda.current_device() if device.index is None else device.index)


@functools.cache
def _runs(index: int) -> bool:
    if torch.version.hip is None and torch.cuda.get_device_capability(index) < _LEAST:
        return False
    try:
        from sse_nmt.methods.trial_kernel import trial
    except ImportError:
        return False
    try:
        return trial(torch.device("cuda", index))
    except Exception as error:  # Triton compiles with the C compiler of the machine, among others
        reason = str(error).strip().partition("\n")[0]
        warnings.warn(
            f"Triton does not run here, so torch's kernels serve: {type(error).__name__}: {reason}", stacklevel=2
        )
        return False
