"""Large matrices in blocks that fit the processor's cache, so that no step needs the memory of a whole table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Lines", "line_blocks"]

Matrix = npt.NDArray[np.float64]

_CELLS = 32_000
_FEWEST_ROWS = 192


def line_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Divide the lines of a matrix."""
    step = max(_CELLS // max(shape[1], 1), 1)
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


@dataclass(frozen=True)
class Lines:
    """Hold lines of centred values that are made when they are read."""

    n_lines: int
    n_rows: int
    read: Callable[[slice | npt.NDArray[np.intp]], Matrix]

    def __len__(self) -> int:
        """Return the number of lines."""
        return self.n_lines

    def blocks(self) -> Iterator[tuple[slice, Matrix]]:
        """Read all rows, some at a time."""
        step = max(_CELLS // 2 // max(self.n_lines, 1), _FEWEST_ROWS)  # several arrays are made of a block
        for start in range(0, self.n_rows, step):
            rows = slice(start, min(start + step, self.n_rows))
            yield rows, self.read(rows)

    def products(self, responses: Matrix) -> tuple[Matrix, Matrix]:
        """Multiply the lines with one another and with responses."""
        gram, products = np.zeros((len(self), len(self))), np.zeros((len(self), len(responses)))
        for rows, values in self.blocks():
            gram += values @ values.T
            products += values @ responses[:, rows].T
        return gram / self.n_rows, products
