"""What a posterior leaves to a later fit, as a priors file holds it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from forecast.errors import FitError
from forecast.tables.episodes import FollowUp, Target, Unit

Numbers = list[Annotated[float, Field(allow_inf_nan=False)]]

#: Groups of members with the pooled effects of each, in order.
EFFECTS_OF: dict[str, tuple[str, ...]] = {
    "organizations": ("organization_odds", "organization_time", "organization_part"),
    "modalities": ("modality_odds", "modality_time"),
}


class Moments(BaseModel):
    """Mean and spread of one member's effects given the parameters, in standard deviations between members.

    ``effects = mean + slopes @ (parameters - their mean) + root @ normals``; the parameters are
    standard normals seen through the priors of the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    mean: Numbers
    slopes: list[Numbers]
    root: list[Numbers]


class FamilyMoments(BaseModel):
    """What one latency family has learnt: parameters jointly, each member's effects jointly given them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mean: Numbers
    root: list[Numbers]
    organizations: dict[str, Moments]
    modalities: dict[str, Moments]


class Absorbed(BaseModel):
    """The posterior that a priors file stands for.

    Attributes
    ----------
    absorbed_through : datetime.date
        Day of the table that was fitted: no later fit may use it, or a day before it, again.
    unit, target, follow_up : str
        Of that fit; others know nothing of it.
    design_sha256 : str
        Of what was fitted: absorbed rows must not change afterwards.
    families : dict of str to FamilyMoments
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    absorbed_through: dt.date
    unit: Unit
    target: Target
    follow_up: FollowUp
    design_sha256: str
    families: dict[str, FamilyMoments]

    def of_family(self, latency: str) -> FamilyMoments:
        """What a latency family has learnt.

        Raises
        ------
        FitError
            If it was not fitted.
        """
        if latency not in self.families:
            raise FitError(
                f"the priors are a posterior of {', '.join(self.families)} and know nothing of {latency}: "
                f"give --latency {next(iter(self.families))}"
            )
        return self.families[latency]

    def check_shapes(self, parameters: int) -> None:
        """Refuse moments of another number of parameters or effects.

        Raises
        ------
        ValueError
            With the first family, member and moment that does not fit.
        """
        for family, moments in self.families.items():
            _require(np.shape(moments.mean) == (parameters,), f"{family}: mean has not {parameters} numbers")
            _require(_is_root(moments.root, parameters), f"{family}: root is no lower triangle of {parameters} rows")
            for group, effects in EFFECTS_OF.items():
                for name, own in getattr(moments, group).items():
                    where, size = f"{family}: {group} {name}", len(effects)
                    _require(np.shape(own.mean) == (size,), f"{where}: mean has not {size} numbers")
                    _require(
                        np.shape(own.slopes) == (size, parameters), f"{where}: slopes are not {size} x {parameters}"
                    )
                    _require(_is_root(own.root, size), f"{where}: root is no lower triangle of {size} rows")


def _is_root(rows: list[Numbers], size: int) -> bool:
    """Whether it is the lower triangle of a covariance's root."""
    if {len(row) for row in rows} != {size} or len(rows) != size:
        return False
    root = np.array(rows)
    return bool((np.triu(root, 1) == 0).all() and (np.diag(root) > 0).all())


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)
