"""The tables' columns: one class a table, which is its schema and its codebook.

A field's type is the rule a cell must keep, its description is the codebook's text.
``rules()`` of a row adds what only a person would see. Nothing else in the project says
what a column means.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from forecast.tables.windows import Precision, date_window

Problem = tuple[str, str]  # column, rule that is broken


def _blank(cell: Any) -> Any:
    return None if cell == "" else cell


def _day(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        raise ValueError("must be a day, YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(cell)
    except ValueError:
        raise ValueError("is no day of the calendar") from None


def _flag(cell: Any) -> Any:
    if cell not in ("true", "false", True, False):
        raise ValueError("must be true or false")
    return cell in ("true", True)


def _url(cell: str) -> str:
    if not re.fullmatch(r"https?://[\w.-]+\.\w{2,}(:\d+)?(/\S*|\?\S*|#\S*)?", cell):
        raise ValueError("must be a web address, http(s)://host/...")
    return cell


Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
Text = Annotated[str, Field(min_length=1)]
Words = Annotated[str, Field()]
Day = Annotated[dt.date, BeforeValidator(_day)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Url = Annotated[str, AfterValidator(_url)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Optional = BeforeValidator(_blank)
Size = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Confidence = Literal["high", "medium", "low"]

CONFIDENCE_WORDS = (
    "high: stated by a page read; medium: stated indirectly or by one weak page, or one of two dates so; "
    "low: general knowledge"
)


class Row(BaseModel):
    """A row of a table: validated once, frozen, without extra columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str | None] = None

    def rules(self) -> Iterator[Problem]:
        """Columns that break a rule between columns, with the rule."""
        yield from ()


class Episode(Row):
    """A model (or program) known or usable while its weights (source) were withheld."""

    file = "episodes.csv"
    title = "Release-lag episodes: one closed debut each, opened or not"
    key = "episode_id"

    episode_id: Slug = Field(description="slug; unique")
    model: Text = Field(description="name")
    family: Slug = Field(description="product line such that 'a version of this family' is natural to ask about")
    organization: Text = Field(description="who controls the release")
    org_country: Country = Field(description="ISO 3166 alpha-2 code of the organisation's country")
    org_type: Literal["big_tech", "startup", "academic", "nonprofit", "state"] = Field(
        description="kind of organisation"
    )
    domain: Literal["ai_model", "software", "game"] = Field(description="software and games inform timing, never rates")
    modality: Literal[
        "text", "multimodal", "image", "video", "audio", "code", "science", "robotics", "embedding", "game_ai", "other"
    ] = Field(description="what it takes in or makes")
    flagship: Flag = Field(
        description="the organisation's most capable of that modality on its debut day; judged later"
    )
    params_b: Annotated[Size | None, Optional] = Field(
        description="billions of parameters; known mostly for what was opened, so never a covariate"
    )
    closed_on: Day = Field(description="first day known or usable without open weights")
    closed_precision: Precision = Field(description="width of the debut's window")
    closed_how: Literal["api", "app", "paper", "announcement", "research_access", "waitlist"] = Field(
        description="how it was first known"
    )
    promise: Literal["none", "vague", "dated"] = Field(description="strongest promise to open it; vague: 'eventually'")
    promised_on: Annotated[Day | None, Optional] = Field(description="first day of a promise")
    promised_by: Annotated[Day | None, Optional] = Field(description="the day promised, where dated")
    promise_words: Words = Field(description="its wording")
    safety_review: Flag = Field(description="safety or misuse was named as a reason for holding back; carries no day")
    outcome: Literal["opened", "opened_partial", "leaked", "withdrawn", "still_closed"] = Field(
        description="opened: those weights, downloadable by anybody (a click-through licence is fine); opened_partial: "
        "only a smaller, distilled, older or cut-down version, announced as its open version"
    )
    outcome_on: Annotated[Day | None, Optional] = Field(description="day of the outcome")
    outcome_precision: Annotated[Precision | None, Optional] = Field(description="width of the outcome's window")
    what_opened: Words = Field(description="what was opened, in words")
    license: Words = Field(description="name of its licence")
    license_class: Literal["osi", "open_weight_commercial", "non_commercial", "none"] = Field(
        description="kind of licence; none for rows that are not open and for a few opened ones"
    )
    observed_through: Day = Field(description="last day with evidence about the row")
    closed_source_url: Annotated[Url | None, Optional] = Field(description="page that states the debut")
    promise_source_url: Annotated[Url | None, Optional] = Field(description="page that states the promise")
    outcome_source_url: Annotated[Url | None, Optional] = Field(
        description="page that states the outcome; for a still-closed row the page that showed it closed"
    )
    confidence: Confidence = Field(description=CONFIDENCE_WORDS)
    frame: Literal["catalogue", "curated"] = Field(
        description="catalogue: found in a systematic catalogue; curated: written about"
    )
    notes: Words = Field(description="disputes, later openings, successors")

    def rules(self) -> Iterator[Problem]:
        """Order of days, and cells that go together."""
        yield from self._outcome_rules()
        yield from self._promise_rules()
        first_debut, _ = date_window(self.closed_on, self.closed_precision)
        if self.observed_through < first_debut:
            yield "observed_through", f"evidence before the debut ({self.closed_on})"
        if self.outcome_on and self.outcome_precision:
            first, last = date_window(self.outcome_on, self.outcome_precision)
            if last <= first_debut:
                yield (
                    "outcome_on",
                    f"outcome on or before the debut ({self.closed_on}): open on its debut day is no episode",
                )
            if self.observed_through < first:
                yield "observed_through", f"evidence ends before the outcome ({self.outcome_on})"
            if self.promised_on and self.promised_on > last:
                yield "promised_on", f"promise after the outcome ({self.outcome_on})"

    def _outcome_rules(self) -> Iterator[Problem]:
        if self.outcome == "still_closed":
            for column in ("outcome_on", "outcome_precision"):
                if getattr(self, column) is not None:
                    yield column, "a still_closed row has no outcome day"
            return
        for column in ("outcome_on", "outcome_precision"):
            if getattr(self, column) is None:
                yield column, f"an outcome of {self.outcome} needs its day and precision"

    def _promise_rules(self) -> Iterator[Problem]:
        if self.promise == "none":
            for column in ("promised_on", "promised_by"):
                if getattr(self, column) is not None:
                    yield column, "a row without a promise has no promise day"
            return
        if self.promised_on is None:
            yield "promised_on", "a promise needs its first day"
        if (self.promise == "dated") != (self.promised_by is not None):
            yield "promised_by", "dated promises, and only they, name the day promised"
        elif self.promised_by and self.promised_on and self.promised_by < self.promised_on:
            yield "promised_by", f"due before it was promised ({self.promised_on})"


