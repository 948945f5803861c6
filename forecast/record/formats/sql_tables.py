"""Tables of the ledger in a database."""

from __future__ import annotations

import sqlalchemy as sa

from forecast.record.scores import score_names

metadata = sa.MetaData()

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("unit", sa.String(16), nullable=False),
    sa.Column("target", sa.String(16), nullable=False),
    sa.Column("members", sa.Text, nullable=False),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("resolution", sa.Text, nullable=False),
    sa.Column("source", sa.Text),
    comment="What is asked; members are a JSON list.",
)

#: A question of a forecast may be gone from the questions file, so it is no foreign key.
forecasts = sa.Table(
    "forecasts",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("chain", sa.String(64), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("question_id", sa.String(200), nullable=False, index=True),
    sa.Column("forecaster", sa.String(200), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("replaces", sa.String(64)),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("made_on", sa.Date, nullable=False),
    sa.Column("recorded_on", sa.Date, nullable=False),
    sa.Column("last_checked", sa.Date),
    sa.Column("unit", sa.String(16), nullable=False),
    sa.Column("target", sa.String(16), nullable=False),
    sa.Column("follow_up", sa.String(16), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("sampler", sa.Text),
    sa.Column("seed", sa.BigInteger),
    sa.Column("design_seen", sa.Boolean, nullable=False),
    sa.Column("p_never_structural", sa.Double),
    sa.Column("p_left", sa.Double, nullable=False),
    sa.Column("hashes", sa.Text, nullable=False),
    sa.Column("diagnostics", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.UniqueConstraint("chain", "seq"),
    comment="One row a forecast; hashes, diagnostics and reference are JSON objects.",
)

horizons = sa.Table(
    "horizons",
    metadata,
    sa.Column("forecast_id", sa.ForeignKey("forecasts.id"), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cdf_full", sa.Double, nullable=False),
    sa.Column("cdf_part", sa.Double, nullable=False),
    sa.Column("cdf", sa.Double, nullable=False),
    comment="P(open by made_on + day), in full, in part, and either way.",
)

resolutions = sa.Table(
    "resolutions",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("question_id", sa.String(200), index=True),
    sa.Column("recorded_on", sa.Date, nullable=False),
    sa.Column("happened_on", sa.Date),
    sa.Column("known_on", sa.Date),
    sa.Column("opening", sa.String(16)),
    sa.Column("episode_id", sa.Text),
    sa.Column("evidence_url", sa.Text),
    sa.Column("what", sa.Text),
    sa.Column("why", sa.Text),
    comment="Every line of the chain of resolutions, mistakes and their mending included.",
)

scores = sa.Table(
    "scores",
    metadata,
    sa.Column("forecast_id", sa.ForeignKey("forecasts.id"), primary_key=True),
    sa.Column("forecaster", sa.String(200), primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("due", sa.Boolean, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    sa.Column("day", sa.Double),
    sa.Column("followed_days", sa.Double, nullable=False),
    *[sa.Column(name, sa.Double) for name in score_names()],
    comment="One row a forecast; 'last-live-forecast' is the model's forecast before it, as a baseline.",
)
