"""The formats that ``forecast ledger import`` reads, in one place."""

from __future__ import annotations

from forecast.record.formats.fatebook import read_fatebook
from forecast.record.formats.forecastbench import read_forecastbench
from forecast.record.formats.manifold import read_manifold
from forecast.record.formats.metaculus import read_metaculus
from forecast.record.formats.plain import read_plain
from forecast.record.formats.said import Format

#: Format by its name on the command line; the name begins the chains of its forecasters too.
FORMATS: dict[str, Format] = {
    "metaculus": Format("the zip of Metaculus's data download", read_metaculus),
    "manifold": Format("JSON of Manifold's API: a market, markets, or bets", read_manifold),
    "fatebook": Format("the CSV that Fatebook exports", read_fatebook),
    "forecastbench": Format("a ForecastBench forecast set (JSON)", read_forecastbench),
    "plain": Format("a CSV: question_id, forecaster, made_on, by, prob", read_plain),
}
