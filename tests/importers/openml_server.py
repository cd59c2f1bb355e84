"""A local server that replays recorded answers of OpenML; lists are completed by its public schema, page by page."""

import gzip
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

RECORDED = Path(__file__).parent / "recorded" / "openml"
NAMESPACE = 'xmlns:oml="http://openml.org/openml"'
FOREST = (
    "sklearn.pipeline.Pipeline(imputer=sklearn.impute.SimpleImputer,clf=sklearn.ensemble.forest.RandomForestClassifier)"
)
FLOWS = {60: "weka.J48", 70: "sklearn.svm.classes.SVC", 80: FOREST, 90: "lightgbm.sklearn.LGBMClassifier"}
OLD_BOOSTERS = {1000 + k: "sklearn.ensemble.gradient_boosting.HistGradientBoostingClassifier" for k in range(450)}
OTHER_FLOWS = {20_000 + k: f"weka.Other{k}" for k in range(10_050)}
"""So many that lists of flows have a second page."""

ALL_FLOWS = {**FLOWS, **OLD_BOOSTERS, **OTHER_FLOWS, 99_000: "sklearn.neighbors.KNeighborsClassifier"}
SETUPS = {
    101: (70, {"sklearn.svm.classes.SVC(7)_C": "10.0", "sklearn.svm.classes.SVC(7)_kernel": '"rbf"'}),
    102: (
        80,
        {
            "sklearn.ensemble.forest.RandomForestClassifier(3)_n_estimators": "100",
            "sklearn.ensemble.forest.RandomForestClassifier(3)_max_features": '"sqrt"',
            "sklearn.impute.SimpleImputer(3)_strategy": '"median"',
        },
    ),
    **{300 + k: (90, {"lightgbm.sklearn.LGBMClassifier(1)_num_leaves": str(2 + k)}) for k in range(150)},
    900: (99_000, {"sklearn.neighbors.KNeighborsClassifier(1)_n_neighbors": "7"}),
    901: (1449, {"sklearn.ensemble.gradient_boosting.HistGradientBoostingClassifier(1)_max_depth": "3"}),
}
SETUP_FLOW = {100: 60, **{setup: flow for setup, (flow, _) in SETUPS.items()}}
RUNS = [(1, 100, 0.97), (2, 101, 0.985), (3, 102, 0.99), (4, 102, 0.98), (5, 900, 0.9), (6, 901, 0.91)]
RUNS += [(1000 + k, 300 + k, 0.95 + k / 10_000) for k in range(150)]
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
FILES = {
    "task/1882": "task_1882.xml",
    "data/2": "data_2.xml",
    "data/features/2": "features_2.xml",
    "data/qualities/2": "qualities_2.xml",
}
LONGEST_ADDRESS = 2000


def _ids(path: str, name: str) -> set[int] | None:
    found = re.search(rf"/{name}/([\d,]+)", path)
    return {int(i) for i in found[1].split(",")} if found else None


def _page(path: str, items: list[Any]) -> list[Any]:
    start, size = (int(found[1]) if (found := re.search(rf"/{n}/(\d+)", path)) else d for n, d in _PAGE)
    return items[start : start + size]


_PAGE = (("offset", 0), ("limit", 10_000))


def _evaluations(path: str) -> str:
    flows = _ids(path, "flow")
    wanted = [r for r in RUNS if "predictive_accuracy" in path and (flows is None or SETUP_FLOW[r[1]] in flows)]
    return "".join(
        f"<oml:evaluation><oml:run_id>{run}</oml:run_id><oml:task_id>1882</oml:task_id><oml:setup_id>{setup}</oml:setup_id>"
        f"<oml:flow_id>{SETUP_FLOW[setup]}</oml:flow_id><oml:flow_name>{ALL_FLOWS[SETUP_FLOW[setup]]}(1)</oml:flow_name>"
        "<oml:data_id>2</oml:data_id><oml:data_name>anneal</oml:data_name><oml:function>predictive_accuracy</oml:function>"
        "<oml:upload_time>2020-01-01 00:00:00</oml:upload_time><oml:uploader>1</oml:uploader>"
        f"<oml:value>{value}</oml:value></oml:evaluation>"
        for run, setup, value in _page(path, wanted)
    )


