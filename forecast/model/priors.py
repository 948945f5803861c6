"""priors.toml -> the prior of every parameter.

The sampler moves in standard normals; a parameter is such a normal seen through its prior,
``theta = location + scale * raw``, on the log scale where it must be positive. Users edit
the file, never this code.
"""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forecast.errors import TableError
from forecast.model.covariates import covariate_names
from forecast.model.latency import LATENCIES
from forecast.model.moments import Absorbed
from forecast.tables.promises import STATES
from forecast.tables.read import read_toml

Floats = NDArray[np.float64]

#: What a promise made some time after the debut carries: log(1 + days waited).
WAIT = "wait"

#: Groups whose members are partially pooled, with the predictors they move.
POOLED: tuple[str, ...] = (
    "organization_odds",
    "organization_time",
    "organization_part",
    "modality_odds",
    "modality_time",
)

_POSITIVE = ("spread", "part_spread", "tail", "scale")
#: How far the families' weights may be from adding up to 1.
WEIGHT_SLACK = 0.003

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class _Prior(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    reason: str = Field(min_length=1)
    source: str = Field(min_length=1)
    changed_on: dt.date


class Normal(_Prior):
    """A normal prior."""

    distribution: Literal["normal"]
    mean: Finite
    sd: Positive

    @property
    def location(self) -> float:
        """Mean of theta."""
        return self.mean

    @property
    def scale(self) -> float:
        """Standard deviation of theta."""
        return self.sd


class LogNormal(_Prior):
    """A log-normal prior, for what must be positive; theta is its log."""

    distribution: Literal["lognormal"]
    median: Positive
    log_sd: Positive

    @property
    def location(self) -> float:
        """Mean of theta = log of the parameter."""
        return math.log(self.median)

    @property
    def scale(self) -> float:
        """Standard deviation of theta."""
        return self.log_sd


class Gamma(_Prior):
    """A gamma prior of a hazard, per day."""

    distribution: Literal["gamma"]
    shape: Positive
    mean_per_year: Positive

    @property
    def rate_days(self) -> float:
        """Rate of the gamma: prior days of exposure."""
        return self.shape / (self.mean_per_year / 365.25)


class Weight(_Prior):
    """How much a family of latency counts in the average."""

    weight: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class Use(_Prior):
    """Whether the fit uses some rows."""

    use: Annotated[bool, Field(strict=True)]


class Priors:
    """The priors of all parameters, in the model's order.

    Attributes
    ----------
    names : list of str
        Parameters, ``group.name``.
    location, scale : array of shape (len(names),)
        Of theta, on the log scale for positive parameters.
    arrival : Gamma
        Prior of the hazard of a promise, in each bin of :mod:`forecast.model.arrivals`.
    families : dict of str to float
        Weight of each latency family in the average; they add up to 1.
    programs : bool
        Whether programs and games inform the timing.
    absorbed : Absorbed, optional
        An earlier posterior in the place of these priors, and the day through which it was fitted.
    """

    def __init__(
        self,
        by_name: dict[str, Normal | LogNormal],
        arrival: Gamma,
        families: dict[str, float],
        programs: bool = False,
        absorbed: Absorbed | None = None,
    ) -> None:
        """Order the priors as the model does."""
        self.absorbed = absorbed
        self.families = families
        self.programs = programs
        self.names = parameter_names()
        self.by_name = by_name
        self.location: Floats = np.array([by_name[n].location for n in self.names])
        self.scale: Floats = np.array([by_name[n].scale for n in self.names])
        self.arrival = arrival


def parameter_names() -> list[str]:
    """Every parameter of the model that must have a prior, in order."""
    return [
        *(f"odds.{n}" for n in (*STATES, *covariate_names("odds"), WAIT)),
        *(f"time.{n}" for n in (*STATES, *covariate_names("time"), WAIT)),
        *(f"part.{n}" for n in ("share", *covariate_names("part"))),
        *(f"spread.{n}" for n in (*STATES, *covariate_names("spread"))),
        "part_time.shift",
        "part_spread.ratio",
        "tail.k",
        *(f"scale.{n}" for n in POOLED),
        "tie.organization",
    ]


def read_priors(path: Path) -> Priors:
    """Read and validate a priors file.

    Raises
    ------
    TableError
        If the file is missing or not TOML, a parameter has no prior, a prior belongs to no
        parameter, or a prior is not of its kind; one line per fault.
    """
    tables = read_toml(path)
    absorbed = _absorbed(tables.pop("absorbed", None), path)
    given = {f"{group}.{n}": prior for group, members in tables.items() for n, prior in _members(group, members, path)}
    families = [f"family.{name}" for name in LATENCIES]
    wanted = [*parameter_names(), "arrival.hazard", *families, "rows.programs"]
    problems = [f"{path}: no prior for {name}" for name in wanted if name not in given]
    problems += [f"{path}: [{name}]: names no parameter" for name in given if name not in wanted]
    priors: dict[str, Any] = {}
    for name in wanted:
        if name in given:
            try:
                priors[name] = _kind_of(name).model_validate(given[name])
            except ValidationError as error:
                problems += [_problem(path, name, e, given[name]) for e in error.errors()]
    weights = {name.removeprefix("family."): priors.pop(name).weight for name in families if name in priors}
    if not problems and abs(sum(weights.values()) - 1) > WEIGHT_SLACK:
        problems.append(f"{path}: [family]: the weights add up to {sum(weights.values()):g}: they must add up to 1")
    if problems:
        raise TableError(problems)
    return Priors(priors, priors.pop("arrival.hazard"), weights, priors.pop("rows.programs").use, absorbed)


def _absorbed(given: Any, path: Path) -> Absorbed | None:
    """The posterior that the file stands for, if any."""
    if given is None:
        return None
    try:
        found = Absorbed.model_validate(given)
        found.check_shapes(len(parameter_names()))
    except ValidationError as error:
        raise TableError(
            [f"{path}: [absorbed] {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        ) from None
    except ValueError as error:
        raise TableError([f"{path}: [absorbed]: {error}"]) from None
    return found


def _members(group: str, members: Any, path: Path) -> list[tuple[str, Any]]:
    if not isinstance(members, dict):
        raise TableError([f"{path}: {group}: must be a table of priors, such as [{group}.name]"])
    return list(members.items())


def _kind_of(name: str) -> Any:
    group = name.split(".")[0]
    if group in _POSITIVE:
        return LogNormal
    return {"arrival": Gamma, "family": Weight, "rows": Use}.get(group, Normal)


def _problem(path: Path, name: str, error: Any, given: Any) -> str:
    if not error["loc"]:
        return f"{path}: [{name}]: {given!r}: must be a table"
    field = str(error["loc"][0])
    value = given.get(field, "") if isinstance(given, dict) else given
    return f"{path}: [{name}] {field}: {value!r}: {error['msg']}"
