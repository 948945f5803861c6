"""Errors a user can cause or mend: one clear line each, never a traceback."""

from __future__ import annotations


class ForecastError(Exception):
    """Base of every error that the command line prints as one line on stderr."""


class TableError(ForecastError):
    """A table, TOML file or data package that breaks a rule; ``problems`` has one line per bad cell."""

    def __init__(self, problems: list[str]) -> None:
        """Keep every problem; the message joins them, one a line."""
        self.problems = problems
        super().__init__("\n".join(problems))

    def __reduce__(self) -> tuple[type[TableError], tuple[list[str]]]:
        """Cross a process border whole."""
        return type(self), (self.problems,)


class HomeError(ForecastError):
    """No data folder, or one that must not be written to."""


class QuestionError(ForecastError):
    """An id that names no question, episode or family, or a day on which it cannot be asked."""


class FitError(ForecastError):
    """A fit that cannot be trusted: too little data, or a sampler that did not converge."""


class CacheError(ForecastError):
    """The cache folder cannot be used."""


class LedgerError(ForecastError):
    """The ledger cannot be read, written or trusted."""


class BacktestError(ForecastError):
    """A backtest that cannot go on; what it has done is kept."""
