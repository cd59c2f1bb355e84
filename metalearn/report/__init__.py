"""Turn plain facts into text and pages; nothing here knows a type of ours."""

from metalearn.report.compact import (
    compact_description,
    compact_json,
    compact_past_tasks,
    compact_recommendation,
    compact_summary,
    versioned,
)
from metalearn.report.html import facts_fragment, recommendation_fragment, recommendation_page, tuning_page
from metalearn.report.plain import to_json
from metalearn.report.script import training_script
from metalearn.report.text import Text, facts_table, recommendation_text, tuning_text

__all__ = [
    "Text",
    "compact_description",
    "compact_json",
    "compact_past_tasks",
    "compact_recommendation",
    "compact_summary",
    "facts_fragment",
    "facts_table",
    "recommendation_fragment",
    "recommendation_page",
    "recommendation_text",
    "to_json",
    "training_script",
    "tuning_page",
    "tuning_text",
    "versioned",
]