class EarlierOpening(Row):
    """An opening in part that came before the outcome of its episode."""

    file = "earlier_openings.csv"
    title = "Openings in part that came before the opening in the episodes table"
    key = "episode_id"

    episode_id: Slug = Field(description="an episode whose outcome is opened")
    opened_on: Day = Field(description="day of the first opening in part")
    opened_precision: Precision = Field(description="width of its window")
    what_opened: Text = Field(description="what was opened, in words")
    source_url: Annotated[Url | None, Optional] = Field(description="page that states it")


class Promise(Row):
    """One statement about opening an episode or a family."""

    file = "promises.csv"
    title = "Statements about opening, one a row; an episode without any here uses its own promise columns"

    about: Slug = Field(description="episode_id, or a family")
    said_on: Day = Field(description="day it was said")
    known_on: Day = Field(description="day a page said so; an as-of view keeps what was known by then")
    kind: Literal["vague", "dated", "delayed", "refused"] = Field(
        description="vague: will open, no day; dated: a day or season named; delayed: put off; refused: will not open"
    )
    due_from: Annotated[Day | None, Optional] = Field(description="first day of the season named, where dated")
    due_to: Annotated[Day | None, Optional] = Field(description="last day named, where dated or delayed to a day")
    words: Words = Field(description="its wording")
    source_url: Annotated[Url | None, Optional] = Field(description="page that states it")

    def rules(self) -> Iterator[Problem]:
        """Order of days, and a due day where there must be one."""
        if self.known_on < self.said_on:
            yield "known_on", f"known before it was said ({self.said_on})"
        if self.kind == "dated" and self.due_to is None:
            yield "due_to", "a dated promise names the day promised"
        if self.kind in ("vague", "refused") and self.due_to is not None:
            yield "due_to", f"a {self.kind} statement names no day"
        if self.due_to and self.due_to < self.said_on:
            yield "due_to", f"due before it was said ({self.said_on})"
        if self.due_from and (self.due_to is None or self.due_from > self.due_to):
            yield "due_from", "starts after due_to, or without it"


class FamilyMember(Row):
    """A member of a family that a question asks about, open or closed at its debut."""

    file = "family_members.csv"
    title = "Members of the families that questions ask about, with the day each became known as one"

    family: Slug = Field(description="family")
    member: Text = Field(description="name")
    episode_id: Annotated[Slug | None, Optional] = Field(
        description="its episode; blank for a member open from its debut"
    )
    debut_on: Day = Field(description="debut, closed or open")
    debut_precision: Precision = Field(description="width of the debut's window")
    known_on: Day = Field(description="day it became known as a member of the family")
    open_at_debut: Flag = Field(description="open from its debut")
    opening: Annotated[Literal["full", "part"] | None, Optional] = Field(
        description="for a member open at its debut: does it open the family in full, or in part (smaller, distilled)"
    )
    source_url: Annotated[Url | None, Optional] = Field(description="page that states it")
    notes: Words = Field(description="remarks")

    def rules(self) -> Iterator[Problem]:
        """Open members say what they open and have no episode; closed ones the reverse."""
        if self.open_at_debut != (self.opening is not None):
            yield "opening", "members open at their debut, and only they, say full or part"
        if self.open_at_debut == (self.episode_id is not None):
            yield "episode_id", "members closed at their debut, and only they, have an episode"


