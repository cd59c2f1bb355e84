"""What was aimed at, and where each target stands by the results of the benchmarks."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
OURS = "blend"
COVERED = (75.0, 85.0)
MILLISECONDS, MEGABYTES = 100, 1000
APPENDED = {"sqlite": 50_000, "postgresql": 20_000}
LOADED, AFTER_APPEND, N_TASKS = 5.0, 2.0, 300
TIMES_FASTER = 50
GAP = 0.70

Line = tuple[str, str, str, bool]  # suite, target, figure, whether it is met


def rows(suite: str, title: str) -> list[dict[str, Any]]:
    """Return the rows of the tables of a result whose titles hold a text."""
    found = json.loads((RESULTS / f"{suite}.json").read_text(encoding="utf-8"))
    return [
        dict(zip(t["columns"], row, strict=True)) for t in found["tables"] if title in t["title"] for row in t["rows"]
    ]


def titles(suite: str) -> list[str]:
    """Return the titles of the tables of a result."""
    return [table["title"] for table in json.loads((RESULTS / f"{suite}.json").read_text(encoding="utf-8"))["tables"]]


def mean(cell: str) -> float:
    """Return the number before an interval."""
    return float(cell.split(maxsplit=1)[0])


def named(found: Sequence[dict[str, Any]], name: str, column: str | None = None) -> dict[str, Any]:
    """Return the row that has a name in a column, by default the first."""
    return next(row for row in found if row[column or next(iter(row))] == name)


def matrix(suite: str, title: str) -> Line:
    """Return how the advisor's strategy stands on a public matrix."""
    found = rows(suite, "mean normalised regret")
    ours, target = named(found, OURS), named(found, "*target*")
    counts = [name for name in target if name != "strategy"]
    reached = [name for name in counts if mean(ours[name]) <= float(target[name])]
    figure = ", ".join(f"{mean(ours[name]):.3f}" for name in counts)
    figure += f" (reached at {', '.join(reached) or 'none'})"
    wanted = ", ".join(target[name] for name in counts)
    return suite, f"{title}: regret at {', '.join(counts)} at most {wanted}", figure, len(reached) == len(counts)


def oberon() -> Line:
    """Return how the selector whose choices are handed in stands on Oberon's training part."""
    row = named(rows("aslib", "Remaining gap on the training part"), "trees and kernel")
    figure = f"{row['mean']:.3f} [{row['5 %']:.2f}, {row['95 %']:.2f}]"
    met = row["mean"] < GAP and row["95 %"] < 1
    return "aslib", f"Oberon, cross-validated: remaining gap below {GAP:.2f}, its interval below 1", figure, met


def bundled() -> Line:
    """Return in how many comparisons on the bundled knowledge base the interval lies below zero."""
    found = [
        row
        for row in rows("bundled", "paired differences")
        if row["strategy"] == OURS and row["less"] in {"portfolio", "nearest"}
    ]
    ahead, behind = (sum(test) for test in zip(*((r["95 % high"] < 0, r["95 % low"] > 0) for r in found), strict=True))
    target = "Ahead of the static portfolio and of nearest tasks at k = 1, 3, 5, 10, intervals beside zero"
    figure = f"in {ahead} of {len(found)} comparisons; behind in {behind}, the others are not told apart"
    return "bundled", target, figure, ahead == len(found)


def removed() -> str:
    """Say where ours is worse than the portfolio when both lack the nearest 15 tasks."""
    behind = []
    n = 0
    for kind in dict.fromkeys(title.partition(":")[0] for title in titles("bundled") if "controls" in title):
        found = [r for r in rows("bundled", f"{kind}: controls") if r["control"] == "15 nearest tasks removed"]
        portfolio = named(found, "portfolio", "strategy")
        for ours in (row for row in found if row is not portfolio):
            for k in (name for name in ours if name.startswith("k=")):
                n += 1
                gap = mean(ours[k]) - mean(portfolio[k])
                if gap > 0:
                    text = f"{ours['strategy']} on {kind} at {k}, {mean(ours[k]):.3f} against {mean(portfolio[k]):.3f}"
                    behind.append((gap, text))
    if not behind:
        return f"It holds: none of {n} mean regrets is then larger than the portfolio's."
    return (
        f"It does not hold everywhere: {len(behind)} of {n} mean regrets are then larger than the portfolio's, most of "
        f"all {max(behind)[1]} ([all of them](_generated/benchmarks/bundled.md))."
    )


