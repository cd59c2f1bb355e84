from dataclasses import replace

import numpy as np

from metalearn.recommenders import PastTasks, PerformanceTable
from metalearn.recommenders.blend import Blend, _summary


def test_it_prefers_learned_similarity_where_meta_features_pay(past: PastTasks) -> None:
    evidence = Blend().fit_past(past).evidence_
    assert evidence["list"]["chosen"] == "forest"
    regret = evidence["list"]["regret"]
    assert regret["forest"][0] < regret["portfolio"][0]


def test_it_notices_where_they_do_not(table: PerformanceTable) -> None:
    rng = np.random.default_rng(0)
    noise = replace(table, meta_features=rng.normal(size=table.meta_features.shape))
    noise = replace(noise, losses=0.1 + 0.02 * np.arange(12) + 0.01 * rng.random(noise.losses.shape))
    chosen = Blend().fit_past(PastTasks.fit(noise)).evidence_["list"]
    assert chosen["regret"][chosen["chosen"]] <= chosen["regret"]["portfolio"]


def test_the_evidence_covers_lists_and_feedback(past: PastTasks) -> None:
    evidence = Blend().fit_past(past).evidence_
    assert evidence.keys() == {"list", "feedback"}
    assert evidence["feedback"]["regret"].keys() == evidence["feedback"]["error"].keys() == {"ensemble", "analogies"}
    assert all(len(found) == 4 for found in evidence["feedback"]["regret"].values())
    assert evidence["list"]["n_tasks"] == len(set(past.table.families))


def test_what_is_better_by_chance_only_is_not_chosen() -> None:
    rng = np.random.default_rng(0)
    usual, noise = rng.random((40, 4)), rng.normal(size=(40, 4))
    noise -= noise.mean()

    def chosen(spread: float) -> str:
        curves = {"forest": usual, "portfolio": usual - 0.01 + spread * noise, "worse": usual + 0.01}
        return _summary({name: list(found) for name, found in curves.items()}, usual)["chosen"]

    assert chosen(0.5) == "forest"
    assert chosen(0.01) == "portfolio"
