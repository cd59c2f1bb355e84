"""Read the public matrices of prior results as knowledge bases."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metalearn.evaluation import Evaluation
from metalearn.knowledge import KnowledgeBase
from metalearn.metafeatures import MetaFeatures
from metalearn.space import Configuration
from metalearn.task import ProblemType, Task


def oboe(folder: Path, facts: dict[str, Any]) -> KnowledgeBase:
    """Return OBOE's error and runtime matrices; near-copies of a table share a family."""
    errors = pd.read_csv(folder / "error_matrix.csv", index_col=0)
    seconds = pd.read_csv(folder / "runtime_matrix.csv", index_col=0)
    described = folder / facts["beside"]
    features = pd.read_csv(described, index_col=0) if described.is_file() else pd.DataFrame()
    features = features.reindex(errors.index)
    sizes = pd.read_csv(folder / "dataset_sizes.csv", index_col=0)
    sizes = sizes[~sizes.index.duplicated()].reindex(errors.index)
    features["log_n"], features["log_p"] = np.log(sizes["0"]), np.log(sizes["1"])
    found = [ast.literal_eval(name) for name in errors.columns]
    configurations = [Configuration(c["algorithm"], c["hyperparameters"]) for c in found]
    kept, family = _merge(errors.to_numpy(), facts["near_copies"])
    return _knowledge(
        [f"openml-{i}" for i in errors.index[kept]],
        [f"family-{k}" for k in family],
        configurations,
        1 - errors.to_numpy()[kept],
        seconds.to_numpy()[kept],
        features.iloc[kept],
        sizes.to_numpy()[kept],
        facts,
    )


def autosklearn2016(folder: Path, facts: dict[str, Any]) -> KnowledgeBase:
    """Return the results that auto-sklearn shipped in 2016, balanced error of its binary dense scenario."""
    scenario = "bac_metric_binary.classification_dense"
    runs = pd.read_parquet(folder / "algorithm_runs_all_metrics.parquet")
    runs = runs[runs["scenario"] == scenario]
    losses = runs.pivot_table(index="instance_id", columns="algorithm", values="value")
    losses = losses.dropna(axis=1, thresh=int(0.9 * len(losses)))
    spread = losses.max(axis=1) - losses.min(axis=1)
    losses = losses[spread > 1e-9]
    seconds = runs.pivot_table(index="instance_id", columns="algorithm", values="runtime")
    features = pd.read_csv(folder / f"feature_values_{scenario}.csv").drop_duplicates("instance_id")
    features = features.set_index("instance_id").drop(columns="repetition").reindex(losses.index)
    table = pd.read_csv(folder / f"configurations_{scenario}.csv", index_col="idx")
    table.index = table.index.astype(str)
    return _knowledge(
        list(losses.index),
        list(losses.index),
        [_autosklearn_configuration(table.loc[str(i)]) for i in losses.columns],
        1 - losses.to_numpy(),
        seconds.reindex_like(losses).to_numpy(),
        features,
        features[["NumberOfInstances", "NumberOfFeatures"]].to_numpy(),
        facts,
    )


def _autosklearn_configuration(row: "pd.Series[Any]") -> Configuration:
    present = row.dropna()
    return Configuration(str(present["classifier:__choice__"]), {str(k): v for k, v in present.items()})


def _merge(errors: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each group of near-copies: connected by correlated regrets beyond a threshold."""
    low, high = errors.min(axis=1, keepdims=True), errors.max(axis=1, keepdims=True)
    alike = np.corrcoef((errors - low) / (high - low)) > threshold
    group = np.arange(len(errors))
    while True:
        smallest = np.where(alike, group[None, :], len(errors)).min(axis=1)
        if (smallest == group).all():
            break
        group = smallest
    return np.unique(group), np.unique(group)


def _knowledge(  # noqa: PLR0917 - a row of parallel tables
    ids: list[str],
    families: list[str],
    configurations: list[Configuration],
    values: np.ndarray,
    seconds: np.ndarray,
    features: pd.DataFrame,
    sizes: np.ndarray,
    facts: dict[str, Any],
) -> KnowledgeBase:
    """Join the parts of a matrix; values are in the metric's own direction."""
    tasks = [
        Task(
            id=i,
            problem_type=ProblemType(facts["problem_type"]),
            family=family,
            n_rows=int(np.nan_to_num(size[0])),
            n_features=int(np.nan_to_num(size[1])),
        )
        for i, family, size in zip(ids, families, sizes, strict=True)
    ]
    finite = features.astype(float).replace([np.inf, -np.inf], np.nan)
    meta_features = {i: MetaFeatures(row) for i, row in zip(ids, finite.to_dict("records"), strict=True)}
    evaluations = [
        Evaluation(
            task_id=task.id,
            configuration=c,
            metric=facts["metric"],
            value=float(values[i, j]),
            fit_seconds=float(seconds[i, j]),
        )
        for i, task in enumerate(tasks)
        for j, c in enumerate(configurations)
        if not np.isnan(values[i, j])
    ]
    return KnowledgeBase.from_records(tasks, meta_features, evaluations)
