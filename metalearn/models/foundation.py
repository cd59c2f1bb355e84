"""Tabular foundation models: TabICL and TabPFN. They need pretrained weights, which this package never downloads unasked."""

import os
from collections.abc import Iterator
from pathlib import Path

from metalearn.models.base import ModelSpec
from metalearn.space import Float, Integer, SearchSpace
from metalearn.task import ProblemType

__all__ = ["TABICL", "TABPFN"]

CHECKPOINTS = {
    "tabicl": ("tabicl-classifier-v2-20260212.ckpt", "tabicl-regressor-v2-20260212.ckpt"),
    "tabpfn": ("tabpfn-v2-classifier-finetuned-zk73skhh.ckpt", "tabpfn-v2-regressor.ckpt"),
}
"""File names of the weights as their authors publish them: for classification, for regression."""

FOLDER_VARIABLE = "METALEARN_CHECKPOINTS"
DOWNLOAD_VARIABLE = "METALEARN_ALLOW_DOWNLOAD"

_SOURCES = {
    "tabicl": "the repository jingang/TabICL of the Hugging Face Hub (BSD-3-Clause)",
    "tabpfn": "the repositories Prior-Labs/TabPFN-v2-clf and Prior-Labs/TabPFN-v2-reg of the Hugging Face Hub (Apache 2.0 with "
    "attribution; newer weights are for non-commercial use and need a login)",
}


def downloads_allowed() -> bool:
    """Tell whether the user lets the model libraries download weights."""
    return os.environ.get(DOWNLOAD_VARIABLE, "").lower() in {"1", "true", "yes"}


def _folders(family: str) -> Iterator[Path]:
    if named := os.environ.get(FOLDER_VARIABLE):
        yield Path(named).expanduser()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    if family == "tabpfn":
        yield Path(os.environ.get("TABPFN_MODEL_CACHE_DIR") or cache / "tabpfn").expanduser()
    hub = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or cache / "huggingface") / "hub"
    pattern = "models--jingang--TabICL" if family == "tabicl" else "models--Prior-Labs--TabPFN-v2-*"
    yield from sorted(Path(hub).expanduser().glob(f"{pattern}/snapshots/*"))


def find_checkpoint(family: str, problem_type: ProblemType) -> Path | None:
    """Return the weights of a family for a problem type, or None if they are not on this machine."""
    name = CHECKPOINTS[family][not problem_type.is_classification]
    return next((folder / name for folder in _folders(family) if (folder / name).is_file()), None)


def missing_weights(family: str) -> str:
    """Return how to get the weights of a family; empty if they are there, or may be downloaded."""
    if downloads_allowed() or any(find_checkpoint(family, kind) for kind in ProblemType):
        return ""
    return (
        f"{family} has no pretrained weights on this machine. Put {' and '.join(CHECKPOINTS[family])} from {_SOURCES[family]} "
        f"into a folder and set {FOLDER_VARIABLE} to it, or set {DOWNLOAD_VARIABLE}=1 to let {family} download them."
    )


def missing_tabicl() -> str:
    """Return how to get the weights of TabICL; empty if they are there."""
    return missing_weights("tabicl")


def missing_tabpfn() -> str:
    """Return how to get the weights of TabPFN; empty if they are there."""
    return missing_weights("tabpfn")


_MEMBERS = Integer(1, 32, log=True)
_TEMPERATURE = Float(0.5, 1.5)
_OUTLIERS = Float(2.0, 12.0, log=True)  # standard deviations beyond which TabICL clips a value

TABICL = ModelSpec(
    name="tabicl",
    spaces={
        **dict.fromkeys(
            (ProblemType.BINARY, ProblemType.MULTICLASS),
            SearchSpace(
                {"n_estimators": _MEMBERS, "softmax_temperature": _TEMPERATURE, "outlier_threshold": _OUTLIERS}
            ),
        ),
        ProblemType.REGRESSION: SearchSpace({"n_estimators": _MEMBERS, "outlier_threshold": _OUTLIERS}),
    },
    defaults={
        **{
            key: {"n_estimators": 8, "softmax_temperature": 0.9, "outlier_threshold": 4.0}
            for key in (ProblemType.BINARY, ProblemType.MULTICLASS)
        },
        ProblemType.REGRESSION: {"n_estimators": 8, "outlier_threshold": 4.0},
    },
    estimator="metalearn.models.in_context:tabicl",
    preprocessing="tree",
    requires="tabicl",
    extra="foundation",
    weights="metalearn.models.foundation:missing_tabicl",
    max_rows=100_000,
    max_features=500,
)

TABPFN = ModelSpec(
    name="tabpfn",
    spaces=dict.fromkeys(ProblemType, SearchSpace({"n_estimators": _MEMBERS, "softmax_temperature": _TEMPERATURE})),
    defaults={key: {"n_estimators": 8, "softmax_temperature": 0.9} for key in ProblemType},
    estimator="metalearn.models.in_context:tabpfn",
    preprocessing="tree",
    requires="tabpfn",
    extra="foundation",
    weights="metalearn.models.foundation:missing_tabpfn",
    max_rows=10_000,
    max_features=500,
    max_classes=10,
)
