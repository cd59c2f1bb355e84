"""The same work on a Ray cluster, in the environment that holds Ray (.ci/hooks/run.sh together)."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

import metalearn as ml
from metalearn.building import on_cluster
from metalearn.exceptions import ClusterError
from metalearn.knowledge import KnowledgeBase, open_store
from metalearn.models import get_model
from metalearn.task import ProblemType

os.environ |= {
    "RAY_AUTH_MODE": "disabled",  # else Ray leaves a token in the home folder
    "RAY_worker_niceness": "0",  # workers step back for everybody else by default
}
ray = pytest.importorskip("ray")

pytestmark = pytest.mark.slow

KEY = ["task_id", "configuration_id", "metric", "fold"]
CONFIGURATIONS = [
    configuration
    for name in ("knn", "linear", "decision_tree", "gaussian_nb")
    for configuration in get_model(name).design(ProblemType.MULTICLASS, 4)
]


@pytest.fixture(scope="module")
def cluster() -> Iterator["subprocess.Popen[str]"]:
    """Start a cluster that is not this process's own, and that nobody finds by itself."""
    folder = tempfile.mkdtemp(prefix="ray")  # pytest's own is too long for the names of Ray's sockets
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=2"]
    options = ["--include-dashboard=false", "--disable-usage-stats", "--port=6399", "--ray-client-server-port=10001"]
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
        env={**os.environ, "RAY_TMPDIR": folder},
    )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "--block" in line:
                break
        else:
            pytest.fail("".join(said))
        yield process
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def end(process: "subprocess.Popen[str]") -> None:
    """End a process and all that it started."""
    with suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(5)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


ADDRESS = "127.0.0.1:6399"


def busy_workers(cluster: "subprocess.Popen[str]") -> list[int]:
    """Return the workers of the cluster that are at work; Ray writes into their command line what they do."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            title, status = (folder / "cmdline").read_bytes(), (folder / "stat").read_text()
            parent = int(status.rpartition(")")[2].split()[1])
            if title.startswith(b"ray::PoolActor.run_batch") and os.getpgid(parent) == cluster.pid:
                found.append(int(folder.name))
    return found


def sorted_scores(knowledge: KnowledgeBase) -> "pd.Series[float]":
    runs = knowledge.evaluations.astype(dict.fromkeys(KEY, str)).sort_values(KEY)
    assert not runs.duplicated(KEY).any()
    return runs.set_index(KEY)["value"]


def kill_one(cluster: "subprocess.Popen[str]", store: Path, killed: list[int]) -> None:
    """Kill a worker as soon as the first results are stored, while it works on the next."""
    while not open_store(store).read().done:
        time.sleep(0.05)
    while not (pids := busy_workers(cluster)):
        time.sleep(0.01)
    killed.append(pids[0])
    os.kill(killed[0], signal.SIGKILL)


def test_a_worker_killed_in_the_middle_loses_and_repeats_nothing(
    tmp_path: Path, cluster: "subprocess.Popen[str]"
) -> None:
    ml.build_knowledge_base(["iris", "wine"], store=tmp_path / "alone", configurations=CONFIGURATIONS, n_jobs=2)
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
        ["iris", "wine"], store=store, backend="ray", scheduler=ADDRESS, configurations=CONFIGURATIONS
    )
    killer.join()
    assert killed
    assert not Path(f"/proc/{killed[0]}").exists()
    assert len(appended) == len(set(appended)) == sum(work.n_ok for work in report.families) == 2 * len(CONFIGURATIONS)
    alone, undisturbed = store.read(), open_store(tmp_path / "alone").read()
    pd.testing.assert_series_equal(sorted_scores(alone), sorted_scores(undisturbed), check_exact=True)
    pd.testing.assert_frame_equal(alone.meta_feature_table, undisturbed.meta_feature_table.loc[list(alone.task_ids)])


@pytest.mark.usefixtures("cluster")
def test_work_that_kills_every_worker_ends_in_an_error_and_not_in_waiting() -> None:
    import joblib  # noqa: PLC0415 - for this test only

    def die(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with on_cluster("ray", ADDRESS), pytest.raises(ClusterError, match="gave a piece of work up"):
        list(joblib.Parallel(return_as="generator_unordered")(joblib.delayed(die)(i) for i in range(6)))


@pytest.mark.usefixtures("cluster")
def test_a_build_goes_on_where_it_was_from_a_machine_outside_the_cluster(tmp_path: Path) -> None:
    options = {"store": tmp_path, "backend": "ray", "scheduler": "ray://127.0.0.1:10001"}
    ml.build_knowledge_base("iris", configurations=CONFIGURATIONS[:4], **options)
    report = ml.build_knowledge_base("iris", configurations=CONFIGURATIONS[:8], **options)
    assert {work.family: (work.n_known, work.n_ok) for work in report.families} == {"knn": (4, 0), "linear": (0, 4)}


@pytest.mark.usefixtures("cluster")
def test_without_an_address_a_ray_is_started_here_and_ended_here() -> None:
    with on_cluster("ray", n_jobs=1):
        assert ray.cluster_resources()["CPU"] == 1
    assert not ray.is_initialized()


def test_a_ray_that_runs_already_is_taken_and_not_ended() -> None:
    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        with on_cluster("ray", n_jobs=2):
            assert ray.cluster_resources()["CPU"] == 1
        assert ray.is_initialized()
    finally:
        ray.shutdown()
