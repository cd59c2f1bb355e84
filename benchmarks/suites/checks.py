"""What the checks of data say of real tables as they are, and whether they find faults that are planted in them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from options import Options
from real_tables import recipe
from report import Report, Table
from rich.console import Console
from rich.progress import track

from metalearn.checks import Finding, check_data
from metalearn.dataset import Dataset
from metalearn.task import ProblemType

QUICK_TABLES = 10
QUICK_SOURCES = ("keel/", "rd/")  # two packages suffice
NAMED = 3
MAX_ROWS = 20_000
COPIED = 0.1
REPEATS = 5
NOISE = 0.1
"""Spread of what varies between measurements of one subject, where columns have 1."""

Frame = tuple[pd.DataFrame, pd.Series]


@dataclass(frozen=True)
class Fault:
    """One way to spoil a table, and the finding that should tell."""

    name: str
    kind: str
    plant: Callable[[pd.DataFrame, pd.Series, ProblemType, np.random.Generator], Frame]
    warns: bool = True


def _leak(flipped: float) -> Callable[[pd.DataFrame, pd.Series, ProblemType, np.random.Generator], Frame]:
    """Add a column that was computed from the target: classes under other names, or numbers on another scale."""

    def plant(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
        if kind.is_classification:
            codes = pd.factorize(y)[0]
            wrong = rng.random(len(y)) < flipped
            told = np.where(wrong, rng.permutation(codes), codes)
            return X.assign(outcome=[f"result {code}" for code in told]), y
        numbers = y.to_numpy(dtype=float)
        return X.assign(outcome=100 - 3 * (numbers + flipped * numbers.std() * rng.normal(size=len(y)))), y

    return plant


def _copies(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    del kind
    rows = np.r_[np.arange(len(y)), rng.choice(len(y), int(COPIED * len(y)), replace=False)]
    return X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)


def _subjects(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    """Measure a fifth of the rows five times, with noise in numeric columns and in a numeric target."""
    chosen = rng.permutation(len(y))[: max(len(y) // REPEATS, 1)]
    rows = rng.permutation(np.repeat(chosen, REPEATS))
    X, y = X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)
    for name in X.select_dtypes("number"):
        numbers = X[name].astype(float)
        X[name] = numbers + NOISE * np.nan_to_num(numbers.std()) * rng.normal(size=len(X))
    if not kind.is_classification:
        y = y.astype(float)
        y += NOISE * y.std() * rng.normal(size=len(y))
    X["patient_id"] = rng.permutation(rows.max() + 1)[rows]
    return X, y


def _identifier(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    del kind
    return X.assign(record=[f"R-{code:07d}" for code in rng.permutation(len(y))]), y


def _dates(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    del kind
    days = np.sort(rng.integers(0, 1000, len(y)))
    return X.assign(visited=pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")), y


def _rare(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    del kind
    y = y.astype(object)
    y.iloc[rng.choice(len(y), 2, replace=False)] = "misspelt"
    return X, y.astype(str)


def _constant(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    del kind, rng
    return X.assign(site="A"), y


def _repeated(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    """Repeat a column under another name; of those that vary most, since two flags may be equal by chance."""
    del kind, rng
    most = max(X.columns, key=X.nunique().get)
    return X.assign(again=X[most]), y


def _amounts(X: pd.DataFrame, y: pd.Series, kind: ProblemType, rng: np.random.Generator) -> Frame:
    """Write the numbers of a column as a till prints them; of whole tables of text a new one."""
    del kind
    numbers = X.select_dtypes("number")
    varied = numbers.loc[:, numbers.nunique() > X.nunique().max() / 2] if numbers.shape[1] else numbers
    values = varied.iloc[:, 0] if varied.shape[1] else pd.Series(rng.normal(100, 20, len(X)))
    return X.assign(price=[None if pd.isna(value) else f"${value:,.2f}" for value in values]), y


FAULTS = (
    Fault("the target under other names, or on another scale", "target_leak", _leak(0.0)),
    Fault(
        "the same, with 0.5 % of the classes dealt out anew, or noise of 0.5 % of the spread",
        "target_leak",
        _leak(0.005),
    ),
    Fault(f"{COPIED:.0%} of the rows copied", "duplicate_rows", _copies),
    Fault(f"subjects measured {REPEATS} times", "groups", _subjects),
    Fault("rows sorted by a date", "time_order", _dates),
    Fault("two rows with a misspelt class", "rare_classes", _rare),
    Fault("numbers written like $1,234.50", "numbers_as_text", _amounts, warns=False),
    Fault("a record number", "id_like", _identifier, warns=False),
    Fault("a constant column", "constant", _constant, warns=False),
    Fault("a column under two names", "duplicate_columns", _repeated, warns=False),
)


def findings(options: Options) -> Iterator[tuple[str, dict[str, tuple[Finding, ...]]]]:
    """Yield a table's name, and what is said of it as it is ("") and with each fault."""
    tables = recipe().tables()
    if options.quick:
        tables = [table for table in tables if table.task.name.startswith(QUICK_SOURCES)][:QUICK_TABLES]
    for table in track(tables, "Checking tables", console=Console(stderr=True)):
        X, y = table.load()
        X, y = X.iloc[:MAX_ROWS].reset_index(drop=True), pd.Series(np.asarray(y)[:MAX_ROWS])
        kind = table.task.problem_type
        said = {"": check_data(Dataset.from_data(X, y, problem_type=kind))}
        for number, fault in enumerate(FAULTS):
            if fault.kind == "rare_classes" and not kind.is_classification:
                continue
            spoilt, target = fault.plant(X, y, kind, np.random.default_rng(number))
            kept = ProblemType.MULTICLASS if fault.kind == "rare_classes" else kind
            said[fault.name] = check_data(Dataset.from_data(spoilt, target, problem_type=kept))
        yield table.task.name, said


