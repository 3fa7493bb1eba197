"""Work on all cores in bounded memory."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, TypeVar

from sse_nmt.system.child_processes import end_with_parent
from sse_nmt.system.errors import UserError
from sse_nmt.system.machine import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Processes that each begin with ``begin(*arguments)``; they end with this one, even if it is killed.

    Args:
        count: how many; None for as many as there are cores.
        tasks: how many items there will be; for a single one no process is started.
    """

    def __init__(
        self, begin: Callable[..., None], *arguments: Any, count: int | None = None, tasks: int | None = None
    ) -> None:
        self._count = cores() if count is None else count
        self._pool: ProcessPoolExecutor | None = None
        if self._count > 1 and (tasks is None or tasks > 1):
            start = (os.getpid(), begin, arguments)
            self._pool = ProcessPoolExecutor(self._count, initializer=_begin, initargs=start)
        else:
            begin(*arguments)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:  # interrupted amid its start it could be waited for in vain
            self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Results in the order of ``items``, of which few are taken ahead of what is asked for.

        Raises:
            UserError: a worker was killed.
        """
        if self._pool is None:
            yield from map(function, items)
            return
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(function, item))
                if len(waiting) > 2 * self._count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise UserError("A worker process was killed, as systems do when memory runs out: start again.") from error


def _begin(parent: int, begin: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # ours to handle in the parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent)
    begin(*arguments)
