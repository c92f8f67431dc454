"""A European office's CSV, an Excel export and a database dump with zones, from params alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mlrepo.core.owner import load_params
from mlrepo.core.paths import TEST, TRAIN
from penguins import evaluate, prepare, train

from .conftest import CSV, TinyProject

N = 120
RNG = np.random.default_rng(0)
PRICES = RNG.normal(2_000, 900, N).round(2)
SHARES = RNG.random(N).round(3)
DAYS = pd.date_range("2024-01-20", periods=N, freq="D")
TARGET = np.where(RNG.random(N) < 0.5, "ja", "nein")


def euro(number: float) -> str:
    return f"{number:,.2f}".translate({44: ".", 46: ","}) + " €"


def office() -> None:
    """Semicolons, decimal commas, points between thousands, signs of euro, letters of Windows."""
    lines = ["Straße;Preis;Anteil;Tag;Kündigt"]
    for n in range(N):
        share = "-" if n % 10 == 0 else f"{SHARES[n]:.3f}".replace(".", ",")
        day = f"{DAYS[n]:%d.%m.%Y}"
        lines.append(f"Größe {n % 3};{euro(PRICES[n])};{share};{day};{TARGET[n]}")
    Path("t.csv").write_bytes("\r\n".join([*lines, ""]).encode("cp1252"))


def excel() -> None:
    """What Excel calls Unicode text: UTF-16 and tabs, commas between thousands, #N/A."""
    lines = ["Straße\tPreis\tAnteil\tTag\tKündigt"]
    for n in range(N):
        share = "#N/A" if n % 10 == 0 else f"{100 * SHARES[n]:.1f}%"
        day = f"{DAYS[n]:%m/%d/%Y}"
        lines.append(f'Größe {n % 3}\t"{PRICES[n]:,.2f}"\t{share}\t{day}\t{TARGET[n]}')
    Path("t.csv").write_bytes("\r\n".join([*lines, ""]).encode("utf-16"))


def dump() -> None:
    r"""What PostgreSQL copies: \N for no value, times with an offset, t and f."""
    lines = ["Straße|Preis|Anteil|Tag|Kündigt"]
    for n in range(N):
        share = r"\N" if n % 10 == 0 else f"{SHARES[n]:.3f}"
        day = f"{DAYS[n]:%Y-%m-%d} {n % 24:02}:30:00.25+{n % 3:02}"
        lines.append(f"Größe {n % 3}|{PRICES[n]:.2f}|{share}|{day}|{TARGET[n]}")
    Path("t.csv").write_bytes("\n".join([*lines, ""]).encode())


@pytest.mark.parametrize(
    ("write", "csv", "scale", "of_day"),
    [
        (
            office,
            {
                "separator": ";",
                "decimal": ",",
                "thousands": ".",
                "encoding": "cp1252",
                "missing": ["", "-"],
            },
            1,
            {"type": "date", "format": "%d.%m.%Y"},
        ),
        (
            excel,
            {
                "separator": "\t",
                "thousands": ",",
                "encoding": "utf-16",
                "missing": ["#N/A"],
            },
            100,
            {"type": "date", "format": "%m/%d/%Y"},
        ),
        (
            dump,
            {"separator": "|", "missing": [r"\N"]},
            1,
            {"type": "datetime", "timezone": "UTC"},
        ),
    ],
    ids=["office", "excel", "dump"],
)
def test_it_is_read_as_it_was_meant_and_learned_from(
    tiny: TinyProject, write: Any, csv: dict[str, Any], scale: int, of_day: dict[str, str]
) -> None:
    write()
    tiny.set(
        {
            "data.path": "t.csv",
            "data.csv": {**CSV, **csv},
            "data.target": "Kündigt",
            "data.id": [],
            "data.features.exclude": [],
            "train.preprocessing.dates": "parts",
        }
    )
    tiny.propose()
    params = load_params()
    for stage in (prepare, train, evaluate):
        stage.main(params)
    rows = pl.concat([pl.read_parquet(path) for path in (TRAIN, TEST)]).sort("Tag")
    assert rows.height == N
    moments = [
        day.replace(hour=n % 24, minute=30, microsecond=250_000, tzinfo=None)
        - pd.Timedelta(hours=n % 3)
        if "timezone" in of_day
        else day
        for n, day in enumerate(DAYS)
    ]
    order = np.argsort(pd.DatetimeIndex(moments))
    found = rows["Tag"].dt.replace_time_zone(None) if "timezone" in of_day else rows["Tag"]
    assert pd.DatetimeIndex(found.to_list()).equals(pd.DatetimeIndex(moments)[order])
    assert rows["Preis"].to_list() == PRICES[order].tolist()
    shares = np.where(np.arange(N) % 10 == 0, np.nan, (scale * SHARES).round(3))[order]
    np.testing.assert_allclose(rows["Anteil"].to_numpy(), shares, rtol=1e-12)
    assert rows["Straße"].to_list() == [f"Größe {n % 3}" for n in order]
    assert rows["Kündigt"].to_list() == TARGET[order].tolist()
