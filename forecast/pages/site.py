"""An edition as a static site: pages, pictures, data, manifest. It loads nothing from elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.pages.edition import Edition, Tell
from forecast.pages.front import answered_table, board_shown, changed_says, changed_shown, heads_shown, league_says
from forecast.pages.html import environment, file_name
from forecast.pages.leaf_page import LeafPage, leaf_page
from forecast.pages.notebooks import Notebook, read_notebook
from forecast.pages.picture import Picture, themed
from forecast.pages.plots import plot_skill, svg_of
from forecast.pages.shelf import MANIFEST, manifest
from forecast.tables.paths import Home

#: Tables of the home that an edition carries.
_DATA = ("*.csv", "*.toml", "CODEBOOK.md", "datapackage.json")


def write_site(edition: Edition, home: Home, folder: Path, tell: Tell) -> None:
    """Fill an empty folder.

    Parameters
    ----------
    edition : Edition
    home : Home
        Where data, and beside them notebooks and results, are copied from.
    folder : pathlib.Path
    tell : callable

    Raises
    ------
    ForecastError
        If a notebook cannot be read.
    """
    site = _Site(folder)
    site.assets()
    site.data(home)
    leaves = []
    for n, leaf in enumerate(edition.leaves):
        tell(leaf.question.id, n / len(edition.leaves))
        leaves.append(leaf_page(leaf, file_name(leaf.question.id)))
        site.leaf(leaves[-1], edition)
    notebooks = [read_notebook(file) for file in sorted((home.data.parent / "notebooks").glob("*.ipynb"))]
    for notebook in notebooks:
        site.notebook(notebook, home, edition)
    site.front(edition, leaves, skill_of(home))
    site.page(
        "data.html",
        "data.html",
        edition,
        notebooks=notebooks,
        files=[f"data/{file.name}" for file in sorted((folder / "data").iterdir()) if file.suffix != ".ipynb"],
        heads=heads_shown(edition),
    )
    text = json.dumps(manifest(folder, edition.about), indent=1, ensure_ascii=False, default=str)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def skill_of(home: Home) -> pd.DataFrame:
    """Brier skill of the model in the backtest's claim period, by horizon; empty where there is no backtest."""
    file = home.data.parent / "results" / "backtest-silence" / "skill.csv"
    if not file.is_file():
        return pd.DataFrame()
    skill = pd.read_csv(file)
    main = (skill.stratum == "all") & (skill.period == "claim") & (skill.baseline == "kaplan-meier-promise")
    return skill[main & skill.score_name.str.fullmatch(r"brier_\d+")].reset_index(drop=True)


class _Site:
    """The folder of an edition, and how its files get there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.templates = folder, environment()
        for name in ("assets", "data", "notebooks", "pictures", "questions"):
            (folder / name).mkdir()

    def assets(self) -> None:
        """Stylesheet, scripts, their licences."""
        for asset in files("forecast.pages").joinpath("assets").iterdir():
            (self.folder / "assets" / asset.name).write_bytes(asset.read_bytes())

    def data(self, home: Home) -> None:
        """The home's tables as they are."""
        for pattern in _DATA:
            for file in home.data.glob(pattern):
                shutil.copyfile(file, self.folder / "data" / file.name)

    def page(self, template: str, file: str, edition: Edition, **names: Any) -> None:
        """One page; ``root`` leads from it to the front page's folder."""
        root = "../" * file.count("/")
        text = self.templates.get_template(template).render(edition=edition, root=root, **names)
        (self.folder / file).write_text(text, encoding="utf-8")

    def picture(self, file: str, picture: Picture) -> None:
        """One picture, as SVG."""
        (self.folder / file).write_text(picture.svg, encoding="utf-8")

    def csv(self, file: str, frame: pd.DataFrame) -> None:
        """One table; numbers in full."""
        frame.to_csv(self.folder / file, index=False, lineterminator="\n")

    def leaf(self, page: LeafPage, edition: Edition) -> None:
        """A question's page with its picture and tables."""
        for file, picture in page.pictures.items():
            self.picture(file, picture)
        for file, frame in page.tables.items():
            self.csv(file, frame)
        self.page("question.html", page.page, edition, leaf=page)

    def notebook(self, notebook: Notebook, home: Home, edition: Edition) -> None:
        """A notebook's page, its pictures, and the notebook itself."""
        shutil.copyfile(
            home.data.parent / "notebooks" / f"{notebook.name}.ipynb", self.folder / "data" / f"{notebook.name}.ipynb"
        )
        for piece in notebook.pieces:
            if piece.kind == "picture":
                self.picture(piece.file, themed(piece.text))
        self.page("notebook.html", f"notebooks/{notebook.name}.html", edition, notebook=notebook)

    def front(self, edition: Edition, leaves: list[LeafPage], skill: pd.DataFrame) -> None:
        """The front page with its tables."""
        self.csv("data/open-questions.csv", edition.league)
        self.csv("data/changed.csv", edition.changed)
        self.csv("data/scoreboard.csv", edition.board)
        pages = {page.leaf.question.id: page for page in leaves}
        self.page(
            "index.html",
            "index.html",
            edition,
            leaves=leaves,
            league=_league(edition, pages),
            league_says=league_says(edition),
            changed=changed_shown(edition),
            changed_says=changed_says(edition),
            board=board_shown(edition),
            answered=answered_table(leaves),
            skill=self._skill(skill),
        )

    def _skill(self, skill: pd.DataFrame) -> dict[str, Any] | None:
        if skill.empty:
            return None
        self.csv("data/backtest-skill.csv", skill)
        labels = skill.score_name.str.replace("brier_", "") + " days"
        picture = themed(svg_of(plot_skill(skill.assign(label=labels))))
        self.picture("pictures/skill.svg", picture)
        good = labels[skill.low > 0].tolist()
        says = (
            "In a backtest the model was fitted to the table as known on each quarter day, forecast every model still "
        )
        says += "closed, and was scored at what came. On the days after 2025-06-30, which no choice was made on, "
        best = f"it beats Kaplan-Meier by promise state, its strongest rival, over {_listed(good)}."
        none = "its advantage over Kaplan-Meier by promise state is within chance."
        return {
            "says": says + (best if good else none),
            "picture": "pictures/skill.svg",
            "alt": "Brier skill by horizon with 90 % intervals: "
            + ", ".join(f"{name}: {value:+.2f}" for name, value in zip(labels, skill.skill, strict=True)),
            "width": picture.width,
            "height": picture.height,
            "caption": "Brier skill against Kaplan-Meier by promise state; 90 % intervals draw organisations again.",
        }


def _league(edition: Edition, pages: dict[str, LeafPage]) -> list[dict[str, Any]]:
    rows = edition.league.to_dict("records")
    return [row | {"page": pages[row["question"]].page, "words": pages[row["question"]].words} for row in rows]


def _listed(names: Iterable[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last
