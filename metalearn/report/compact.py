"""Answers cut to what a program with a small context needs, and the versions of all JSON that is printed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from metalearn.report.plain import to_json

__all__ = [
    "LIMIT",
    "VERSIONS",
    "compact_description",
    "compact_json",
    "compact_past_tasks",
    "compact_recommendation",
    "compact_summary",
    "versioned",
]

VERSIONS = {
    "recommend": 1,
    "recommend-compact": 1,
    "describe": 1,
    "describe-compact": 1,
    "kb-info": 1,
    "kb-info-compact": 1,
    "kb-search": 1,
    "kb-search-compact": 1,
}
"""Version of each JSON output; ``docs/schemas`` holds a JSON Schema for each. A field that goes or changes its meaning raises it."""

LIMIT = 1_500
"""Bytes that a compact answer about five candidates takes at most."""

_NEAREST = 3
_DIGITS = 4


def versioned(kind: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts under the name and version of their schema."""
    return {"schema": f"{kind}/{VERSIONS[kind]}", **facts}


def compact_json(facts: Mapping[str, Any]) -> str:
    """Return plain facts as JSON on one line; numbers that are not finite become null."""
    return json.dumps(json.loads(to_json(facts)), separators=(",", ":"), ensure_ascii=False)


def _short(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _fitted(facts: dict[str, Any], notes: Sequence[str], limit: int) -> dict[str, Any]:
    """Add as many notes as fit into a number of bytes, in order, and the number of those that do not."""
    kept: list[str] = []
    for number, note in enumerate(notes):
        left = {"notes_left_out": len(notes) - number - 1} if number + 1 < len(notes) else {}
        if len(compact_json({**facts, "notes": [*kept, note], **left}).encode()) > limit:
            return {**facts, "notes": kept, "notes_left_out": len(notes) - number}
        kept.append(note)
    return {**facts, "notes": kept}


def compact_recommendation(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recommendation with what differs from the defaults, and as many notes as fit."""
    task = facts["task"]
    candidates = [
        {
            "id": c["id"],
            "model": c["configuration"]["model"],
            "params": {name: _short(value) for name, value in c["changes"].items()},
            "score": _short(c["expected_score"]),
            "interval": [_short(end) for end in c["interval"]],
            "seconds": _short(c["expected_seconds"]),
        }
        for c in facts["candidates"]
    ]
    found = {
        "table": task["name"],
        "problem_type": task["problem_type"],
        "rows": task["n_rows"],
        "columns": task["n_features"],
        "metric": task["metric"],
        "novelty": _short(facts["novelty"]),
        "candidates": candidates,
        "nearest": [n["name"] for n in facts["neighbours"][:_NEAREST]],
    }
    limit = max(LIMIT, LIMIT * len(candidates) // 5)
    return _fitted(versioned("recommend-compact", found), facts["notes"], limit)


def compact_description(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size of a table, the kinds of its columns and the findings, without the meta-features."""
    kept = ("table", "problem_type", "n_rows", "n_features", "n_classes", "kinds")
    findings = [{name: f[name] for name in ("kind", "severity", "message")} for f in facts["findings"]]
    return versioned("describe-compact", {**{name: facts[name] for name in kept}, "findings": findings})


def compact_summary(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of a knowledge base without those by model."""
    return versioned("kb-info-compact", {k: v for k, v in facts.items() if k not in {"schema", "fits by model"}})


def compact_past_tasks(tasks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return past tasks with what won there."""
    found = [
        {
            "id": t["task_id"],
            "name": t["name"],
            "problem_type": t["problem_type"],
            "rows": t["n_rows"],
            "columns": t["n_features"],
            "match": _short(t["match"]),
            "model": t["best"] and t["best"]["model"],
            "metric": t["metric"],
            "score": _short(t["score"]),
            "certainty": _short(t["certainty"]),
        }
        for t in tasks
    ]
    return versioned("kb-search-compact", {"tasks": found})
