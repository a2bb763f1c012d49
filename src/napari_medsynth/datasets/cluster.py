"""Workers on Dask: processes of our own, or those of a scheduler that runs already.

Worker processes listen on this machine only. They have one thread each, and so do the linear algebra libraries in
them: more would only get in each other's way. They end with the process that started them, even if that is killed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..core.errors import ConfigError, MedsynthError, shown
from ..core.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future, Nanny, Worker

Task = TypeVar("Task")
Done = TypeVar("Done")

#: Tasks per worker that are under way: one being done, one waiting so that no worker idles, one on its way back.
PER_WORKER = 3

#: Seconds in which a scheduler has to answer, and then to have a worker.
PATIENCE = 5.0

#: Seconds for which a scheduler may have no worker.
LONELY = 30.0

#: Seconds that a worker process has to end by itself.
GRACE = 0.5

_AGAIN = "what was finished is kept; run the same command again to go on"
_GONE = f"the Dask scheduler is gone; {_AGAIN}"
_DIED = f"worker processes died over the same cases again and again (out of memory?); {_AGAIN}, with fewer workers"

_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://[^\s/:]+:\d{1,5}|(tcp|tls)://\[[0-9a-fA-F:]+\]:\d{1,5}")

_CONFIG = {
    "distributed.comm.compression": None,  # what comes back is packed already
    "distributed.scheduler.allowed-failures": 1,  # a worker that died by accident is forgiven, a task that kills is not
    "distributed.admin.log-length": 100,
    "distributed.admin.low-level-log-length": 100,
    "distributed.worker.profile.enabled": False,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,  # else every array's memory is fetched anew
}


class OnDask(Generic[Task, Done]):
    """The workers of a Dask scheduler.

    Parameters
    ----------
    work
        A function that workers can import.
    direct
        Whether results are fetched from the workers, and not through the scheduler.
    """

    def __init__(self, client: Client, work: Callable[[Task], Done], *, direct: bool | None = None) -> None:
        self._client = client
        self._work = work
        self._direct = direct
        self._running: list[Future[Done]] = []
        self._alive = time.monotonic()
        self.slots = PER_WORKER * sum(client.nthreads().values())

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._running.append(self._client.submit(self._work, task, pure=False))

    def finished(self, timeout: float) -> list[Done]:
        """Return what was done since the last call; see :meth:`.crew.Crew.finished`."""
        self._wait(timeout)
        for future in self._running:
            if future.status == "error":
                raise _explained(future.exception())
            if future.status == "cancelled":
                raise MedsynthError(_GONE)
        ready = [future for future in self._running if future.status == "finished"]
        if not ready:  # what a worker had finished before it died is lost, and done again by others
            self._require_workers()
            return []
        try:
            done: list[Done] = self._client.gather(ready, direct=self._direct)
        except (OSError, CancelledError) as error:
            raise MedsynthError(_GONE) from error
        self._running = [future for future in self._running if future not in ready]  # so that workers forget them
        self._alive = time.monotonic()
        return done

    def _wait(self, timeout: float) -> None:
        from distributed import wait

        with self._client.as_current(), suppress(TimeoutError, CancelledError):  # what became of each is seen next
            wait(self._running, timeout=timeout, return_when="FIRST_COMPLETED")

    def _require_workers(self) -> None:
        """Tell that everybody has gone, rather than wait for ever; workers that died are given time to come back."""
        if self._client.status != "running":
            raise MedsynthError(_GONE)
        if time.monotonic() > self._alive + LONELY:
            if not self._client.nthreads():
                raise MedsynthError(f"the Dask scheduler has had no worker for {LONELY:g} s; {_AGAIN}")
            self._alive = time.monotonic()


def _explained(error: BaseException) -> BaseException:
    if type(error).__name__ != "KilledWorker":
        return error
    explained = MedsynthError(_DIED)
    explained.__cause__ = error
    return explained


def usable_cores() -> int:
    """Return how many cores this process may use, limits of containers included."""
    from dask.system import CPU_COUNT

    return int(CPU_COUNT)


@contextmanager
def local(workers: int) -> Iterator[Client]:
    """Start worker processes for the time of the block."""
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set(_CONFIG), _quiet():
        with _unchanged_environment(), _no_main():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # None would listen on port 8787
                memory_limit=0,
                preload=__name__,
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster, set_as_default=False) as client:
            try:
                yield client
            finally:
                cluster.sync(_dismiss, cluster.workers.values())


def dask_setup(worker: Worker) -> None:
    """Called by Dask in each of our worker processes: Ctrl-C reaches all of them, and is the owner's to heed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def _dismiss(nannies: Iterable[Nanny]) -> None:
    """End the worker processes at once: whoever cancels does not want to wait for what they are doing."""
    await asyncio.gather(*(nanny.close(timeout=GRACE, reason="done") for nanny in nannies))


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Use a scheduler for the time of the block; one to be trusted, for Dask unpickles what comes from there.

    Raises
    ------
    ConfigError
        If it is no address, nothing answers there, it has no workers, or they have another version of this package.
    """
    import dask
    from distributed import Client

    if not _ADDRESS.fullmatch(address):
        raise ConfigError(f"scheduler is {shown(address)}; expected an address such as tcp://10.0.0.5:8786")
    with dask.config.set(_CONFIG), _quiet():
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            found = f"there is no Dask scheduler at {address}, or it did not answer in {PATIENCE:g} s"
            raise ConfigError(f"{found}; expected one that runs (dask scheduler)") from error
        with client:
            _require_same_version(client, address)
            yield client


def _require_same_version(client: Client, address: str) -> None:
    """Raise :class:`ConfigError` unless there are workers, all with this version of this package."""
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=PATIENCE)
    answers: dict[str, Any] = client.run(_version, on_error="return")
    if not answers:
        raise ConfigError(f"the scheduler at {address} has no workers; expected at least one (dask worker {address})")
    for worker, found in answers.items():
        if found != __version__:
            has = shown(found) if isinstance(found, str) else f"none that works ({shown(found)})"
            raise ConfigError(f"worker {worker} has napari-medsynth {has}; expected {__version__!r}, as here")


def _version() -> str:
    return __version__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's own words about workers and connections off the terminal; what matters is raised."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _unchanged_environment() -> Iterator[None]:
    """Take back what Dask sets for its workers (one thread for linear algebra): it sets that in this process too."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _no_main() -> Iterator[None]:
    """Keep new processes from running the caller's script again, as they else do to find functions of it.

    Ours are all in this package; a script without ``if __name__ == "__main__"`` would start a dataset in each worker.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
