"""The OpenML importer against a local server that replays recorded answers, lists completed by the public schema."""

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from metalearn.exceptions import InvalidInputError, KnowledgeBaseError
from metalearn.importers import from_openml

openml = pytest.importorskip("openml")

RECORDED = Path(__file__).parent / "recorded" / "openml"
NAMESPACE = 'xmlns:oml="http://openml.org/openml"'
FOREST = (
    "sklearn.pipeline.Pipeline(imputer=sklearn.impute.SimpleImputer,clf=sklearn.ensemble.forest.RandomForestClassifier)"
)
FLOWS = {60: "weka.J48", 70: "sklearn.svm.classes.SVC", 80: FOREST}
SETUPS = {
    100: (60, {"weka.J48(1)_C": "0.9"}),
    101: (70, {"sklearn.svm.classes.SVC(7)_C": "10.0", "sklearn.svm.classes.SVC(7)_kernel": '"rbf"'}),
    102: (
        80,
        {
            "sklearn.ensemble.forest.RandomForestClassifier(3)_n_estimators": "100",
            "sklearn.ensemble.forest.RandomForestClassifier(3)_max_features": '"sqrt"',
            "sklearn.impute.SimpleImputer(3)_strategy": '"median"',
        },
    ),
}
RUNS = [(1, 100, 0.97), (2, 101, 0.985), (3, 102, 0.99), (4, 102, 0.98)]


def _evaluations() -> str:
    rows = "".join(
        f"<oml:evaluation><oml:run_id>{run}</oml:run_id><oml:task_id>1882</oml:task_id><oml:setup_id>{setup}</oml:setup_id>"
        f"<oml:flow_id>{SETUPS[setup][0]}</oml:flow_id><oml:flow_name>{FLOWS[SETUPS[setup][0]]}(1)</oml:flow_name>"
        "<oml:data_id>2</oml:data_id><oml:data_name>anneal</oml:data_name><oml:function>predictive_accuracy</oml:function>"
        "<oml:upload_time>2020-01-01 00:00:00</oml:upload_time><oml:uploader>1</oml:uploader>"
        f"<oml:value>{value}</oml:value></oml:evaluation>"
        for run, setup, value in RUNS
    )
    return f"<oml:evaluations {NAMESPACE}>{rows}</oml:evaluations>"


def _setups() -> str:
    rows = ""
    for setup, (flow, parameters) in SETUPS.items():
        inner = "".join(
            f"<oml:parameter><oml:id>{setup * 10 + k}</oml:id><oml:flow_id>{flow}</oml:flow_id>"
            f"<oml:flow_name>{FLOWS[flow]}</oml:flow_name><oml:full_name>{name}</oml:full_name>"
            f"<oml:parameter_name>{name.rpartition('_')[2]}</oml:parameter_name><oml:data_type>option</oml:data_type>"
            f"<oml:default_value>1</oml:default_value><oml:value>{value}</oml:value></oml:parameter>"
            for k, (name, value) in enumerate(parameters.items())
        )
        rows += f"<oml:setup><oml:setup_id>{setup}</oml:setup_id><oml:flow_id>{flow}</oml:flow_id>{inner}</oml:setup>"
    return f"<oml:setups {NAMESPACE}>{rows}</oml:setups>"


def _flows() -> str:
    rows = "".join(
        f"<oml:flow><oml:id>{i}</oml:id><oml:full_name>{n}(1)</oml:full_name><oml:name>{n}</oml:name><oml:version>1"
        "</oml:version><oml:external_version>1</oml:external_version><oml:uploader>1</oml:uploader></oml:flow>"
        for i, n in FLOWS.items()
    )
    return f"<oml:flows {NAMESPACE}>{rows}</oml:flows>"


SUITE = (
    f"<oml:study {NAMESPACE}><oml:id>99</oml:id><oml:main_entity_type>task</oml:main_entity_type><oml:name>s</oml:name>"
    "<oml:description>d</oml:description><oml:status>active</oml:status><oml:creation_date>2020</oml:creation_date>"
    "<oml:creator>1</oml:creator><oml:data><oml:data_id>2</oml:data_id></oml:data>"
    "<oml:tasks><oml:task_id>1882</oml:task_id></oml:tasks></oml:study>"
)
USERS = (
    f"<oml:users {NAMESPACE}><oml:user><oml:id>1</oml:id><oml:username>someone</oml:username></oml:user></oml:users>"
)
NOTHING = f"<oml:error {NAMESPACE}><oml:code>512</oml:code><oml:message>No results</oml:message></oml:error>"


