"""Rows of a hub: what one forecast says, and what came true of it, target by target."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from forecast.record.score_table import Resolution
from forecast.release import GRID_DAYS, HORIZON_DAYS, WORD_CUT_DAYS, ReleaseForecast, word_after

DAYS, WORD, DAYS_IF_OPENED = "days to opening", "word of the opening", "days if opened"

#: Levels of the quantiles, as a ledger line has them.
LEVELS = (0.1, 0.5, 0.9)

#: Days from the making after which nothing is said.
LAST_DAY = int(GRID_DAYS[-1])

#: Target, output type, output type id, value.
Row = tuple[str, str, str, float]

WORDS = (*WORD_CUT_DAYS, "never")


def said(forecast: ReleaseForecast, asked_on: dt.date) -> Iterator[Row]:
    """Say one forecast in rows, given that it is still closed on its day: what is scored, too.

    Parameters
    ----------
    forecast : ReleaseForecast
    asked_on : datetime.date
        Where the words are counted from.
    """
    closed = forecast.given_closed()
    for horizon in HORIZON_DAYS:
        yield DAYS, "cdf", str(horizon), float(closed.prob_by(horizon))
    for word, chance in closed.words(asked_on).items():
        yield WORD, "pmf", word, chance
    if closed.cdf[-1] > 0:
        for level in LEVELS:
            yield DAYS_IF_OPENED, "quantile", f"{level:g}", float((closed.opens_on(level) - closed.made_on).days)


def came_true(made_on: dt.date, asked_on: dt.date, known: Resolution, followed_to: dt.date) -> Iterator[Row]:
    """Say what is known of one question for forecasts of one day, by the day it is followed to.

    A horizon is answered when it has passed, opened early or not: answered at once where it
    opened, and later where it did not, every forecaster would look too low.

    Parameters
    ----------
    made_on, asked_on : datetime.date
    known : Resolution
    followed_to : datetime.date
    """
    day = (known.happened_on - made_on).days if known.happened_on else None
    if known.state in ("void", "ambiguous") or (day is not None and day <= 0):
        return
    followed = (followed_to - made_on).days
    opened = day if day is not None and day <= followed else None
    for horizon in HORIZON_DAYS:
        if horizon <= followed:
            yield DAYS, "cdf", str(horizon), float(opened is not None and opened <= horizon)
    word = _word(made_on, asked_on, opened, followed_to)
    if word:
        for name in WORDS:
            yield WORD, "pmf", name, float(name == word)
    if opened is not None and opened <= LAST_DAY:
        yield DAYS_IF_OPENED, "quantile", "NA", float(opened)


def _word(made_on: dt.date, asked_on: dt.date, opened: int | None, followed_to: dt.date) -> str | None:
    """The word that came true, as soon as it can be no other."""
    if opened is not None:
        return word_after((made_on - asked_on).days + opened)
    passed = (followed_to - asked_on).days
    return "never" if passed >= max(WORD_CUT_DAYS.values()) else None
