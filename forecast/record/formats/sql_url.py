"""The address of a database: a transaction there, and errors in one line without the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy import exc

from forecast.errors import LedgerError

#: Fields of a URL's query whose values are secret.
_SECRET = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """Where a database is."""

    url: sa.URL

    @classmethod
    def of(cls, text: str) -> Address:
        """Read a URL.

        Raises
        ------
        LedgerError
            If it is none; the text is not repeated, as it may hold a password.
        """
        try:
            url = sa.make_url(text)
            if url.get_backend_name() == "sqlite" and (
                url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"
            ):
                raise LedgerError("--to: names no file: its rows would be gone at once; give sqlite:///record.db")
            return cls(url)
        except (exc.ArgumentError, ValueError):
            raise LedgerError(
                "--to: is no URL of a database: give one such as sqlite:///record.db or postgresql+psycopg://user@host/name"
            ) from None

    def __str__(self) -> str:
        """Kind, host and name, without user, password and query."""
        url = self.url
        return sa.URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Give a connection whose work counts as a whole, or not at all.

        Raises
        ------
        LedgerError
            If there is no driver, no connection, or the database refuses.
        """
        try:
            engine = sa.create_engine(self.url)
        except (exc.SQLAlchemyError, ImportError, TypeError, ValueError) as error:
            raise self._failed(error, "is its driver installed?") from None
        if engine.dialect.name == "sqlite":
            _whole_transactions(engine)
        try:
            with engine.begin() as connection:
                yield connection
        except (exc.SQLAlchemyError, UnicodeError) as error:
            raise self._failed(error, "nothing was written") from None
        finally:
            engine.dispose()

    def _failed(self, error: Exception, hint: str) -> LedgerError:
        """Say in one line what went wrong."""
        cause = str(getattr(error, "orig", None) or error)
        for secret in self._secrets():
            cause = cause.replace(secret, "***")
        first = " ".join(next(iter(cause.strip().splitlines()), type(error).__name__).split())
        return LedgerError(f"{self}: {first}: {hint}")

    def _secrets(self) -> list[str]:
        """What must not be said, longest first, as written and as a URL writes it."""
        query = [v for key, value in self.url.query.items() if _SECRET.search(key) for v in _texts(value)]
        plain = [text for text in (str(self.url.password or ""), *query) if text]
        return sorted({form for text in plain for form in (text, quote(text, safe=""), quote_plus(text))}, key=len)[
            ::-1
        ]


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _whole_transactions(engine: sa.Engine) -> None:
    """Have SQLite take the making of tables, too, into the transaction: its driver ends one before it."""

    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
