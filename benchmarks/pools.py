"""Let our recommenders choose from a pool of configurations, of which the list knows only a part."""

from collections.abc import Mapping, Sequence

import numpy as np

from metalearn.recommenders import PastTasks, PerformanceTable, get_recommender
from metalearn.recommenders.joint_space import JointSpace
from metalearn.recommenders.proposals import FIRST, believe, keeps_to_list
from metalearn.space import Categorical, Configuration, Float, Parameter, SearchSpace

WIDE = 50
"""A range of positive values whose ends differ by more than this factor is searched on a log scale."""


def in_space(configurations: Sequence[Configuration]) -> JointSpace:
    """Return the space that configurations span: ranges of numbers, choices of everything else."""
    spaces = {}
    for model in sorted({c.model for c in configurations}):
        own = [c.params for c in configurations if c.model == model]
        spaces[model] = SearchSpace({name: _spanned(name, own) for name in sorted({n for p in own for n in p})})
    return JointSpace(spaces)


def _spanned(name: str, params: Sequence[Mapping[str, object]]) -> Parameter:
    values = list(dict.fromkeys(p[name] for p in params if name in p))
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not numbers or len(values) == 1:
        return Categorical(tuple(values))
    low, high = float(min(values)), float(max(values))
    return Float(low, high, log=low > 0 and high / low > WIDE)


def from_pool(
    past: PastTasks,
    table: PerformanceTable,
    i: int,
    n: int,
    *,
    pool: JointSpace | None,
    start: Sequence[int] = (),
) -> list[int]:
    """Choose columns of a table for one of its tasks, each result seen before the next choice.

    `past` knows some of the columns: the list. The others can be chosen as new points, if there is a `pool`, once
    three results are known.
    """
    strategy = get_recommender("ensemble")().fit_past(past)
    listed = {j: past.table.columns[c.id] for j, c in enumerate(table.configurations) if c.id in past.table.columns}
    back = {column: j for j, column in listed.items()}
    known = ~np.isnan(table.losses[i])
    prior = past.prior(table.meta_features[i])
    order = list(start)
    others = np.array([], dtype=int)
    if pool is not None:
        others = np.array(
            [j for j, c in enumerate(table.configurations) if j not in listed and known[j] and pool.holds(c)]
        )
        points = pool.encode([table.configurations[j] for j in others])
        places = pool.embed(points)
    while len(order) < min(n, int(known.sum())):
        query = past.query(
            table.meta_features[i],
            n=1,
            observed={listed[j]: float(table.losses[i, j]) for j in order if j in listed},
            allowed=np.array([known[back[column]] for column in range(len(back))]),
            unit=float(table.units[i]),
            prior=prior,
        )
        posterior = strategy.posterior(query)
        following = strategy.rank(posterior) if query.allowed.any() else []
        free = ~np.isin(others, order)
        if not free.any() or (len(order) < FIRST and following):
            if not following:
                break
            order.append(back[following[0]])
            continue
        tried = {table.configurations[j]: float(table.losses[i, j]) for j in order}
        belief = believe(posterior, tried, pool)
        worth = np.where(free, belief.surrogate.look(points.family, places).improvement(belief.least), -1.0)
        best = int(worth.argmax())
        n_new = int(np.isin(order, others).sum())
        preferred = bool(following) and keeps_to_list(
            belief.gains[following[0]], float(worth[best]), n_new=n_new, n_tried=len(order)
        )
        order.append(back[following[0]] if preferred else int(others[best]))
    return order
