"""The search spaces of several families side by side, as points that can be drawn, moved and compared."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

from metalearn.recommenders.scale import FloatArray
from metalearn.space import Categorical, Configuration, SearchSpace

__all__ = ["JointSpace", "Points"]

_ABSENT = 0.25
"""Distance between a parameter that is set and one that is left to the library, on top of the middle of the range."""

_OTHER_CHOICE = 0.35
"""Two choices of a categorical parameter are the square root of 2 times this apart."""

_STEPS = (0.03, 0.1, 0.25)
"""Standard deviations of the steps to neighbours, as shares of a parameter's range."""

_MOVED = 0.3
"""Share of the parameters that change on the way to a neighbour, as long as that is two or more."""

_REDRAWN = 0.2
"""Share of the neighbours for which a choice is drawn anew."""


@dataclass(frozen=True, eq=False)
class Points:
    """Hold configurations as positions in the unit cubes of their families."""

    family: npt.NDArray[np.intp]
    unit: FloatArray

    def __len__(self) -> int:
        """Count the points."""
        return len(self.family)

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the points."""
        return type(self)(self.family[rows], self.unit[rows])

    @classmethod
    def join(cls, parts: Sequence["Points"]) -> Self:
        """Put points together."""
        return cls(np.concatenate([p.family for p in parts]), np.concatenate([p.unit for p in parts]))

    @classmethod
    def none(cls, n_parameters: int) -> Self:
        """Return no points."""
        return cls(np.empty(0, dtype=np.intp), np.empty((0, n_parameters)))


class JointSpace:
    """Join search spaces."""

    def __init__(self, spaces: Mapping[str, SearchSpace]) -> None:
        self.spaces = {name: space for name, space in spaces.items() if len(space)}
        self.names = tuple(self.spaces)
        ends = np.cumsum([0, *(len(space) for space in self.spaces.values())])
        self._slots = [slice(int(a), int(b)) for a, b in pairwise(ends)]
        self._n_parameters = int(ends[-1])
        self._parameters = [p for space in self.spaces.values() for p in space.parameters.values()]
        self._encoded: dict[Configuration, FloatArray] = {}  # the same ones are asked for again and again
        self._held: dict[Configuration, bool] = {}

    def holds(self, configuration: Configuration) -> bool:
        """Tell whether a configuration has a place here."""
        if configuration not in self._held:
            space = self.spaces.get(configuration.model)
            self._held[configuration] = space is not None and all(
                name in space.parameters and not math.isnan(space.parameters[name].to_unit(value))
                for name, value in configuration.params.items()
            )
        return self._held[configuration]

    def encode(self, configurations: Sequence[Configuration]) -> Points:
        """Return the points where configurations lie."""
        family = np.array([self.names.index(c.model) for c in configurations], dtype=np.intp)
        unit = np.full((len(configurations), self._n_parameters), np.nan)
        for row, (k, c) in enumerate(zip(family, configurations, strict=True)):
            if c not in self._encoded:
                self._encoded[c] = self.spaces[c.model].encode(c.params)
            unit[row, self._slots[k]] = self._encoded[c]
        return Points(family, unit)

    def decode(self, points: Points, row: int) -> Configuration:
        """Return the configuration at a point."""
        k = int(points.family[row])
        unit = np.nan_to_num(points.unit[row, self._slots[k]], nan=0.5)
        return Configuration(self.names[k], self.spaces[self.names[k]].decode(unit))

    def random(self, n: int, generator: np.random.Generator) -> Points:
        """Draw points uniformly."""
        drawn = [self._place(k, generator.random((n, s.stop - s.start))) for k, s in enumerate(self._slots)]
        return Points.join([Points.none(self._n_parameters), *drawn])

    def near(self, points: Points, n: int, generator: np.random.Generator) -> Points:
        """Draw neighbours of points: some parameters move by small or larger steps, the others stay."""
        return Points.join(
            [self._around(int(k), u, n, generator) for k, u in zip(points.family, points.unit, strict=True)]
        )

    def embed(self, points: Points) -> FloatArray:
        """Return coordinates in which the distance of two points of a family tells how different they are."""
        absent = np.isnan(points.unit)
        numbers, choices = (np.where(absent, value, points.unit) for value in (0.5, -1.0))
        columns = [_ABSENT * absent]
        for j, parameter in enumerate(self._parameters):
            if isinstance(parameter, Categorical):
                n_choices = len(parameter.choices)
                chosen = np.minimum(choices[:, [j]] * n_choices, n_choices - 1).astype(int)
                columns.append(_OTHER_CHOICE * (chosen == np.arange(n_choices)))
            else:
                columns.append(numbers[:, [j]])
        return np.concatenate(columns, axis=1)

    def _place(self, k: int, unit: FloatArray) -> Points:
        """Return points of one family, what is inactive left out."""
        space = self.spaces[self.names[k]]
        names = list(space.parameters)
        active = np.ones(unit.shape, dtype=bool)
        for child, condition in space.conditions.items():
            parent = names.index(condition.parent)
            values = [space.parameters[condition.parent].from_unit(float(u)) for u in unit[:, parent]]
            fits = np.array([condition.holds({condition.parent: value}) for value in values])
            active[:, names.index(child)] = fits & active[:, parent]
        found = np.full((len(unit), self._n_parameters), np.nan)
        found[:, self._slots[k]] = np.where(active, unit, np.nan)
        return Points(np.full(len(unit), k, dtype=np.intp), found)

    def _around(self, k: int, point: FloatArray, n: int, generator: np.random.Generator) -> Points:
        here = point[self._slots[k]]
        d = len(here)
        start = np.where(np.isnan(here), generator.random((n, d)), here)
        moved = generator.random((n, d)) < max(_MOVED, 2 / d)
        moved[np.arange(n), generator.integers(d, size=n)] = True
        step = generator.choice(_STEPS, size=(n, 1)) * generator.normal(size=(n, d)) * moved
        reflected = np.abs(start + step)
        reflected = np.clip(np.where(reflected > 1, 2 - reflected, reflected), 0, 1)
        chosen = [isinstance(p, Categorical) for p in self._parameters[self._slots[k]]]
        redrawn = generator.random((n, d)) < _REDRAWN
        choices = np.where(redrawn, generator.random((n, d)), start)
        return self._place(k, np.where(chosen, choices, reflected))
