"""YAHPO Gym's runner: what can be shown without its data, which is a download."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metalearn.space import Categorical, Condition, Configuration, Float, SearchSpace

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from options import Options  # noqa: E402 - the folder of the benchmarks is no package
from suites import yahpo  # noqa: E402
from suites.yahpo import _past, _random, tune  # noqa: E402

SPACE = SearchSpace(
    {"kind": Categorical(("a", "b")), "x": Float(0, 1), "y": Float(1e-3, 1e3, log=True)},
    {"y": Condition("kind", ("b",))},
)

STAND_IN = '''
"""A package of YAHPO Gym's interface over a bowl: its data cannot be had here."""
import json, sys, types
from pathlib import Path

class Parameter:
    def __init__(self, name, **facts):
        self.name = name
        self.__dict__.update(facts)

class FloatHyperparameter(Parameter): pass
class IntegerHyperparameter(Parameter): pass

class Space:
    def __init__(self):
        self.held = [Parameter("task", choices=("1", "2", "3")), FloatHyperparameter("x", lower=0.0, upper=1.0, log=False),
                     IntegerHyperparameter("epoch", lower=1, upper=52, log=False)]
    def get_hyperparameters(self): return self.held
    def get_hyperparameter(self, name): return next(p for p in self.held if p.name == name)
    def get_conditions(self): return []

class BenchmarkSet:
    def __init__(self, scenario, multithread=True):
        print("please cite")
        self.config = types.SimpleNamespace(instance_names="task", fidelity_params=["epoch"], y_names=["accuracy"],
                                            config={"y_minimize": [False]})
        self.config_space, self.instances = Space(), ["1", "2", "3"]
    def objective_function(self, configurations):
        assert all(c["epoch"] == 52 for c in configurations)
        return [{"accuracy": 90 - 40 * abs(c["x"] - 0.3 - 0.02 * int(c["task"]))} for c in configurations]

class Frame:
    def to_json(self, orient):
        return json.dumps([{"scenario": "bowl", "instance": i, "target": "accuracy"} for i in ("1", "2")])
'''


def loss(c: Configuration, shift: float = 0.0) -> float:
    if c.params["kind"] == "a":
        return 0.5 + abs(float(c.params["x"]) - 0.5)
    return 0.1 + abs(float(c.params["x"]) - 0.7 - shift) + 0.05 * abs(np.log10(float(c.params["y"])))


def test_other_instances_make_tuning_faster_and_new_points_go_beyond_the_design() -> None:
    design = [Configuration("model", params) for params in SPACE.sobol(30)]
    past = _past(design, np.array([[loss(c, s) for c in design] for s in (-0.05, 0.02, 0.05, -0.02)]))
    ours = tune(past, SPACE, loss, 30)
    chance = np.mean([[loss(c) for c in _random(SPACE, 30, seed=s)] for s in range(20)], axis=0)
    assert ours[0] < chance.mean()
    assert ours.min() < min(loss(c) for c in design)
    assert len(ours) == 30


def run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "benchmarks/run.py",
        "yahpo",
        "--quick",
        "--results",
        str(tmp_path / "results"),
        *options,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_absent_data_and_python_are_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="yahpo_data"):
        yahpo.run(Options(tmp_path, tmp_path, tmp_path, seeds=1, quick=True))
    (tmp_path / "yahpo_data").mkdir()
    with pytest.raises(SystemExit, match="name it: --yahpo"):
        yahpo.run(Options(tmp_path, tmp_path, tmp_path, seeds=1, quick=True))


@pytest.mark.slow
def test_the_runner_talks_to_the_package_in_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "yahpo_gym"
    package.mkdir(parents=True)
    (package / "benchmark_set.py").write_text(STAND_IN, encoding="utf-8")
    (package / "__init__.py").write_text("from yahpo_gym import benchmark_set\n", encoding="utf-8")
    suite = "from yahpo_gym.benchmark_set import Frame\ndef get_suite(type, version=1.0):\n    return Frame()\n"
    (package / "get_suite.py").write_text(suite, encoding="utf-8")
    (tmp_path / "yahpo_data").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    done = run(tmp_path, "--data", str(tmp_path), "--yahpo", sys.executable)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "results" / "yahpo.json").read_text(encoding="utf-8"))
    regret = {row[0]: float(row[2].split()[0]) for row in report["tables"][0]["rows"]}
    assert regret["list and new points"] < regret["random"]
