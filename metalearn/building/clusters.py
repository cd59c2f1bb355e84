"""Choose where joblib's work is done: processes here, or the workers of a Dask or Ray cluster."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import joblib

from metalearn._installation import install_command
from metalearn._wording import advice
from metalearn.exceptions import ClusterError, InvalidInputError, MissingExtraError, unknown_name

__all__ = ["BACKENDS", "on_cluster"]

BACKENDS = ("loky", "dask", "ray")
"""Names of what can do the work."""


@contextmanager
def on_cluster(backend: str = "loky", scheduler: str | None = None, *, n_jobs: int = 1) -> Iterator[None]:
    """Let joblib run on processes of this machine, or on a cluster, while the context lasts.

    Parameters
    ----------
    backend : {"loky", "dask", "ray"}, default="loky"
        Processes of this machine, or the cluster's kind.
    scheduler : str or None, default=None
        Address of a running cluster, such as ``"tcp://10.0.0.1:8786"`` or ``"ray://10.0.0.1:10001"``; None starts one
        on this machine with ``n_jobs`` workers, and ends it afterwards. A Ray that this process uses already is taken.
        All workers of a cluster are used.
    n_jobs : int, default=1
        Workers of a cluster that is started here.

    Yields
    ------
    None
        Nothing; every ``joblib.Parallel`` inside runs there.

    Raises
    ------
    UnknownNameError
        If there is no such backend.
    MissingExtraError
        If the cluster's package is not installed here, or metalearn is not installed on its workers.
    InvalidInputError
        If a scheduler is named without a cluster, or its workers have another version of metalearn.
    ClusterError
        If no cluster answers at the address; inside, if the same work ended one worker after the other.
    """
    if backend not in BACKENDS:
        raise unknown_name("backend", backend, BACKENDS)
    if backend == "loky" and scheduler is not None:
        option = advice(python="backend='dask'", command="--backend dask")
        message = f"The scheduler {scheduler!r} belongs to no backend. Expected 'dask' or 'ray' with it. Name the backend: {option}."
        raise InvalidInputError(message)
    workers = joblib.effective_n_jobs(n_jobs)
    if backend == "dask":
        with _dask(scheduler, workers) as joblib_backend, joblib.parallel_config(joblib_backend):
            yield
    elif backend == "ray":
        with _ray(scheduler, workers) as joblib_backend, joblib.parallel_config(joblib_backend):
            yield
    else:
        yield


@contextmanager
def _dask(scheduler: str | None, n_workers: int) -> Iterator[Any]:
    try:
        from distributed import Client  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise _absent("dask") from error
    options = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None}
    try:
        client = Client(**options) if scheduler is None else Client(scheduler)
    except (OSError, ValueError) as error:
        raise _silent("Dask", scheduler, error) from error
    with client:
        try:
            _check_versions(client.run(version, _PACKAGE).values())
        except PackageNotFoundError as error:
            raise _lacking(error) from error
        yield _without_waiting_for_the_dead(client)


def _without_waiting_for_the_dead(client: Any) -> Any:
    """Return joblib's backend for Dask, which else waits forever for work that Dask has given up."""
    from joblib._dask import DaskDistributedBackend  # noqa: PLC0415 - joblib names its backends, not their classes

    class Backend(DaskDistributedBackend):  # type: ignore[misc]  # joblib has no types
        def submit(self, func: Any, callback: Callable[[Any], None]) -> "Future[Any]":
            found: Future[Any] = super().submit(func, callback)
            found.add_done_callback(partial(_pass_on, callback))
            return found

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, BaseException):
                raise _given_up("Dask", out) from out
            return super().retrieve_result_callback(out)

    return Backend(client=client)


def _pass_on(callback: Callable[[Any], None], found: "Future[Any]") -> None:
    error = None if found.cancelled() else found.exception()
    if error is not None:
        callback(error)


@contextmanager
def _ray(scheduler: str | None, n_workers: int) -> Iterator[Any]:
    try:
        import ray  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise _absent("ray") from error
    started = not ray.is_initialized()
    if started:
        options: dict[str, Any] = {"address": scheduler or "local"}
        if scheduler is None:
            options["num_cpus"] = n_workers
        try:
            ray.init(**options, include_dashboard=False, log_to_driver=False)
        except Exception as error:  # Ray raises bare ones
            raise _silent("Ray", scheduler, error) from error
    try:
        try:
            _check_versions([ray.get(ray.remote(version).remote(_PACKAGE))])
        except ray.exceptions.RayTaskError as error:
            raise _lacking(error) from error
        yield _with_workers_that_rise_again(ray)
    finally:
        if started:
            ray.shutdown()


def _with_workers_that_rise_again(ray: Any) -> Any:
    """Return joblib's backend for Ray, which else ends with its first dead worker and hands results on in lists only."""
    from ray.util.joblib.ray_backend import RayBackend  # noqa: PLC0415 - an optional package

    class Backend(RayBackend):  # type: ignore[misc]  # Ray is not installed where types are checked
        supports_return_generator = True  # a thread of its own hands each result on

        def effective_n_jobs(self, n_jobs: int) -> int:  # noqa: ARG002 - the cluster's, as Dask's backend has it
            return int(ray.cluster_resources()["CPU"])

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, ray.exceptions.RayError):
                raise _given_up("Ray", out) from out
            return super().retrieve_result_callback(out)

    return Backend(ray_remote_args={"max_restarts": -1, "max_task_retries": _MOST_DEATHS - 1})


_MOST_DEATHS = 4
"""Workers that a piece of work may take along before it is given up: as many as Dask lets it."""

_PACKAGE = "metalearn-recommender"  # asked for by name: a worker without it could not even read a function of ours


def _check_versions(found: Iterable[str]) -> None:
    others = sorted(set(found) - {version(_PACKAGE)})
    if others:
        message = (
            f"The workers have metalearn {', '.join(others)}. Expected {version(_PACKAGE)} as here, so that all results "
            "are made alike. Install it there."
        )
        raise InvalidInputError(message)


def _given_up(name: str, error: BaseException) -> ClusterError:
    return ClusterError(
        f"{name} gave a piece of work up ({str(error).partition(chr(10))[0]}). Expected workers that can hold the largest table. "
        "Give them more memory; what was finished is stored."
    )


def _lacking(error: Exception) -> MissingExtraError:
    reason = str(error).strip().splitlines()[-1]
    return MissingExtraError(
        f"The workers lack a package ({reason}). Expected metalearn and the same packages as here. Install them there."
    )


def _absent(backend: str) -> MissingExtraError:
    return MissingExtraError(
        f"The backend {backend!r} needs a package that is not installed. Expected {backend}. "
        f"Run: {install_command(backend)}."
    )


def _silent(name: str, scheduler: str | None, error: Exception) -> ClusterError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ClusterError(
        f"No {name} cluster answers at {scheduler or 'this machine'} ({reason}). Expected the address of a running one. "
        "Start it, or correct the address."
    )
