"""hyperopt: put the seeds into Trials in the form that TPE survives, tell results, read trials back."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Unpack

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks.base import (
    Harvest,
    Matching,
    Startable,
    plan,
    plan_told,
    require_tool,
    told_value,
    tool_version,
    warn_of_lost_conditions,
)
from metalearn.hooks.harvest import Reading, Trial, gather
from metalearn.hooks.report import Drop, Seed, SeedReport
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Condition, Float, Integer, Parameter, ParamValue, SearchSpace, multiples
from metalearn.space.aliases import MODEL_PARAMETERS

__all__ = ["harvest", "read_space", "seed", "tell", "verify", "write_space"]

_MARK = "metalearn_seed"
_NEW, _DONE, _ERROR = 0, 2, 3
_TWO_SIGMA = 2.0
_EXTRA = "hyperopt evaluates the seeds in addition to max_evals; do not pass points_to_evaluate, it would be ignored"


def _label(option: Any, index: int) -> ParamValue:
    """Name an option of hp.choice: plain values by themselves, dicts by the model they name or place."""
    if option.name == "literal":
        value = option.obj
        return value if value is None or isinstance(value, bool | int | float | str) else str(value)
    words = {name: arg.obj for name, arg in option.named_args if arg.name == "literal" and isinstance(arg.obj, str)}
    named = [words[name] for name in MODEL_PARAMETERS if name in words] or list(words.values())
    return named[0] if named else str(index)


def _labels(options: Iterable[Any]) -> list[ParamValue]:
    labels = [_label(option, i) for i, option in enumerate(options)]
    unique = len({(type(label), label) for label in labels}) == len(labels)
    return labels if unique else [str(i) for i in range(len(labels))]


def _read(node: Any, *, whole: bool) -> Parameter:
    """Return the range of a distribution node of hyperopt's expression graph."""
    arg = {name: value.obj for name, value in node.arg.items() if hasattr(value, "obj")}
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
        yield node.arg["label"].obj, _read(node.arg["obj"], whole=whole), condition
    elif node.name == "switch":
        label, options = node.pos_args[0].arg["label"].obj, node.pos_args[1:]
        yield label, Categorical(tuple(_labels(options))), condition
        for value, option in zip(_labels(options), options, strict=True):
            yield from _walk(option, Condition(label, (value,)))
    else:
        for child in node.inputs():
            yield from _walk(child, condition, whole=whole or node.name == "int")


def read_space(space: Any) -> SearchSpace:
    """Return a search space from a hyperopt space.

    Parameters
    ----------
    space : dict, list or expression
        What ``fmin`` takes.

    Returns
    -------
    SearchSpace
        The parameters by label; what stands within an option of ``hp.choice`` is conditional.
    """
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
    """Return a hyperopt space.

    Parameters
    ----------
    space : SearchSpace
        Conditional parameters stand within the options of their parent; a condition on a number is lost.

    Returns
    -------
    dict
        For ``fmin``. A parent of conditional parameters becomes a choice among dicts that hold its own
        value too.

    Warns
    -----
    UserWarning
        If a condition is on a number.
    """
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
    found: dict[str, list[Any]] = {}
    for label, p in space.parameters.items():
        value = params.get(label)
        if label not in params:
            found[label] = []
        elif isinstance(p, Categorical):
            found[label] = [next(i for i, c in enumerate(p.choices) if type(c) is type(value) and c == value)]
        else:
            found[label] = [value]
    return found


def _values(doc: Mapping[str, Any], space: SearchSpace) -> dict[str, Any]:
    """Return the active parameters of a trial by label, with the values of choices."""
    found: dict[str, Any] = {}
    for label, held in doc["misc"]["vals"].items():
        p = space.parameters.get(label)
        if len(held) and p is not None:
            value = held[0].item() if hasattr(held[0], "item") else held[0]
            if isinstance(p, Categorical):
                found[label] = p.choices[int(value)]
            else:
                found[label] = round(value) if isinstance(p, Integer) else float(value)
    return found


def _insert(
    trials: Any, report: SeedReport, space: SearchSpace, results: Mapping[int, float | None] | None
) -> list[int]:
    """Add one document for each seed, finished where a result is given."""
    tids: list[int] = trials.new_trial_ids(len(report.accepted))
    docs = []
    for tid, item in zip(tids, report.accepted, strict=True):
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