def coverage() -> Line:
    """Return how far from 80 % the share of results inside their intervals is."""
    found = rows("bundled", "Expected scores of the ten candidates")
    shares = {
        f"{r['tasks']}, {r['candidates of']}, {r['results observed']} results": float(
            r["inside the 80 % interval"][:-1]
        )
        for r in found
    }
    within = sum(COVERED[0] <= share <= COVERED[1] for share in shares.values())
    worst = max(shares, key=lambda name: abs(shares[name] - 80))
    figure = f"in {within} of {len(shares)} cases; farthest {shares[worst]:.1f} % ({worst})"
    target = f"80 % intervals hold {COVERED[0]:.0f} to {COVERED[1]:.0f} % of results on families left out"
    return "bundled", target, figure, within == len(shares)


def peers() -> Iterator[Line]:
    """Return the comparisons with what a user would do instead."""
    first = [
        row
        for row in rows("peers", "The first suggestion against")
        if "default" in row["less"] or "zero-shot" in row["less"]
    ]
    ahead = sum(row["difference"] < 0 for row in first)
    told = sum(row["95 % high"] < 0 for row in first)
    figure = f"smaller mean regret than {ahead} of {len(first)}, told apart from {told} by the interval"
    yield "peers", "First suggestion ahead of every library default and FLAML zero-shot", figure, ahead == len(first)
    later = rows("peers", "A few trials against")
    for other, called in (
        ("TPE on LightGBM", "TPE on LightGBM"),
        ("random over all families", "random search over all families"),
    ):
        row = next(r for r in later if r["participant"] == "metalearn, 5 trials" and r["less"].startswith(other))
        figure = f"regret {interval(row)}"
        trials = row["less"].rpartition(", ")[2]
        yield "peers", f"Five evaluations as good as {trials} of {called}", figure, row["difference"] <= 0


def hooks() -> Iterator[Line]:
    """Return what seeds are worth to other tools."""
    few = rows("hooks", "Five warm trials against")
    late = [row for row in rows("hooks", "Warm against cold") if row["participant"].endswith("50 trials")]
    for found, what in ((few, "5 trials as good as 50 cold ones"), (late, "not worse after 50 trials")):
        as_good = sum(row["difference"] <= 0 for row in found)
        worst = max(found, key=lambda row: row["difference"])
        figure = (
            f"{as_good} of {len(found)} tools; farthest {interval(worst)} ({worst['participant'].partition(',')[0]})"
        )
        yield "hooks", f"Other tools started warm: {what}", figure, as_good == len(found)


def automl() -> Iterator[Line]:
    """Return how our estimators stand beside AutoML tools."""
    found = rows("automl", "Our estimator against each")
    for other, target in (("FLAML", "ahead of FLAML AutoML"), ("AutoGluon", "as good as AutoGluon, medium quality")):
        for row in (row for row in found if row["less"].startswith(other)):
            yield "automl", f"After 60 s on two cores {target}", f"regret {interval(row)}", row["difference"] <= 0


def interval(row: dict[str, Any]) -> str:
    """Return a difference with its interval."""
    return f"{row['difference']:+.3f} [{row['95 % low']:+.3f}, {row['95 % high']:+.3f}]"