class TimelineEvent(Row):
    """What Meta said and did about opening its new models."""

    file = "meta_timeline.csv"
    title = "What Meta said and did about opening its new models, from July 2025 on"

    date: Day = Field(description="day")
    precision: Precision = Field(description="width of its window")
    event: Text = Field(description="what happened")
    kind: Literal["statement", "report", "release", "policy", "other"] = Field(description="kind of event")
    words: Words = Field(description="words quoted")
    source_url: Annotated[Url | None, Optional] = Field(description="page that states it")
    confidence: Confidence = Field(description=CONFIDENCE_WORDS)


class ThirdPartyForecast(Row):
    """A dated forecast or promise by somebody else."""

    file = "third_party_forecasts.csv"
    title = "Dated forecasts and promises by others, with what happened where known"

    made_on: Day = Field(description="day it was made")
    source: Text = Field(description="who made it")
    voice: Literal["insiders", "press", "markets", "machines"] = Field(
        description="who speaks: those who control the release, reporters and onlookers, a market's price, a program"
    )
    question: Text = Field(description="what it answers")
    question_target: Annotated[Slug | None, Optional] = Field(
        description="an episode id, else a family; blank: outside the table (one name is both: the id wins)"
    )
    forecast: Text = Field(description="as given")
    event: Literal["opening", "debut", "leak", "code", "other"] = Field(
        description="only an opening is scored against the episodes"
    )
    forecast_kind: Literal["date", "probability", "words"] = Field(description="kind of forecast")
    due_on: Annotated[Day | None, Optional] = Field(description="last day of what was forecast; blank for words")
    probability: Annotated[Probability | None, Optional] = Field(description="of the event by due_on")
    outcome: Text = Field(description="what came of it, in words")
    outcome_on: Annotated[Day | None, Optional] = Field(description="day of the event")
    happened: Annotated[Flag | None, Optional] = Field(description="it came by due_on (for words: ever); blank: open")
    source_url: Annotated[Url | None, Optional] = Field(description="page that states it")
    confidence: Confidence = Field(description=CONFIDENCE_WORDS)
    notes: Words = Field(description="remarks")

    def rules(self) -> Iterator[Problem]:
        """A kind of forecast has the cells it needs."""
        if (self.forecast_kind == "words") != (self.due_on is None):
            yield "due_on", "dates and probabilities, and only they, are due on a day"
        if (self.forecast_kind == "probability") != (self.probability is not None):
            yield "probability", "forecasts of that kind, and only they, have a probability"
        if self.due_on and self.due_on < self.made_on:
            yield "due_on", f"due before it was made ({self.made_on})"


class CohortEntry(Row):
    """A model of a dated catalogue that was closed at its debut, whatever came of it."""

    file = "cohorts.csv"
    title = "Every model of two dated catalogues that was closed at its debut, whatever came of it: a census"

    cohort: Slug = Field(description="the catalogue and the month of its copy")
    entry: Text = Field(description="its name, or id, in the catalogue")
    organization: Text = Field(description="as the catalogue has it")
    entered_on: Annotated[Day | None, Optional] = Field(description="the catalogue's own day for it")
    listed: Literal["closed", "limited", "open"] = Field(
        description="access in the copy; an entry listed as open was closed at its debut and opened since"
    )
    episode_id: Annotated[Slug | None, Optional] = Field(description="its episode; blank where it is left out")
    excluded: Words = Field(description="why it is left out: never because of what came later")
    notes: Words = Field(description="remarks")

    def rules(self) -> Iterator[Problem]:
        """An entry has an episode, or a reason for having none."""
        if (self.episode_id is None) != bool(self.excluded):
            yield "excluded", "entries without an episode, and only they, say why"


class OpenDebut(Row):
    """A model that was open on the day of its debut, and so has no episode."""

    file = "open_debuts.csv"
    title = "Models of the same catalogues that were open from their debut: what else their organisations did"

    organization: Text = Field(description="who controls the release, spelled as in the episodes")
    model: Text = Field(description="name")
    opened_on: Day = Field(description="debut, by the catalogue")
    opened_precision: Precision = Field(description="width of its window")
    catalogue: Slug = Field(description="the catalogue and the month of its copy")
    entry: Text = Field(description="its name, or id, in the catalogue")


#: Every table of the data folder, in the order of the codebook.
TABLES: tuple[type[Row], ...] = (
    Episode,
    EarlierOpening,
    Promise,
    FamilyMember,
    CohortEntry,
    OpenDebut,
    TimelineEvent,
    ThirdPartyForecast,
)