def _setup(setup: int) -> str:
    if setup == 100:  # the recorded answer for one setup has the same parameters as a list
        text = (RECORDED / "setup_1.xml").read_text(encoding="utf-8")
        return "<oml:setup>" + text[text.index(">") + 1 :].replace("</oml:setup_parameters>", "</oml:setup>")
    flow, parameters = SETUPS[setup]
    inner = "".join(
        f"<oml:parameter><oml:id>{setup * 10 + k}</oml:id><oml:flow_id>{flow}</oml:flow_id>"
        f"<oml:flow_name>{ALL_FLOWS[flow]}</oml:flow_name><oml:full_name>{name}</oml:full_name>"
        f"<oml:parameter_name>{name.rpartition('_')[2]}</oml:parameter_name><oml:data_type>option</oml:data_type>"
        f"<oml:default_value>1</oml:default_value><oml:value>{value}</oml:value></oml:parameter>"
        for k, (name, value) in enumerate(parameters.items())
    )
    return f"<oml:setup><oml:setup_id>{setup}</oml:setup_id><oml:flow_id>{flow}</oml:flow_id>{inner}</oml:setup>"


def _setups(path: str) -> str:
    wanted = _ids(path, "setup") or set()
    return "".join(_setup(s) for s in _page(path, sorted(wanted & SETUP_FLOW.keys())))


def _flows(path: str) -> str:
    return "".join(
        f"<oml:flow><oml:id>{i}</oml:id><oml:full_name>{n}(1)</oml:full_name><oml:name>{n}</oml:name><oml:version>1"
        "</oml:version><oml:external_version>1</oml:external_version><oml:uploader>1</oml:uploader></oml:flow>"
        for i, n in _page(path, list(ALL_FLOWS.items()))
    )


def _as_json(text: str) -> str:
    """Say the same as an XML answer, as the JSON interface does."""
    import xmltodict  # noqa: PLC0415 - it comes with the openml package

    plain = xmltodict.parse(text, process_namespaces=False)
    return json.dumps(plain).replace('"oml:', '"')


class Replay(BaseHTTPRequestHandler):
    """Answer as openml.org would."""

    asked: ClassVar[Counter[str]] = Counter()
    times: ClassVar[list[float]] = []
    failures: ClassVar[int] = 0

    def do_GET(self) -> None:
        kind = type(self)
        kind.times.append(time.monotonic())
        path = self.path.removeprefix("/api/v1/xml/").removeprefix("/api/v1/json/")
        kind.asked[path.split("/")[0]] += 1
        if kind.failures > 0 or len(self.path) > LONGEST_ADDRESS:
            self.send_error(503 if kind.failures > 0 else 414)
            kind.failures -= 1
            return
        answer = self._answer(path)
        self.send_response(412 if answer is NOTHING else 404 if answer is None else 200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(gzip.compress((answer or "").encode()))

    def _answer(self, path: str) -> str | None:
        if "download/2/" in path:
            return gzip.decompress((RECORDED / "data_2.arff.gz").read_bytes()).decode()
        if path in FILES:
            text = (RECORDED / FILES[path]).read_text(encoding="utf-8")
            here = f"http://127.0.0.1:{self.server.server_address[1]}/data/v1/download/2/anneal.arff"
            text = text.replace("http://www.openml.org/data/download/1666876/phpFsFYVN", here)
            return _as_json(text) if "/json/" in self.path else text
        for start, lists, what in (
            ("evaluation/list/function/", _evaluations, "evaluations"),
            ("setup/list", _setups, "setups"),
            ("flow/list", _flows, "flows"),
        ):
            if path.startswith(start):
                rows = lists(path)
                return f"<oml:{what} {NAMESPACE}>{rows}</oml:{what}>" if rows else NOTHING
        if path.startswith("user/list"):
            return NOTHING if "offset" in path and "offset/0" not in path else USERS
        return SUITE if path == "study/99" else None

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def replayed() -> Iterator[str]:
    """Serve until the end of the block; the address is without the interface's path."""
    Replay.asked.clear()
    Replay.times.clear()
    Replay.failures = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Replay) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{service.server_address[1]}"
        finally:
            service.shutdown()
            thread.join()
