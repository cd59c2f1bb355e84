"""Ridge regression on lines that are read in blocks, judged by closed-form leave-one-out errors."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.blocks import Lines

__all__ = ["Ridge", "principal_components", "ridge"]

Matrix = npt.NDArray[np.float64]

_SHRINKAGES = np.array([1e-4, 1e-2, 1.0])


@dataclass(frozen=True)
class Ridge:
    """Hold the best of a few shrinkages."""

    r2: float
    predicted: Matrix
    first: Matrix


def principal_components(gram: Matrix) -> tuple[Matrix, Matrix]:
    """Return the principal components of centred lines."""
    variances, directions = np.linalg.eigh(gram)
    return np.maximum(variances[::-1], 0.0), directions[:, ::-1]


def ridge(
    lines: Lines, components: tuple[Matrix, Matrix], products: Matrix, responses: Matrix, *, least: float
) -> Ridge:
    """Explain responses by lines."""
    n = lines.n_rows
    keep = components[0] > least * components[0][0]
    variances = components[0][keep]
    scale = components[1][:, keep].T / np.sqrt(variances * n)[:, None]
    kept = variances / (variances + _SHRINKAGES[:, None])
    weights = kept[:, None] * (scale @ products).T
    both = np.vstack([scale, weights.reshape(-1, len(scale)) @ scale])  # scores and predictions in one product
    errors, first = np.empty((len(kept), *responses.shape)), np.empty(n)
    for rows, values in lines.blocks():
        scores, predicted = np.split(both @ values, [len(scale)])
        first[rows] = scores[0] if len(scores) else 0.0
        scores *= scores
        outside = 1 - np.minimum(kept @ scores + 1 / n, 1 - 1e-6)
        errors[:, :, rows] = (responses[:, rows] - predicted.reshape(*weights.shape[:2], -1)) / outside[:, None]
    total = np.sum(responses**2) * (n / (n - 1)) ** 2
    r2 = 1 - np.einsum("kij,kij->k", errors, errors) / total
    best = int(np.argmax(r2))
    return Ridge(max(float(r2[best]), -1.0), responses - errors[best], first)