def seed(
    trials: Any, recommendation: Startable, *, space: Any, strict: bool = False, **options: Unpack[Matching]
) -> SeedReport:
    """Queue the recommended configurations in trials, to be evaluated first.

    Parameters
    ----------
    trials : hyperopt.Trials
        To be passed to ``fmin(trials=...)``; the seeds are evaluated in addition to ``max_evals``.
    recommendation : Recommendation or iterable of Candidate or Configuration
        What to try, in this order.
    space : dict, list or expression
        What ``fmin`` takes.
    strict : bool, default=False
        Whether a change or a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        The keys of the seeds are trial ids.
    """
    known = read_space(space)
    report = plan("hyperopt", recommendation, known, strict=strict, matching=options)
    tids = _insert(trials, report, known, None)
    if isinstance(recommendation, Recommendation):
        trials.attachments["metalearn_metric"] = recommendation.task.metric.name.encode()
    accepted = tuple(replace(item, key=str(tid)) for item, tid in zip(report.accepted, tids, strict=True))
    return replace(report, accepted=accepted, notes=(*report.notes, *((_EXTRA,) if accepted else ())))


def tell(
    trials: Any,
    evaluations: Iterable[Evaluation],
    *,
    space: Any,
    strict: bool = False,
    **options: Unpack[Matching],
) -> SeedReport:
    """Add measured results as finished trials; they count within ``max_evals`` unless seeds wait beside them.

    Parameters
    ----------
    trials : hyperopt.Trials
        To be passed to ``fmin(trials=...)``.
    evaluations : iterable of Evaluation
        Real results of the same task and metric.
    space : dict, list or expression
        What ``fmin`` takes.
    strict : bool, default=False
        Whether a drop is an error.
    **options : Matching
        How configurations are matched with the space.

    Returns
    -------
    SeedReport
        What was told and what could not be.
    """
    known = read_space(space)
    report, results = plan_told("hyperopt", evaluations, known, strict=strict, matching=options)
    beside = [loss for loss in trials.losses() if loss is not None]
    losses = {
        rank: told_value(result, maximize=False, beside=beside) if result.status is Status.OK else None
        for rank, result in results.items()
    }
    _insert(trials, report, known, losses)
    return report


def harvest(trials: Any, X: Any, y: Any, *, space: Any, **options: Unpack[Reading]) -> Harvest:
    """Return every finished trial, failed ones as such.

    Parameters
    ----------
    trials : hyperopt.Trials
        After ``fmin``.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table.
    y : Series or array-like of shape (n_rows,)
        The target column.
    space : dict, list or expression
        What ``fmin`` took.
    **options : Reading
        How the trials are to be read.

    Returns
    -------
    tuple of Task, MetaFeatures and list of Evaluation
        For ``store.append``.
    """
    known, rows = read_space(space), []
    for doc in trials.trials:
        if doc["state"] not in {_DONE, _ERROR}:
            continue
        result, span = doc["result"], None
        if doc.get("refresh_time") is not None and doc.get("book_time") is not None:
            span = (doc["refresh_time"] - doc["book_time"]).total_seconds()
        ok = doc["state"] == _DONE and result.get("status") == "ok"
        note = f"seed {doc['misc'][_MARK]}" if _MARK in doc["misc"] else ""
        rows.append(
            Trial(
                _values(doc, known),
                result.get("loss") if ok else None,
                Status.OK if ok else Status.FAILED,
                span,
                note,
                model=doc["misc"].get("metalearn_model", ""),
            )
        )
    said = trials.attachments["metalearn_metric"].decode() if "metalearn_metric" in trials.attachments else None
    return gather(rows, X, y, maximize=False, said_metric=said, versions=tool_version("hyperopt"), options=options)


def verify(trials: Any, *, space: Any = None) -> SeedReport:
    """Say which seeds were really evaluated.

    Parameters
    ----------
    trials : hyperopt.Trials
        After ``fmin``.
    space : dict, list, expression or None, default=None
        What ``fmin`` took; without it, choices are shown by their index.

    Returns
    -------
    SeedReport
        Seeds that failed or were never run are dropped.

    Raises
    ------
    InvalidInputError
        If the trials hold no seed.
    """
    known = read_space(space) if space is not None else None
    docs = [doc for doc in trials._dynamic_trials if _MARK in doc["misc"]]  # noqa: SLF001 - with those not yet run
    if not docs:
        message = "These trials hold no seed. Expected trials that seed() has filled. Call it before fmin."
        raise InvalidInputError(message)
    accepted, dropped = [], []
    for doc in docs:
        rank = doc["misc"][_MARK]
        if doc["state"] == _DONE and doc["result"].get("status") == "ok":
            raw = {label: held[0] for label, held in doc["misc"]["vals"].items() if held}
            params = _values(doc, known) if known is not None else raw
            accepted.append(Seed(rank, doc["misc"]["metalearn_model"], params, key=str(doc["tid"])))
        else:
            dropped.append(Drop(rank, "", "it was never run" if doc["state"] == _NEW else "it failed"))
    return SeedReport("hyperopt", tuple(accepted), (), tuple(dropped), deed="evaluated")
