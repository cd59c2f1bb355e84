"""The same work on a Dask cluster: a worker that is killed costs nothing but time."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import metalearn as ml
from metalearn.building import on_cluster
from metalearn.exceptions import ClusterError, MissingExtraError, UnknownNameError
from metalearn.knowledge import KnowledgeBase, open_store
from metalearn.models import get_model
from metalearn.task import ProblemType

distributed = pytest.importorskip("distributed")

KEY = ["task_id", "configuration_id", "metric", "fold"]
CONFIGURATIONS = [
    configuration
    for name in ("knn", "linear", "decision_tree", "gaussian_nb")
    for configuration in get_model(name).design(ProblemType.MULTICLASS, 4)
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Dask's own, when its processes are killed
]


@pytest.fixture
def cluster() -> Iterator["distributed.LocalCluster"]:
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as found:
        yield found


def sorted_scores(knowledge: KnowledgeBase) -> "pd.Series[float]":
    runs = knowledge.evaluations.astype(dict.fromkeys(KEY, str)).sort_values(KEY)
    assert not runs.duplicated(KEY).any()
    return runs.set_index(KEY)["value"]


def kill_one(cluster: "distributed.LocalCluster", store: Path, killed: list[int]) -> None:
    """Kill a worker as soon as the first results are stored, while it works on the next."""
    with distributed.Client(cluster) as client:
        pids = client.run(os.getpid)
    while not open_store(store).read().done:
        time.sleep(0.05)
    killed.append(next(iter(pids.values())))
    os.kill(killed[0], signal.SIGKILL)


def test_a_worker_killed_in_the_middle_loses_and_repeats_nothing(
    tmp_path: Path, cluster: "distributed.LocalCluster"
) -> None:
    options = {"configurations": CONFIGURATIONS, "n_jobs": 2}
    ml.build_knowledge_base(["iris", "wine"], store=tmp_path / "alone", **options)
    appended: list[tuple[str, str]] = []
    store = open_store(tmp_path / "cluster")
    append = store.append

    def watched(task: object, meta_features: object, evaluations: list) -> None:
        appended.extend({(e.task_id, e.configuration_id) for e in evaluations})
        append(task, meta_features, evaluations)

    store.append = watched
    killed: list[int] = []
    killer = threading.Thread(target=kill_one, args=(cluster, tmp_path / "cluster", killed))
    killer.start()
    report = ml.build_knowledge_base(
        ["iris", "wine"], store=store, backend="dask", scheduler=cluster.scheduler_address, **options
    )
    killer.join()
    assert killed
    assert not Path(f"/proc/{killed[0]}").exists()
    assert len(appended) == len(set(appended)) == sum(work.n_ok for work in report.families) == 2 * len(CONFIGURATIONS)
    alone, undisturbed = store.read(), open_store(tmp_path / "alone").read()
    pd.testing.assert_series_equal(sorted_scores(alone), sorted_scores(undisturbed), check_exact=True)
    pd.testing.assert_frame_equal(alone.meta_feature_table, undisturbed.meta_feature_table.loc[list(alone.task_ids)])


def test_work_that_kills_every_worker_ends_in_an_error_and_not_in_waiting(cluster: "distributed.LocalCluster") -> None:
    import joblib  # noqa: PLC0415 - for this test only

    def die(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with on_cluster("dask", cluster.scheduler_address), pytest.raises(ClusterError, match="gave a piece of work up"):
        list(joblib.Parallel(return_as="generator_unordered")(joblib.delayed(die)(i) for i in range(6)))


def test_workers_without_metalearn_are_named(
    cluster: "distributed.LocalCluster", monkeypatch: pytest.MonkeyPatch
) -> None:
    from metalearn.building import clusters  # noqa: PLC0415 - the package that is asked for is replaced

    monkeypatch.setattr(clusters, "_PACKAGE", "a-package-that-nobody-has")
    with (
        pytest.raises(MissingExtraError, match="a-package-that-nobody-has"),
        on_cluster("dask", cluster.scheduler_address),
    ):
        pass


def test_a_silent_scheduler_is_named() -> None:
    from dask import config  # noqa: PLC0415 - for this test only

    with (
        config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ClusterError, match=r"No Dask cluster answers at tcp://127\.0\.0\.1:9"),
        on_cluster("dask", "tcp://127.0.0.1:9"),
    ):
        pass


def test_an_unknown_backend_and_an_absent_one_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'dask'"), on_cluster("dusk"):
        pass
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"\[dask\]"), on_cluster("dask"):
        pass
