"""What the tools answer, as types from which their output schemas are made."""

from dataclasses import dataclass, field

__all__ = [
    "AdvisorState",
    "Candidate",
    "Configurations",
    "Description",
    "Finding",
    "Finished",
    "PastTask",
    "PastTasks",
    "Recommendation",
    "Recorded",
    "Result",
    "Script",
    "Suggestion",
    "Tuned",
]

Value = str | float | bool | None


@dataclass(kw_only=True)
class Candidate:
    """A configuration and what to expect of it."""

    id: str
    model: str
    params: dict[str, Value]
    score: float | None
    interval: list[float | None]
    seconds: float | None
    evidence: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Recommendation:
    """Ranked candidates; the last three fields come with details only."""

    schema: str
    table: str
    problem_type: str
    rows: int
    columns: int
    metric: str
    novelty: float | None
    candidates: list[Candidate]
    nearest: list[str]
    notes: list[str]
    notes_left_out: int = 0
    recommender: str | None = None
    drivers: dict[str, float] | None = None
    past_tasks: "list[PastTask] | None" = None


@dataclass(kw_only=True)
class Finding:
    """What a data check found."""

    kind: str
    severity: str
    message: str


@dataclass(kw_only=True)
class Description:
    """A table; without a target its columns only, with details its meta-features."""

    schema: str
    table: str
    columns: dict[str, str] | None = None
    problem_type: str | None = None
    n_rows: int | None = None
    n_features: int | None = None
    n_classes: int | None = None
    kinds: dict[str, int] | None = None
    findings: list[Finding] | None = None
    meta_features: dict[str, float | None] | None = None
    next: str | None = None


@dataclass(kw_only=True)
class Script:
    """A Python script."""

    model: str
    code: str


@dataclass(kw_only=True)
class Suggestion:
    """A configuration to try; the parameters are exact."""

    id: str
    model: str
    params: dict[str, Value]


@dataclass(kw_only=True)
class Result:
    """A result that was told."""

    id: str
    model: str
    score: float | None
    seconds: float | None
    status: str


@dataclass(kw_only=True)
class AdvisorState:
    """An advisor, its table and its results so far."""

    advisor: str
    table: str
    problem_type: str
    metric: str
    greater_is_better: bool
    tried: int
    waiting: list[str]
    best: Result | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Configurations:
    """What to try next."""

    advisor: str
    suggestions: list[Suggestion]
    notes: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Finished:
    """The results of an advisor, the best first, and a script for the best."""

    advisor: str
    metric: str
    results: list[Result]
    results_left_out: int = 0
    code: str | None = None


@dataclass(kw_only=True)
class PastTask:
    """A past task and what won there."""

    id: str
    name: str
    rows: int
    columns: int
    model: str | None
    score: float | None
    problem_type: str | None = None
    metric: str | None = None
    match: float | None = None
    certainty: float | None = None
    weight: float | None = None


@dataclass(kw_only=True)
class PastTasks:
    """Past tasks, the best match first."""

    schema: str
    tasks: list[PastTask]


@dataclass(kw_only=True)
class Recorded:
    """What a store holds after results were added."""

    store: str
    task: str
    new_evaluations: int
    evaluations: int


@dataclass(kw_only=True)
class Tuned:
    """The result of a search."""

    decision: str
    metric: str
    score: float | None
    default_score: float | None
    trials: int
    seconds: float | None
    model_file: str | None = None
    notes: list[str] = field(default_factory=list)