class _Replay(BaseHTTPRequestHandler):
    asked: ClassVar[Counter[str]] = Counter()
    failures: ClassVar[int] = 0

    def do_GET(self) -> None:
        path = self.path.removeprefix("/api/v1/xml/")
        type(self).asked[path.split("/")[0]] += 1
        if type(self).failures > 0:
            type(self).failures -= 1
            self.send_error(503)
            return
        answer = self._answer(path)
        code = 412 if answer is NOTHING else 404 if answer is None else 200
        self.send_response(code)
        self.end_headers()
        self.wfile.write((answer or "").encode())

    def _answer(self, path: str) -> str | None:
        known = {
            "task/1882": RECORDED / "task_1882.xml",
            "data/2": RECORDED / "data_2.xml",
            "data/features/2": RECORDED / "features_2.xml",
            "data/qualities/2": RECORDED / "qualities_2.xml",
        }
        if path in known:
            return known[path].read_text(encoding="utf-8")
        if path.startswith("evaluation/list/function/"):
            wanted = "predictive_accuracy" in path and ("offset" not in path or "/offset/0" in path)
            return _evaluations() if wanted else NOTHING
        starts = {"setup/list": _setups(), "flow/list": _flows(), "user/list": USERS, "study/99": SUITE}
        found = next((text for start, text in starts.items() if path.startswith(start)), None)
        return NOTHING if found is not None and "offset" in path and "offset/0" not in path else found

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    _Replay.asked.clear()
    monkeypatch.setattr(_Replay, "failures", 0)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Replay) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{service.server_port}/api/v1/xml"
        service.shutdown()
        thread.join()


@pytest.fixture
def read(server: str, tmp_path: Path) -> Any:
    return lambda **options: from_openml(
        **{"server": server, "cache": tmp_path, "pause_seconds": 0, "measures": ("predictive_accuracy",), **options}
    )


def test_a_task_comes_with_its_size_qualities_and_runs(read: Any) -> None:
    knowledge = read(tasks=[1882])
    task = knowledge.task("openml:1882")
    assert (task.name, task.n_rows, task.n_features, task.n_classes) == ("anneal", 898, 38, 6)
    assert task.dataset_id == "openml-data:2"
    table = knowledge.meta_feature_table
    assert table.loc["openml:1882", "n_rows"] == 898
    assert table.loc["openml:1882", "share_majority"] == pytest.approx(0.7617, abs=1e-3)
    assert "openml.DecisionStumpAUC" in table
    shown = {str(c) for c in knowledge.configuration_by_id.values()}
    assert shown == {"svm(C=10.0, kernel='rbf')", "random_forest(max_features='sqrt', n_estimators=100)"}
    assert sorted(knowledge.evaluations["value"]) == [0.98, 0.985, 0.99]
    assert set(knowledge.evaluations["metric"]) == {"accuracy"}
    assert all(text.startswith("openml ") for text in knowledge.evaluations["recorded_with"])


def test_a_suite_and_a_family_narrow_the_search(read: Any) -> None:
    knowledge = read(suite=99, flow="random_forest")
    assert knowledge.task_ids == ("openml:1882",)
    assert _Replay.asked["flow"] >= 1
    with pytest.raises(InvalidInputError, match="no flow of the family"):
        read(suite=99, flow="catboost")


def test_answers_are_remembered(read: Any) -> None:
    first = read(tasks=[1882])
    asked = sum(_Replay.asked.values())
    assert read(tasks=[1882]).id == first.id
    assert sum(_Replay.asked.values()) == asked


def test_a_server_that_fails_for_a_moment_is_asked_again(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(_Replay, "failures", 2)
    assert len(read(tasks=[1882], retries=5)) == 1


def test_what_is_not_there_or_offline_is_named(read: Any) -> None:
    with pytest.raises(KnowledgeBaseError, match="task 7"):
        read(tasks=[7], retries=1)
    with pytest.raises(KnowledgeBaseError, match="Check the connection"):
        read(tasks=[1882], server="http://127.0.0.1:9/api/v1/xml", retries=1)
    with pytest.raises(InvalidInputError, match="No task was named"):
        read()