def scale() -> Iterator[Line]:
    """Return seconds and memory with many tasks."""
    found = rows("scale", "One request")
    slowest = max(found, key=lambda row: row["median, processor ms"])
    most = max(row["peak memory, MB"] for row in found)
    fitting = named(rows("scale", "Once, before"), "peak memory until then, MB")["value"]
    figure = (
        f"{slowest['median, processor ms']:.0f} ms of processor, {slowest['median, wall ms']:.0f} ms on the wall, in the "
        f"slowest case ({slowest['strategy']}, {slowest['results observed']} results)"
    )
    met = slowest["median, processor ms"] <= MILLISECONDS
    yield "scale", f"A request with 10,000 x 1,000 results in {MILLISECONDS} ms", figure, met
    yield "scale", "The same within 1 GB", f"{most:.0f} MB; {fitting:,.0f} MB while fitting, once", most <= MEGABYTES


def speed() -> Iterator[Line]:
    """Return the seconds of meta-features and of a recommendation."""
    for title, what in (("ml.recommend, seconds", "Recommendations"), ("Meta-features, seconds", "Meta-features")):
        found = [row for row in rows("speed", title) if row["target"]]
        late = [row for row in found if row["wall clock"] > row["target"]]
        figure = f"{len(found) - len(late)} of {len(found)}"
        figure += "".join(
            f"; not {r['table']} ({r.get('call') or r['what']}): {r['wall clock']:.3f} s instead of {r['target']:g} s"
            for r in late
        )
        yield "speed", f"{what} within the seconds set for each size", figure, not late
    times = named(rows("speed", "Side by side"), "default groups, 111 values", "what")
    faster = times["times ours for the same values"]
    target = f"pymfe's default values {TIMES_FASTER} times faster than pymfe"
    yield "speed", target, f"{faster:.0f} times on {times['table']}", faster >= TIMES_FASTER


def store() -> Iterator[Line]:
    """Return the rates of stores."""
    found = rows("store", "Appending in batches")
    for kind, least in APPENDED.items():
        row = named(found, kind)
        rate = row["evaluations/s"]
        yield "store", f"{kind}: {least:,} evaluations appended in a second", f"{rate:,}", rate >= least
        took = row["load a million, s"]
        yield "store", f"{kind}: a million loaded in {LOADED:g} s", f"{took:.1f} s", took <= LOADED
    row = next(r for r in rows("store", "recommendation") if r["store"] == "made up" and r["tasks"] == N_TASKS)
    took = row["after an append, s"]
    target = f"A recommendation after an append to {N_TASKS} tasks in {AFTER_APPEND:g} s"
    yield "store", target, f"{took:.1f} s", took <= AFTER_APPEND


def targets() -> str:
    """Return every target with the figure that was measured, as a Markdown table."""
    lines: list[Line] = [
        matrix("oboe", "OBOE"),
        matrix("autosklearn2016", "auto-sklearn 2016"),
        oberon(),
        bundled(),
        coverage(),
        *peers(),
        *hooks(),
        *automl(),
        *scale(),
        *speed(),
        *store(),
    ]
    text = "\n".join(
        f"| {target} | {figure} | {'met' if met else '**not met**'} | [{suite}](_generated/benchmarks/{suite}.md) |"
        for suite, target, figure, met in lines
    )
    n_met = sum(line[3] for line in lines)
    return f"{n_met} of {len(lines)} are met.\n\n| target | measured | | suite |\n|---|---|---|---|\n{text}"


BUDGETED = ("autosklearn2016", "bundled", "oboe")
ORDERS = {"most promising first": "as without a budget", "by price": "by price"}


def budgets() -> str:
    """Return what the advisor's strategy reaches within a time budget, in either order."""
    text = ""
    for suite in BUDGETED:
        for title in titles(suite):
            if not title.endswith("within a time budget"):
                continue
            found = [row for row in rows(suite, title) if row["strategy"] == "ensemble"]
            columns = [name for name in found[0] if name not in {"strategy", "order"}]
            shown = ["1 fit" if name == "1 fits" else name for name in columns]
            text = text or "| tasks | order | " + " | ".join(shown) + " |\n|---|---|" + "---|" * len(shown) + "\n"
            for row in found:
                cells = " | ".join(f"{mean(row[name]):.4f}" for name in columns)
                text += f"| {title.partition(':')[0]} | {ORDERS[row['order']]} | {cells} |\n"
    return text.rstrip()
