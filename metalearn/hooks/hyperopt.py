"""hyperopt: put the seeds into Trials in the form that TPE survives, tell results, read trials back."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import require_tool, warn_of_lost_conditions
from metalearn.hooks.choices import labels, plain
from metalearn.hooks.harvest import Trial, Trials
from metalearn.hooks.report import Seed, SeedReport
from metalearn.hooks.tool import Queued, Told, Tool
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, SearchSpace, multiples

__all__ = ["harvest", "read_space", "seed", "tell", "trials", "verify", "write_space"]

_MARK = "metalearn_seed"
_NEW, _DONE, _ERROR = 0, 2, 3
_TWO_SIGMA = 2.0
_EXTRA = "hyperopt evaluates the seeds in addition to max_evals; do not pass points_to_evaluate, it would be ignored"


def _option(option: Any) -> Any:
    """Return an option of hp.choice: its value, or the constants of a dict."""
    if option.name == "literal":
        return option.obj
    return {name: arg.obj for name, arg in option.named_args if arg.name == "literal"}


def _parameter(node: Any, *, whole: bool) -> Parameter:
    """Return the range of a distribution node of hyperopt's expression graph."""
    arg = {name: plain(value.obj) for name, value in node.arg.items() if hasattr(value, "obj")}
    kind = node.name
    if kind == "randint":
        low, high = (0, arg["low"]) if arg.get("high") is None else (arg["low"], arg["high"])
        return Integer(int(low), int(high) - 1) if high - 1 > low else Categorical((int(low),))
    if kind.endswith("normal"):
        low, high = (arg["mu"] + sign * _TWO_SIGMA * arg["sigma"] for sign in (-1, 1))
    else:
        low, high = arg["low"], arg["high"]
    log, step = "log" in kind, arg.get("q")
    if log:
        low, high = math.exp(low), math.exp(high)
    if log and step is not None and step != 1:
        return multiples(low, high, step)
    if whole and step is not None and step > 1 and float(step).is_integer():
        low, high = math.ceil(low / step - 1e-9) * step, math.floor(high / step + 1e-9) * step
        return Integer(round(low), round(high), step=int(step)) if high > low else Categorical((round(low),))
    if whole or step == 1:
        bottom, top = max(round(low), 1) if log else math.ceil(low - 1e-9), round(high)
        return Integer(bottom, top, log=log) if top > bottom else Categorical((bottom,))
    if step is not None and not log:
        low, high = math.ceil(low / step - 1e-9) * step, math.floor(high / step + 1e-9) * step
        return Float(low, high, step=step)
    return Float(float(f"{low:.12g}"), float(f"{high:.12g}"), log=log)


def _walk(
    node: Any, condition: Condition | None, *, whole: bool = False
) -> Iterator[tuple[str, Parameter, Condition | None]]:
    """Yield every label with its range and condition, parents first."""
    if node.name == "hyperopt_param":
        yield node.arg["label"].obj, _parameter(node.arg["obj"], whole=whole), condition
    elif node.name == "switch":
        label, options = node.pos_args[0].arg["label"].obj, node.pos_args[1:]
        names = labels([_option(option) for option in options])
        yield label, Categorical(tuple(names)), condition
        for value, option in zip(names, options, strict=True):
            yield from _walk(option, Condition(label, (value,)))
    else:
        for child in node.inputs():
            yield from _walk(child, condition, whole=whole or node.name == "int")


def read_space(space: Any) -> SearchSpace:
    """Return a search space from a hyperopt space."""
    hyperopt = require_tool("hyperopt.pyll", "hyperopt")
    parameters: dict[str, Parameter] = {}
    conditions: dict[str, Condition | None] = {}
    for label, parameter, condition in _walk(hyperopt.as_apply(space), None):
        before = conditions.get(label, condition)
        if label in parameters and before is not None and condition is not None and before != condition:
            joined = tuple(dict.fromkeys((*before.values, *condition.values)))
            condition = Condition(before.parent, joined) if before.parent == condition.parent else None  # noqa: PLW2901
        parameters[label], conditions[label] = parameter, condition
    return SearchSpace(parameters, {label: c for label, c in conditions.items() if c is not None})


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return a hyperopt space."""
    nested = {n for n, c in space.conditions.items() if isinstance(space.parameters[c.parent], Categorical)}
    warn_of_lost_conditions("hyperopt", (name for name in space.conditions if name not in nested))
    hp = require_tool("hyperopt", "hyperopt").hp

    def write(name: str) -> Any:
        p = space.parameters[name]
        if isinstance(p, Categorical):
            children = {n: c for n, c in space.conditions.items() if c.parent == name}
            if not children:
                return hp.choice(name, list(p.choices))
            options = [
                {name: value, **{n: write(n) for n, c in children.items() if c.holds({name: value})}}
                for value in p.choices
            ]
            return hp.choice(name, options)
        if isinstance(p, Integer):
            if p.log:
                return hp.qloguniform(name, math.log(p.low), math.log(p.high), 1)
            return hp.choice(name, list(p.grid)) if p.grid else hp.uniformint(name, p.low, p.high)
        if p.log:
            return hp.loguniform(name, math.log(p.low), math.log(p.high))
        return hp.uniform(name, p.low, p.high) if p.step is None else hp.quniform(name, p.low, p.high, p.step)

    return {name: write(name) for name in space.parameters if name not in nested}


def _native(params: Mapping[str, Any], space: SearchSpace) -> dict[str, list[Any]]:
    """Return values by label as hyperopt keeps them: an index for a choice, nothing for what is inactive."""
    return {
        label: [] if label not in params else [p.index(params[label]) if isinstance(p, Categorical) else params[label]]
        for label, p in space.parameters.items()
    }


def _values(doc: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Return the active parameters of a trial by label, with the values of choices."""
    found: dict[str, Any] = {}
    for label, held in doc["misc"]["vals"].items():
        p = space.parameters.get(label)
        if len(held) and p is not None:
            value = plain(held[0])
            if isinstance(p, Categorical):
                found[label] = p.choices[int(value)]
            else:
                found[label] = round(value) if isinstance(p, Integer) else float(value)
    return found


