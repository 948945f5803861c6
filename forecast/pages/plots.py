"""Finished tables -> Axes. The only user of matplotlib; nothing is computed here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.errors import ForecastError

#: Blue of Okabe and Ito's colours, which everybody can tell apart.
BLUE, GREY = "#0072B2", "#6b6b6b"

#: The words, from dark to light: an order that everybody sees.
WORD_COLOURS = {"weeks": "#003a5c", "months": BLUE, "years": "#79bfe3", "never": GREY}

_STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "svg.hashsalt": "forecast",
}


def plot_curve(
    curve: pd.DataFrame, marks: Mapping[str, dt.date], ax: Axes | None = None, label: str = "", colour: str = BLUE
) -> Axes:
    """Draw P(open by a day) with its band, and vertical lines with their names.

    Parameters
    ----------
    curve : pandas.DataFrame
        From :func:`forecast.pages.tables.curve_table`; the caller cuts it to the days to show.
    marks : mapping of str to datetime.date
        Days to mark: asked, today, what happened.
    ax : matplotlib.axes.Axes, optional
    label, colour : str
    """
    ax = ax or new_axes()
    ax.plot(curve.day, curve.p, color=colour, lw=2)
    ax.fill_between(curve.day, curve.low, curve.high, color=colour, alpha=0.18, lw=0)
    if label:
        ax.annotate(label, (curve.day.iloc[-1], curve.p.iloc[-1]), (4, 0), textcoords="offset points", color=colour)
    for n, (name, day) in enumerate(marks.items()):
        ax.axvline(np.datetime64(day), color=GREY, lw=1, ls=(0, (4, 3)))  # type: ignore[arg-type]
        place = (np.datetime64(day), 1.0 - 0.06 * n)
        ax.annotate(f" {name}", place, va="top", color=GREY, xycoords=("data", "axes fraction"))
    ax.set(ylim=(0, 1), ylabel="P(open by the day)")
    ax.yaxis.set_major_formatter(lambda p, _: f"{100 * p:.0f} %")
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(ax.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    return ax


def plot_skill(rows: pd.DataFrame, ax: Axes | None = None, colour: str = BLUE) -> Axes:
    """Draw skill with its intervals, one line a label, and the line of no skill.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``label``, ``skill``, ``low``, ``high``, from top to bottom.
    ax : matplotlib.axes.Axes, optional
    colour : str
    """
    ax = ax or new_axes(height=0.6 + 0.32 * len(rows))
    places = np.arange(len(rows))[::-1]
    ax.hlines(places, rows.low, rows.high, color=colour, lw=2, alpha=0.5)
    ax.plot(rows.skill, places, "o", color=colour)
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(places, list(rows.label))
    ax.set(xlabel="skill: above 0 is better than the baseline")
    return ax


def plot_reliability(rows: pd.DataFrame, ax: Axes | None = None, colour: str = BLUE, label: str = "") -> Axes:
    """Draw what came against what was said, with bands, on log scales: most forecasts say little.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``said``, ``came``, ``low``, ``high``, one row a bin.
    ax : matplotlib.axes.Axes, optional
    colour, label : str
    """
    ax = ax or new_axes(4.6, 4.2)
    floor = 0.001
    ax.plot([floor, 1], [floor, 1], color=GREY, lw=1, ls=(0, (4, 3)))
    ax.vlines(rows.said, rows.low.clip(lower=floor), rows.high.clip(lower=floor), color=colour, lw=2, alpha=0.5)
    ax.plot(rows.said, rows.came.clip(lower=floor), "o-", color=colour, lw=1)
    if label:
        ax.annotate(label, (0.03, 0.94), xycoords="axes fraction", color=colour)
    ax.set(xscale="log", yscale="log", xlim=(floor, 1), ylim=(floor, 1), xlabel="said", ylabel="came")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda p, _: f"{100 * p:g} %")
    return ax


def plot_pit(rows: pd.DataFrame, ax: Axes | None = None, colour: str = BLUE) -> Axes:
    """Draw a PIT histogram with the band of a calibrated forecaster; flat is perfect.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``bin``, ``share``, ``low``, ``high``, one row a bin.
    ax : matplotlib.axes.Axes, optional
    colour : str
    """
    ax = ax or new_axes(5.6, 3.2)
    width = 1 / len(rows)
    left = rows.bin * width
    ax.bar(left, rows.share, width, align="edge", color=colour, alpha=0.6, edgecolor="white")
    ax.bar(left, rows.high - rows.low, width, rows.low, align="edge", color=GREY, alpha=0.3)
    ax.axhline(width, color=GREY, lw=1)
    ax.set(xlim=(0, 1), xlabel="PIT: how early it came, by the forecast", ylabel="share of questions")
    return ax


def plot_predictive(rows: pd.DataFrame, ax: Axes | None = None, colour: str = BLUE, label: str = "") -> Axes:
    """Draw the share still closed: the model's mean and band, and the steps that were observed.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``day``, ``observed``, ``mean``, ``low``, ``high``, of one state.
    ax : matplotlib.axes.Axes, optional
    colour, label : str
    """
    ax = ax or new_axes(4.6, 3.6)
    ax.fill_between(rows.day, rows.low, rows.high, color=colour, alpha=0.18, lw=0)
    ax.plot(rows.day, rows["mean"], color=colour, lw=2)
    ax.step(rows.day, rows.observed, where="post", color="black", lw=1)
    if label:
        ax.annotate(label, (0.03, 0.06), xycoords="axes fraction", color=colour)
    ax.set(xscale="log", ylim=(0, 1), xlabel="days on the state's clock", ylabel="still closed")
    ax.yaxis.set_major_formatter(lambda p, _: f"{100 * p:.0f} %")
    return ax


def plot_survival(rows: pd.DataFrame, ax: Axes | None = None, colour: str = BLUE, label: str = "") -> Axes:
    """Draw the share still closed since the closed debut, in steps, with its band; the label stands above.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``day``, ``closed``, ``low``, ``high``, as from :func:`forecast.record.history.survival_curves`.
    ax : matplotlib.axes.Axes, optional
    colour, label : str
    """
    ax = ax or new_axes(4.6, 3.6)
    ax.fill_between(rows.day, rows.low, rows.high, step="post", color=colour, alpha=0.18, lw=0)
    ax.step(rows.day, rows.closed, where="post", color=colour, lw=1.5)
    if label:
        ax.set_title(label, loc="left", color=colour, fontsize=9)
    ax.set(ylim=(0, 1.01), xlabel="days since the closed debut", ylabel="still closed")
    ax.yaxis.set_major_formatter(lambda p, _: f"{100 * p:.0f} %")
    return ax


def plot_survivals(curves: pd.DataFrame, pooled: pd.DataFrame, columns: int = 4) -> Axes:
    """Draw a small picture for each group in the order of the rows, all on the same scales, beside the pooled curve.

    Parameters
    ----------
    curves : pandas.DataFrame
        ``group`` and the columns that :func:`plot_survival` draws.
    pooled : pandas.DataFrame
        ``day``, ``closed``: a grey line in every picture.
    columns : int

    Returns
    -------
    matplotlib.axes.Axes
        The first picture's.
    """
    groups = list(curves.groupby("group", sort=False))
    lines = -(-len(groups) // columns)
    figure = new_axes(9.2, 0.5 + 1.7 * lines).get_figure(root=True)
    figure.clear()  # type: ignore[union-attr]
    with mpl.rc_context(_STYLE | {"font.size": 8}):
        axes = [figure.add_subplot(lines, columns, n + 1) for n in range(len(groups))]  # type: ignore[union-attr]
    for n, (ax, (name, rows)) in enumerate(zip(axes, groups, strict=True)):
        ax.step(pooled.day, pooled.closed, where="post", color=GREY, lw=0.8)
        plot_survival(rows, ax, label=str(name)).set(xlim=(0, 1095), xticks=range(0, 1096, 365), yticks=[0, 0.5, 1])
        if n % columns:
            ax.set(ylabel="", yticklabels=[])
        if n + columns < len(groups):
            ax.set(xlabel="", xticklabels=[])
    return axes[0]


def plot_priors(rows: pd.DataFrame, ax: Axes | None = None, colour: str = BLUE) -> Axes:
    """Draw the 90 % interval of each posterior over that of its prior, one line a parameter.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``label``, ``prior_low``, ``prior_high``, ``low``, ``median``, ``high``, all above 0, from top to bottom.
    ax : matplotlib.axes.Axes, optional
    colour : str
    """
    ax = ax or new_axes(8.0, 0.8 + 0.22 * len(rows))
    places = np.arange(len(rows))[::-1]
    ax.hlines(places, rows.prior_low, rows.prior_high, color=GREY, lw=5, alpha=0.25)
    ax.hlines(places, rows.low, rows.high, color=colour, lw=2)
    ax.plot(rows["median"], places, "o", color=colour, ms=4)
    ax.set_yticks(places, list(rows.label), fontsize=8)
    ax.set(xscale="log", xlabel="90 %: prior (wide, grey), posterior (blue) with its median")
    return ax


def plot_history(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what was said of each word, day by day, each line with its name at its end.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``day`` and one column a word, from the first forecast to the last.
    ax : matplotlib.axes.Axes, optional
    """
    ax = ax or new_axes()
    ends = spread([float(rows[word].iloc[-1]) for word in WORD_COLOURS], 0.07)
    for (word, colour), end in zip(WORD_COLOURS.items(), ends, strict=True):
        ax.plot(rows.day, rows[word], "o-", color=colour, lw=2, ms=4)
        place = (1.01, end)
        ax.annotate(word, place, xycoords=("axes fraction", "data"), va="center", color=colour, annotation_clip=False)
    ax.set(ylim=(-0.02, 1.02), ylabel="P, from the asking day")
    ax.yaxis.set_major_formatter(lambda p, _: f"{100 * p:.0f} %")
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(ax.xaxis.get_major_locator()))  # type: ignore[no-untyped-call]
    return ax


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Places moved apart, upwards from the lowest, so that labels do not cover each other."""
    out = np.asarray(places, float)
    order = np.argsort(out, kind="stable")
    for below, above in pairwise(order):
        out[above] = max(out[above], out[below] + gap)
    return out.tolist()


def add_note(ax: Axes, note: str) -> Axes:
    """Say below the whole picture what it must be read with."""
    ax.get_figure(root=True).supxlabel(note, fontsize=7, color=GREY, x=0.01, ha="left")  # type: ignore[union-attr]
    return ax


def new_axes(width: float = 7.0, height: float = 3.8) -> Axes:
    """Axes of a figure of its own, in the house style; no window is opened."""
    with mpl.rc_context(_STYLE):
        axes: Axes = Figure(figsize=(width, height), layout="constrained").add_subplot()
    return axes


def save(ax: Axes, file: Path) -> None:
    """Write the picture as PNG or SVG, by the file's ending.

    Raises
    ------
    ForecastError
        If the ending is another one, or the file cannot be written.
    """
    require_name(file)
    part = file.with_name(f".{file.stem}.part{file.suffix}")
    figure = ax.get_figure(root=True)
    try:
        with mpl.rc_context(_STYLE):
            figure.savefig(part, dpi=150, metadata={"Date": None} if file.suffix.lower() == ".svg" else None)  # type: ignore[union-attr]
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ForecastError(f"cannot write {file}: {error.strerror or error}") from None


def svg_of(ax: Axes, paper: bool = False) -> str:
    """The picture as small SVG text: letters as letters, places to a hundredth; the same picture, the same text.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    paper : bool
        On white, for readers that may be dark; else without a background.
    """
    text = StringIO()
    with mpl.rc_context(_STYLE | {"svg.fonttype": "none"}):
        about = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        ax.get_figure(root=True).savefig(text, format="svg", transparent=not paper, metadata=about)  # type: ignore[union-attr]
    return re.sub(r"(\.\d\d)\d+", r"\1", re.sub(r"\s*\n\s*", " ", text.getvalue()).replace("> <", "><"))


def require_name(file: Path) -> None:
    """Refuse what cannot become a picture, before anything long is begun.

    Raises
    ------
    ForecastError
        If the name ends in neither .png nor .svg, or its folder does not exist.
    """
    if file.suffix.lower() not in (".png", ".svg"):
        raise ForecastError(f"{file}: a picture's name must end in .png or .svg")
    if not file.parent.is_dir():
        raise ForecastError(f"{file}: there is no folder {file.parent}")
