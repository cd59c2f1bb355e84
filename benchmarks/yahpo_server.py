"""Answer questions about YAHPO Gym, line by line: it needs another numpy, so another Python runs this.

Each line on stdin is a JSON list, `[method, *arguments]`; each line on stdout is the JSON answer.
"""

import json
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

data, answers = Path(sys.argv[1]).resolve(), sys.stdout
sys.stdout = sys.stderr  # the package prints what should be cited
settings = Path(sys.argv[2])
settings.write_text(json.dumps({"data_path": str(data)}), encoding="utf-8")
os.environ["YAHPO_LOCAL_CONFIG"] = str(settings)

import yahpo_gym  # noqa: E402 - reads the settings
from yahpo_gym.get_suite import get_suite  # noqa: E402


def suite() -> list[dict[str, Any]]:
    """Return the instances of the single-objective suite, with the measure that is optimised."""
    return json.loads(get_suite(type="single").to_json(orient="records"))


@lru_cache(maxsize=4)
def benchmark(scenario: str) -> Any:
    """Return a scenario."""
    return yahpo_gym.benchmark_set.BenchmarkSet(scenario, multithread=False)


def space(scenario: str) -> dict[str, Any]:
    """Return parameters and conditions as plain values, and the scenario's instances."""
    found = benchmark(scenario)
    fixed = {found.config.instance_names, *found.config.fidelity_params}
    cs = found.config_space
    parameters = {p.name: _plain(p) for p in cs.get_hyperparameters() if p.name not in fixed}
    conditions = {c.child.name: _condition(c) for c in cs.get_conditions() if hasattr(c, "child")}
    order = [n for n in parameters if n not in conditions]
    while len(order) < len(parameters):  # parents before their children
        order += [n for n in parameters if n not in order and conditions[n]["parent"] in order]
    return {
        "space": {"parameters": {n: parameters[n] for n in order}, "conditions": conditions},
        "instances": list(found.instances),
    }


def _plain(parameter: Any) -> dict[str, Any]:
    if hasattr(parameter, "lower"):
        kind = "integer" if type(parameter).__name__.endswith("IntegerHyperparameter") else "float"
        return {"kind": kind, "low": parameter.lower, "high": parameter.upper, "log": bool(parameter.log)}
    for name in ("choices", "sequence"):
        if hasattr(parameter, name):
            return {"kind": "categorical", "choices": list(getattr(parameter, name))}
    return {"kind": "categorical", "choices": [parameter.value]}


def _condition(condition: Any) -> dict[str, Any]:
    values = condition.values if hasattr(condition, "values") else [condition.value]
    return {"parent": condition.parent.name, "values": list(values)}


def losses(scenario: str, instance: str, target: str, configurations: list[dict[str, Any]]) -> list[float]:
    """Return the losses of configurations at full fidelity."""
    found = benchmark(scenario)
    fidelity = {n: found.config_space.get_hyperparameter(n).upper for n in found.config.fidelity_params}
    constant = {found.config.instance_names: instance} if found.config.instance_names else {}
    values = found.objective_function([{**c, **fidelity, **constant} for c in configurations])
    sign = 1 if found.config.config["y_minimize"][found.config.y_names.index(target)] else -1
    return [sign * float(v[target]) for v in values]


for line in sys.stdin:
    method, *arguments = json.loads(line)
    try:
        answer = {"found": {"suite": suite, "space": space, "losses": losses}[method](*arguments)}
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        answer = {"error": repr(error)}
    print(json.dumps(answer), file=answers, flush=True)