def _insert(
    trials: Any, seeds: Sequence[Seed], space: SearchSpace, results: Mapping[int, float | None] | None
) -> list[int]:
    """Add one document for each seed, finished where a result is given."""
    tids: list[int] = trials.new_trial_ids(len(seeds))
    docs = []
    for tid, item in zip(tids, seeds, strict=True):
        values = _native(item.params, space)
        misc = {
            "tid": tid,
            "cmd": ("domain_attachment", "FMinIter_Domain"),
            "workdir": None,
            "idxs": {label: [tid] if held else [] for label, held in values.items()},
            "vals": values,
            "metalearn_model": item.model,
        }
        if results is None:
            misc[_MARK] = item.rank
        (doc,) = trials.new_trial_docs([tid], [None], [{"status": "new"}], [misc])
        if results is not None:
            loss = results[item.rank]
            doc["state"] = _DONE
            doc["result"] = {"status": "fail"} if loss is None else {"status": "ok", "loss": loss}
        docs.append(doc)
    trials.insert_trial_docs(docs)
    # visible seeds would count as done: fmin would stop at max_evals without running them
    if not any(doc["state"] == _NEW for doc in trials._dynamic_trials):  # noqa: SLF001
        trials.refresh()
    return tids


class _Hyperopt(Tool):
    """Queue seeds in ``Trials``, to be passed to ``fmin(trials=...)``; the option ``space`` is what ``fmin`` takes, too."""

    name = package = extra = distribution = "hyperopt"
    own = ("space",)
    takes = tuple(Status)
    remembers = True

    def space_of(self, trials: Any, *, space: Any, **_: Any) -> SearchSpace:  # noqa: ARG002
        return read_space(space)

    def enqueue(self, trials: Any, seeds: Sequence[Seed], *, space: Any, **_: Any) -> Queued:
        tids = _insert(trials, seeds, read_space(space), None)
        found = [replace(item, key=str(tid)) for item, tid in zip(seeds, tids, strict=True)]
        return found, [_EXTRA] if found else []

    def insert(self, trials: Any, told: Sequence[Told], *, space: Any, **_: Any) -> None:
        losses = {item.rank: value for item, _result, value in told}
        _insert(trials, [item for item, _, _ in told], read_space(space), losses)

    def trials(self, trials: Any, space: Any = None, **_: Any) -> Trials:
        known, rows = read_space(space) if space is not None else None, []
        for doc in trials._dynamic_trials:  # noqa: SLF001 - with those not yet run
            result, span, ended = doc["result"], None, doc["state"] in {_DONE, _ERROR}
            if doc.get("refresh_time") is not None and doc.get("book_time") is not None:
                span = (doc["refresh_time"] - doc["book_time"]).total_seconds()
            ok = doc["state"] == _DONE and result.get("status") == "ok"
            raw = {label: held[0] for label, held in doc["misc"]["vals"].items() if len(held)}
            rows.append(
                Trial(
                    raw if known is None else _values(doc, known),
                    result.get("loss") if ok else None,
                    Status.OK if ok else Status.FAILED,
                    span,
                    model=doc["misc"].get("metalearn_model", ""),
                    key=str(doc["tid"]),
                    rank=doc["misc"].get(_MARK),
                    unfinished="" if ended else "waiting" if doc["state"] == _NEW else "running",
                )
            )
        return Trials(rows)

    def verify(self, trials: Any, report: SeedReport | None = None, /, **own: Any) -> SeedReport:
        if not any(_MARK in doc["misc"] for doc in trials._dynamic_trials):  # noqa: SLF001
            message = "These trials hold no seed. Expected trials that seed() has filled. Call it before fmin."
            raise InvalidInputError(message)
        return super().verify(trials, report, **own)


_TOOL = _Hyperopt()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