def _tells(fault: Fault, found: tuple[Finding, ...]) -> bool:
    return any(f.kind == fault.kind and (f.severity == "warning" or not fault.warns) for f in found)


def planted(said: Mapping[str, dict[str, tuple[Finding, ...]]]) -> Table:
    """Count for each fault how often it is told when it is there, among tables of which it was not said before."""
    rows = []
    for fault in FAULTS:
        clean = {n: found for n, found in said.items() if fault.name in found and not _tells(fault, found[""])}
        missed = [name for name, found in clean.items() if not _tells(fault, found[fault.name])]
        severity = "warning" if fault.warns else "any"
        more = f" and {len(missed) - NAMED} more" if len(missed) > NAMED else ""
        told = len(clean) - len(missed)
        rows.append([fault.name, fault.kind, severity, len(clean), told, ", ".join(missed[:NAMED]) + more])
    columns = [
        "fault",
        "finding",
        "severity",
        "tables of which it was not said before",
        "told once planted",
        "not told",
    ]
    return Table("Planted faults", columns, rows)


def as_they_are(said: Mapping[str, dict[str, tuple[Finding, ...]]]) -> Iterator[Table]:
    """Count what is said of the tables as they are, and name the tables that are warned of."""
    everything = [(name, finding) for name, found in said.items() for finding in found[""]]
    kinds = sorted({(f.severity != "warning", f.kind) for _, f in everything})
    rows = []
    for is_info, kind in kinds:
        named = [name for name, f in everything if f.kind == kind and (f.severity != "warning") == is_info]
        rows.append([kind, "info" if is_info else "warning", len(named), len(named) / len(said)])
    silent = sum(all(f.severity != "warning" for f in found[""]) for found in said.values())
    yield Table(
        "Tables as they are",
        ["finding", "severity", "tables", "share"],
        rows,
        f"{silent} of {len(said)} tables are warned of nothing.",
    )
    warned = [[name, f.kind, f.message.split(". ")[0]] for name, f in everything if f.severity == "warning"]
    yield Table("Every warning about the tables as they are", ["table", "finding", "what is said"], warned)


def run(options: Options) -> Report:
    """Check every table of the catalog, as it is and spoilt."""
    said = dict(findings(options))
    return Report(
        "checks",
        "Checks of data on real tables",
        "Nothing is known for certain of the tables as they are: whether a warning is right has to be judged table by table, "
        "and the last table lists all. In the others each fault is planted in every table, one at a time (seeded). "
        f"At most {MAX_ROWS:,} rows of a table are used.",
        [planted(said), *as_they_are(said)],
    )
