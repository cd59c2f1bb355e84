"""The same work on Ray, in an environment of its own (.ci/hooks/run.sh ray)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import metalearn as ml
from metalearn.building import on_cluster
from metalearn.models import get_model
from metalearn.store import open_store
from metalearn.task import ProblemType

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.slow

KEY = ["task_id", "configuration_id", "metric", "fold"]
CONFIGURATIONS = [
    configuration
    for name in ("knn", "linear", "decision_tree")
    for configuration in get_model(name).design(ProblemType.MULTICLASS, 4)
]


@pytest.fixture
def running_ray() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("running_ray")
def test_ray_finds_the_same_scores_and_goes_on_where_it_was(tmp_path: Path) -> None:
    options = {"store": tmp_path / "ray", "backend": "ray", "n_jobs": 2}
    ml.build_knowledge_base("iris", configurations=CONFIGURATIONS[:4], **options)
    report = ml.build_knowledge_base("iris", configurations=CONFIGURATIONS, **options)
    assert ray.is_initialized()  # it was not ours to end
    assert [(work.n_known, work.n_ok) for work in sorted(report.families, key=lambda work: work.family)] == [
        (0, 4), (4, 0), (0, 4),
    ]  # fmt: skip
    ml.build_knowledge_base("iris", store=tmp_path / "alone", configurations=CONFIGURATIONS)
    alone, together = (
        open_store(tmp_path / name).read().evaluations.astype(dict.fromkeys(KEY, str)).sort_values(KEY).set_index(KEY)
        for name in ("alone", "ray")
    )
    assert not together.index.duplicated().any()
    pd.testing.assert_series_equal(alone["value"], together["value"], check_exact=True)


def test_a_ray_that_is_started_here_is_ended_here() -> None:
    with on_cluster("ray", n_jobs=1):
        assert ray.is_initialized()
    assert not ray.is_initialized()
