"""Markets of Manifold, as its API writes them: one, or a list, with bets or without; or a list of bets.

A market of yes and no is a probability by the map's day: the standing price, made when it last
moved, or with bets the price after the last bet of every day. One with answers is a
probability by the last day of each answer: in the map, else as the answer's text says. One about
a number is read where the map says what the number counts: buckets by their upper ends, a single number, of
which the market says no more, as the day by which it is as likely open as not.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from forecast.record.formats.answers import is_later, last_day
from forecast.record.formats.question_map import CALENDAR_YEAR, DAYS_OF, LATER, Matched
from forecast.record.formats.reading import Chance, Entry, entry_of, fault, json_of, milliseconds
from forecast.record.formats.said import Entries, Price, Said, Sheet, sheet_of

#: Who says what a market says.
MARKET = "market"

#: Probabilities of answers that exclude each other may miss 1 by so much: prices are rounded.
_SUM_SLACK = 0.01

#: P(open by the day that a single number names): it is taken for the median.
_MEDIAN = 0.5

#: A range of numbers, of which the upper end counts.
_BUCKET = re.compile(r"(-?\d+(?:\.\d+)?) ?(?:-|\u2013| to ) ?(-?\d+(?:\.\d+)?)", re.ASCII)


class _Market(Entry):
    outcomeType: str
    createdTime: int
    lastBetTime: int | None = None
    probability: Chance | None = None
    shouldAnswersSumToOne: bool = True
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    answers: list[Any] = Field(default_factory=list)
    bets: list[Any] = Field(default_factory=list)


class _Answer(Entry):
    id: str = ""
    text: str
    probability: Chance


class _Bet(Entry):
    createdTime: int
    probAfter: Chance
    answerId: str | None = None


def read_manifold(path: Path, wanted: Mapping[str, Matched]) -> Sheet:
    """Read what the markets say that the map wants.

    Raises
    ------
    LedgerError
    """
    given = json_of(path)
    listed = given if isinstance(given, list) else [given]

    def entries() -> Entries:
        for number, entry in enumerate(listed, start=1):
            where = f"{path}, entry {number}"
            if not isinstance(entry, dict):
                raise fault(where, "entry", entry, "must be a market or a bet, {...}")
            name = entry.get("contractId", entry.get("id"))
            if not isinstance(name, str):
                raise fault(where, "id", name, "must be the id of a market, in quotes")
            title = entry.get("question", "")
            yield name, title if isinstance(title, str) else "", _reader(where, name, entry, wanted)

    return sheet_of(entries(), wanted)


def _reader(where: str, name: str, entry: Any, wanted: Mapping[str, Matched]) -> Callable[[], Iterator[Said]]:
    if "contractId" in entry:
        return lambda: iter([_bet(where, name, entry)])
    return lambda: _market(where, name, entry, wanted[name])


def _bet(where: str, name: str, entry: Any) -> Said:
    bet = entry_of(where, _Bet, entry)
    if bet.answerId is not None:
        raise fault(where, "answerId", bet.answerId, "a bet on one answer says nothing of the others: give the market")
    made_at = milliseconds(where, "createdTime", bet.createdTime)
    return Said(where, name, MARKET, made_at, (Price(None, bet.probAfter),))


def _market(where: str, name: str, entry: Any, matched: Matched) -> Iterator[Said]:
    market = entry_of(where, _Market, entry)
    if market.outcomeType == "BINARY":
        if market.bets:
            yield from (_bet(f"{where}, bet {n}", name, bet) for n, bet in enumerate(market.bets, start=1))
            return
        if market.probability is None:
            raise fault(where, "probability", None, "a market of yes and no has one")
        prices: tuple[Price, ...] = (Price(None, market.probability),)
    elif market.answers:
        prices = _prices(where, market, matched)
    elif market.value is not None:
        prices = (Price(_counted(where, "value", market.value, matched), _MEDIAN),)
    else:
        rule = "only yes and no, answers that name days, and numbers that the map explains, are imported"
        raise fault(where, "outcomeType", market.outcomeType, rule)
    moved = market.createdTime if market.lastBetTime is None else market.lastBetTime
    yield Said(where, name, MARKET, milliseconds(where, "lastBetTime", moved), prices)


def _prices(where: str, market: _Market, matched: Matched) -> tuple[Price, ...]:
    """P(open by the last day of each answer), summed up where the answers exclude each other."""
    days: dict[dt.date, float] = {}
    total = 0.0
    for number, given in enumerate(market.answers, start=1):
        place = f"{where}, answer {number}"
        answer = entry_of(place, _Answer, given)
        day = _day(place, answer, matched)
        total += answer.probability
        if day in days:
            raise fault(place, "text", answer.text, f"another answer means {day} too")
        if day is not None:
            days[day] = answer.probability
    rising = sorted(days.items())
    if not rising:
        raise fault(where, "answers", len(market.answers), "none of them names a day")
    if not market.shouldAnswersSumToOne:
        return tuple(Price(day, prob) for day, prob in rising)
    if abs(total - 1) > _SUM_SLACK:
        raise fault(where, "answers", round(total, 6), "probabilities that exclude each other must add up to 1")
    summed, so_far = [], 0.0
    for day, prob in rising:
        so_far += prob / total
        summed.append(Price(day, min(so_far, 1.0)))
    return tuple(summed)


def _day(where: str, answer: _Answer, matched: Matched) -> dt.date | None:
    """The last day that an answer means; None for what is left after all days."""
    stated = matched.answers.get(answer.text, matched.answers.get(answer.id))
    if isinstance(stated, dt.date):
        return stated
    if stated == LATER or is_later(answer.text):
        return None
    if matched.number:
        upper = _BUCKET.fullmatch(" ".join(answer.text.split())[:100])
        if upper is None or float(upper[1]) >= float(upper[2]):
            rule = 'names no range of numbers: give its last day, or "later", under "answers"'
            raise fault(where, "text", answer.text, rule)
        return _counted(where, "text", float(upper[2]), matched)
    day = last_day(answer.text)
    if day is None:
        raise fault(where, "text", answer.text, 'names no day that can be read in one way: give it under "answers"')
    return day


def _counted(where: str, name: str, number: float, matched: Matched) -> dt.date:
    """The day that a number means, by the map."""
    try:
        if matched.number is None:
            raise fault(where, name, number, 'the map must say what the number counts: number = "days", zero = DAY')
        if matched.number == CALENDAR_YEAR:
            year, part = divmod(number, 1)
            first = dt.date(int(year), 1, 1)
            return first + dt.timedelta(days=int(part * (dt.date(int(year), 12, 31) - first).days))
        assert matched.zero is not None  # the map was checked
        return matched.zero + dt.timedelta(days=int(number * DAYS_OF[matched.number]))
    except (ValueError, OverflowError):
        raise fault(where, name, number, "is no day of the calendar by the map's rule") from None
