"""A posterior as the prior of what comes later: its moments, and what is left of a table beyond the absorbed days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import FitError
from forecast.model.design import Design, build_design, design_rows, joined
from forecast.model.moments import EFFECTS_OF, Absorbed, FamilyMoments, Moments
from forecast.model.posterior import Posterior
from forecast.model.terms import N_PARAMETERS, Layout
from forecast.tables.episodes import Target, read_episodes

Floats = NDArray[np.float64]

#: Digits of a moment in the file.
_DIGITS = 5


def moments_of(posterior: Posterior) -> FamilyMoments:
    """Match the first two moments of a posterior: parameters jointly, each member's effects jointly given them.

    Members are independent of each other given the parameters, as in the model.
    """
    parameters = posterior.raw[:, :N_PARAMETERS]
    mean = parameters.mean(axis=0)
    about = parameters - mean
    names = {"organizations": posterior.organizations, "modalities": posterior.modalities}
    groups = {
        group: {
            name: _member_moments(about, posterior.raw[:, _places(group, n, posterior.layout)])
            for n, name in enumerate(names[group])
        }
        for group in EFFECTS_OF
    }
    root = np.linalg.cholesky(np.cov(about.T))
    return FamilyMoments(mean=_short(mean), root=_short(root), **groups)


def prior_map(moments: FamilyMoments, design: Design, layout: Layout) -> tuple[Floats, Floats]:
    """Centre and stretch with which ``raw = centre + stretch @ normals`` has the moments; new members are as ever.

    Parameters
    ----------
    moments : FamilyMoments
    design : Design
        Names the members that there are.
    layout : Layout

    Returns
    -------
    centre : array of shape (layout.size,)
    stretch : array of shape (layout.size, layout.size)
        Lower triangular.
    """
    centre, stretch = np.zeros(layout.size), np.eye(layout.size)
    root = np.array(moments.root)
    centre[:N_PARAMETERS], stretch[:N_PARAMETERS, :N_PARAMETERS] = moments.mean, root
    for group in EFFECTS_OF:
        known: dict[str, Moments] = getattr(moments, group)
        for n, name in enumerate(getattr(design, group)):
            if name in known:
                places, member = _places(group, n, layout), known[name]
                centre[places] = member.mean
                stretch[np.ix_(places, places)] = member.root
                stretch[np.ix_(places, np.arange(N_PARAMETERS))] = np.array(member.slopes) @ root
    return centre, stretch


def absorb(posterior: Posterior, view: pd.DataFrame, design: Design) -> dict[str, Any]:
    """All of :class:`Absorbed` but the families."""
    return {
        "absorbed_through": view.attrs["as_of"],
        "unit": view.attrs["unit"],
        "target": posterior.target,
        "follow_up": view.attrs["follow_up"],
        "design_sha256": design.digest(),
    }


def what_is_left(view: pd.DataFrame, target: Target, absorbed: Absorbed, programs: bool = False) -> Design:
    r"""The design of a view less what the priors have absorbed.

    .. math:: \log p(\text{now} \mid \theta) - \log p(\text{then} \mid \theta)

    A row that was closed then comes back with delayed entry at its absorbed lag; one that was opened
    then, or has not changed, is gone. A row's debut day is averaged with the weights that it had
    before anything was known.

    Parameters
    ----------
    view : pandas.DataFrame
        From :func:`forecast.tables.episodes.read_episodes`.
    target : {"any", "full"}
    absorbed : Absorbed
    programs : bool

    Raises
    ------
    FitError
        If the view is of another unit, target or follow-up rule, does not reach beyond the absorbed
        day, tells of the absorbed days otherwise than then, or tells nothing new.
    """
    attrs, through = view.attrs, absorbed.absorbed_through
    for name, mine in (("unit", attrs["unit"]), ("target", target), ("follow_up", attrs["follow_up"])):
        if mine != getattr(absorbed, name):
            raise FitError(f"the priors have absorbed a fit of {name} {getattr(absorbed, name)}, not {mine}")
    if attrs["as_of"] <= through:
        raise FitError(
            f"the priors have absorbed all days through {through}: {attrs['as_of']} would count twice; "
            "forecast a later day with them, or this one with the first priors"
        )
    then = read_episodes(attrs["path"], through, attrs["unit"], attrs["follow_up"])
    if build_design(then, target, programs).digest() != absorbed.design_sha256:
        raise FitError(
            f"the tables tell of the days through {through} otherwise than when the priors were made: "
            "make them anew with 'forecast priors from-posterior'"
        )
    design = build_design(view, target, programs)
    known = design_rows(then, target, design.organizations, design.modalities, programs)
    left = _less(design.by_episode(list(view.episode_id)), known.by_episode(list(then.episode_id)))
    if not left:
        raise FitError(f"nothing in the tables is later than {through}, which the priors have absorbed")
    return joined(left)


def _less(now: Mapping[str, Design], then: Mapping[str, Design]) -> list[Design]:
    """Rows that are told otherwise now: as they are, with what was known taken out."""
    parts = []
    for name, design in now.items():
        known = then.get(name)
        if known is None:
            parts.append(design)
        elif design.content != known.content:
            parts += [design, replace(known, row=np.full_like(known.row, design.row[0]), sign=-known.sign)]
    return parts


def _places(group: str, member: int, layout: Layout) -> NDArray[np.int64]:
    return np.array([layout.start(effect) + member for effect in EFFECTS_OF[group]])


def _member_moments(parameters: Floats, effects: Floats) -> Moments:
    """Regression of a member's effects on the parameters, and what is left."""
    mean = effects.mean(axis=0)
    slopes = np.linalg.lstsq(parameters, effects - mean, rcond=None)[0].T
    rest = effects - mean - parameters @ slopes.T
    return Moments(mean=_short(mean), slopes=_short(slopes), root=_short(np.linalg.cholesky(np.cov(rest.T))))


def _short(values: Floats) -> Any:
    return np.round(values, _DIGITS).tolist()
