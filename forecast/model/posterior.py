"""A posterior: draws, what they are draws of, and how far they can be trusted. On disk: one .npz file."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from forecast.errors import CacheError
from forecast.model.arrivals import Arrivals
from forecast.model.terms import Layout
from forecast.tables.episodes import Target

Floats = NDArray[np.float64]

#: Version of the file's layout; another one is rebuilt.
FORMAT = 1


@dataclass(frozen=True)
class Diagnostics:
    """How the sampler did, over all named parameters.

    Attributes
    ----------
    r_hat : float
        Largest rank-normalised split R-hat.
    ess_bulk, ess_tail : float
        Smallest effective sample sizes.
    divergences : int
        After warm-up.
    chains, draws : int
        Draws a chain, after warm-up.
    target_accept : float
        Step of the ladder that was accepted.
    seconds : float
        Wall time of the sampling; kept out of comparisons.
    """

    r_hat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    chains: int
    draws: int
    target_accept: float
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """All but the seconds, the one thing that differs from run to run."""
        return {name: value for name, value in asdict(self).items() if name != "seconds"}

    def line(self) -> str:
        """All of it in one line."""
        return (
            f"{self.chains} chains x {self.draws} draws, R-hat at most {self.r_hat:.3f}, "
            f"ESS at least {self.ess_bulk:.0f} (bulk) and {self.ess_tail:.0f} (tail), "
            f"{self.divergences} divergences, target_accept {self.target_accept:g}"
        )


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of the model's raw standard normals, and what is needed to forecast from them.

    Attributes
    ----------
    raw : array of shape (draws, layout.size)
        Chains one after the other. A spare place of a group holds draws of a new member.
    location, scale : array of shape (N_PARAMETERS,)
        Of the priors through which ``raw`` is seen.
    layout : Layout
    organizations, modalities : tuple of str
        Members of the groups, in the order of their places.
    arrivals : Arrivals
        When promises come.
    latency, target : str
        Key of ``LATENCIES``; what ends a row.
    sampler : str
    seed : int
    diagnostics : Diagnostics
    rows, opened : int
        Segments fitted and openings among them.
    log_weights : array of shape (draws,), optional
        Of importance weights with mean 1; by default all draws count the same. Never saved.
    """

    raw: Floats
    location: Floats
    scale: Floats
    layout: Layout
    organizations: tuple[str, ...]
    modalities: tuple[str, ...]
    arrivals: Arrivals
    latency: str
    target: Target
    sampler: str
    seed: int
    diagnostics: Diagnostics
    rows: int
    opened: int
    log_weights: Floats | None = None

    def thinned(self, draws: int) -> Posterior:
        """Every n-th draw, so that about ``draws`` are left."""
        step = max(len(self.raw) // draws, 1)
        thinned = self.raw[::step]
        if self.log_weights is None:
            return replace(self, raw=thinned)
        return replace(self, raw=thinned, log_weights=with_mean_one(self.log_weights[::step]))


def with_mean_one(log_weights: Floats) -> Floats:
    """Log weights, shifted so that the weights have mean 1."""
    return np.asarray(log_weights - logsumexp(log_weights) + np.log(len(log_weights)))


_ARRAYS = ("raw", "location", "scale")
_RECORDS: dict[str, type[Any]] = {"layout": Layout, "diagnostics": Diagnostics}


def save(posterior: Posterior, file: Path) -> None:
    """Write a posterior, whole or not at all.

    Raises
    ------
    CacheError
        If the disk refuses.
    """
    parts = dict(vars(posterior))
    if parts.pop("log_weights") is not None:
        raise ValueError("a weighted posterior stands for no fit of its own")
    arrays = {name: parts.pop(name) for name in _ARRAYS}
    arrays |= {f"arrivals_{k}": v for k, v in vars(parts.pop("arrivals")).items()}
    parts |= {name: asdict(parts[name]) for name in _RECORDS}
    arrays["meta"] = np.array(json.dumps({"format": FORMAT, **parts}))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part")
        try:
            with part.open("wb") as out:
                np.savez(out, **arrays)
                out.flush()
                os.fsync(out.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CacheError(_refused(file.parent, error)) from None


def load(file: Path) -> Posterior:
    """Read a posterior.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged, or of another version.
    """
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:  # np.load leaves bad files open
            arrays = {name: stored[name] for name in stored.files}
        parts: dict[str, Any] = json.loads(str(arrays.pop("meta")))
        if parts.pop("format") != FORMAT:
            raise ValueError("of another version")
        parts |= {name: record(**parts[name]) for name, record in _RECORDS.items()}
        parts |= {name: tuple(parts[name]) for name in ("organizations", "modalities")}
        arrivals = {k.removeprefix("arrivals_"): v for k, v in arrays.items() if k.startswith("arrivals_")}
        parts |= {name: arrays[name] for name in _ARRAYS}
        return Posterior(**parts, arrivals=Arrivals(**arrivals))
    except (zipfile.BadZipFile, KeyError, TypeError, EOFError, json.JSONDecodeError) as error:
        raise ValueError(f"damaged ({type(error).__name__})") from None


def require_writable(folder: Path) -> None:
    """Refuse a cache folder that cannot be written to, before anything long is begun.

    Raises
    ------
    CacheError
        With the folder and what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CacheError(_refused(folder, error)) from None


def _refused(folder: Path, error: OSError) -> str:
    return (
        f"cannot write to the cache folder {folder} ({error.strerror}): set FORECAST_CACHE to one that can be written"
    )


def versions(packages: tuple[str, ...]) -> Mapping[str, str]:
    """Installed versions, without importing the packages."""
    from importlib.metadata import version

    return {name: version(name) for name in packages}
