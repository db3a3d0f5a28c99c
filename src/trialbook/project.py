"""Where a paper keeps its things: a folder is a project by its ``trialbook.yml``, and no other module knows a path."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

from trialbook.errors import Fault, FaultsError, UserError
from trialbook.trial.config import EVIDENCE, FACTS, PUBLISHED, TABLES
from trialbook.yamlfile import Keys, read_yaml

FILE, TOC, CONFIG, REQUIREMENTS = "trialbook.yml", "_toc.yml", "_config.yml", "requirements.txt"
CITATION = "CITATION.cff"
LOCK = "numbers.lock.json"


class Places(Keys):
    """Folders and files of a project, from the folder of its ``trialbook.yml``.

    A file that is not named is looked for, by its usual name, in the folder that it belongs to.
    """

    trial: str = "data"
    """The trial: `trial.yml` and the tables."""
    book: str = "book"
    """The prose."""
    notebooks: str = "notebooks"
    """The notebooks as they are written."""
    executed: str = "executed"
    """Gets the notebooks as they were run; `_toc.yml` lists those of the book as documents of this folder."""
    output: str = "_build"
    """Gets the book, in `html`; that of another trial in `trials/<name>/html`."""
    lock: str = ""
    """The numbers as they were accepted; `numbers.lock.json` in the book folder."""
    claims: str = ""
    """The claims of the prose, and their conditions; `claims.yml` in the book folder."""
    consort: str = ""
    """The items of the CONSORT checklist; `consort.yml` in the book folder."""
    words: str = ""
    """Words that judge, digits that may be typed, pages that are not checked; `words.yml` in the book folder."""
    unchanging: str = ""
    """Numbers that need not follow the data; `unchanging.yml` in the book folder."""
    scenarios: str = ""
    """The scenarios; `scenarios.yml` in the notebooks folder."""
    generator: str = ""
    """A module of Python, or a folder that is one, whose `draw(seed)` gives the tables of synthetic data; none."""


@dataclass(frozen=True)
class Project:
    """A paper: its folder, what its ``trialbook.yml`` says, the folder of a trial's data, and where its book goes."""

    root: Path
    places: Places
    trial: Path
    output: Path

    @classmethod
    def find(
        cls, start: Path | str = ".", trial: Path | str | None = None, output: Path | str | None = None
    ) -> "Project":
        """Find the project in which a folder stands.

        Parameters
        ----------
        start : Path
            The folder of the project, or one below it.
        trial : Path, optional
            The folder of another trial's data, whose book is built from the prose and the notebooks of the project.
        output : Path, optional
            Where the book is built, from nothing that stands; where the project says if not given.

        Returns
        -------
        Project
            Its paths lead from the working directory.

        Raises
        ------
        UserError
            If there is no project, or ``trialbook.yml`` holds a fault: said with file, key and remedy.
        """
        here = Path(start).resolve()
        folder = next((above for above in (here, *here.parents) if (above / FILE).is_file()), None)
        if folder is None:
            remedy = "go to the folder of the paper, or name it: trialbook -C FOLDER …"
            rule = f"neither it nor a folder above holds {FILE}, which makes a folder a project"
            raise UserError(f"{here}: {rule}\n      → {remedy}")
        root = Path(os.path.relpath(folder))
        places = read_yaml(root / FILE, Places)
        _check(root, places)
        own = root / places.trial
        trial = own if trial is None or _same(own, trial) else Path(trial)
        usual = root / places.output if trial is own else root / places.output / "trials" / trial.resolve().name
        return cls(root, places, trial, usual if output is None or _same(usual, output) else Path(output))

    def moved(self, root: Path) -> "Project":
        """The same project in another folder, such as that of an earlier revision."""
        return replace(self, root=root, trial=root / os.path.relpath(self.trial, self.root))

    # ------------------------------------------------------------------------------------------ what the authors wrote

    @property
    def book(self) -> Path:
        """The folder of the prose."""
        return self.root / self.places.book

    @property
    def notebooks(self) -> Path:
        """The folder of the notebooks as they are written."""
        return self.root / self.places.notebooks

    @property
    def claims(self) -> Path:
        """The claims, and the conditions that they are bound to."""
        return self._file(self.places.claims, self.book / "claims.yml")

    @property
    def consort(self) -> Path:
        """The items of the CONSORT checklist."""
        return self._file(self.places.consort, self.book / "consort.yml")

    @property
    def words(self) -> Path:
        """The words that judge, the digits that may be typed, and the pages that neither holds for."""
        return self._file(self.places.words, self.book / "words.yml")

    @property
    def unchanging(self) -> Path:
        """The numbers that need not follow the data."""
        return self._file(self.places.unchanging, self.book / "unchanging.yml")

    @property
    def scenarios(self) -> Path:
        """The scenarios."""
        return self._file(self.places.scenarios, self.notebooks / "scenarios.yml")

    @property
    def generator(self) -> Path | None:
        """The module that draws the synthetic data, where the project has one."""
        return self.root / self.places.generator if self.places.generator else None

    @property
    def generator_files(self) -> list[Path]:
        """The files of that module, none where the project has none."""
        if self.generator is None:
            return []
        return sorted(self.generator.rglob("*.py")) if self.generator.is_dir() else [self.generator]

    @property
    def lock(self) -> Path:
        """The numbers as they were accepted; another trial's stand beside its data."""
        return self._file(self.places.lock, self.book / LOCK) if self._is_own else self.trial / LOCK

    @property
    def published(self) -> Path:
        """The figures of the trial that were published; there need be none."""
        return self.trial / PUBLISHED

    @property
    def evidence(self) -> Path:
        """What many draws of the synthetic data say of each result; there need be none."""
        return self.trial / EVIDENCE

    @property
    def tables(self) -> list[Path]:
        """The facts of the trial and its tables, those that there are."""
        names = (FACTS, *(f"{name}.csv" for name in TABLES))
        return [path for name in names if (path := self.trial / name).exists()]

    @property
    def data(self) -> list[Path]:
        """All files of the trial's data that there are."""
        return self.tables + [self.published] * self.published.exists()

    @property
    def requirements(self) -> Path:
        """The locked versions of all packages."""
        return self.root / REQUIREMENTS

    @property
    def citation(self) -> Path:
        """The file that names the authors."""
        return self.root / CITATION

    @property
    def layout(self) -> list[Path]:
        """The files of Jupyter Book: settings, and the order of the pages."""
        return [self.root / CONFIG, self.root / TOC]

    def pages(self) -> list[str]:
        """The pages of the prose in the order of the book, such as ``book/index``.

        Raises
        ------
        UserError
            If ``_toc.yml`` cannot be read.
        """
        return [page for page in self._listed() if Path(page).is_relative_to(self.places.book)]

    def texts(self) -> dict[str, str]:
        """The prose of each page as it is written, by the page's name."""
        paths = {page: self.root / f"{page}.md" for page in self.pages()}
        return {page: path.read_text("utf8") for page, path in paths.items() if path.exists()}

    def chapters(self) -> list[str]:
        """The names of the notebooks that the book shows, in its order: those that are run.

        Raises
        ------
        UserError
            If ``_toc.yml`` cannot be read, or lists a notebook that there is not.
        """
        names = [Path(page).stem for page in self._listed() if Path(page).parent == Path(self.places.executed)]
        for name in names:
            if not (self.notebooks / f"{name}.ipynb").is_file():
                rule = f"there is no notebook {self.places.notebooks}/{name}.ipynb"
                raise FaultsError(self.root, [Fault(TOC, rule, "write it, or take the line out", column=f"{name}")])
        return names

    # -------------------------------------------------------------------------------------------- what the engine makes

    @property
    def source(self) -> Path:
        """What the pages are built from: the project or, for another trial or elsewhere, a copy of its prose."""
        usual = self._is_own and self.output == self.root / self.places.output
        return self.root if usual else self.output / "source"

    @property
    def executed(self) -> Path:
        """The folder of the notebooks as they were run."""
        return self.source / self.places.executed

    @property
    def site(self) -> Path:
        """The folder of the built book."""
        return self.output / "html"

    @property
    def _is_own(self) -> bool:
        return self.trial == self.root / self.places.trial

    def _file(self, named: str, usual: Path) -> Path:
        return self.root / named if named else usual

    def _listed(self) -> Iterator[str]:
        """Every page of the book, without its ending."""
        try:
            listed = parse_toc_yaml(self.root / TOC)
        except (OSError, MalformedError, yaml.YAMLError) as error:
            fault = Fault(TOC, f"the list of the book's pages cannot be read: {error}", "mend it")
            raise FaultsError(self.root, [fault]) from None
        return (page.removesuffix(".md").removesuffix(".ipynb") for page in listed)


def _same(one: Path, other: Path | str) -> bool:
    return one.resolve() == Path(other).resolve()


def _check(root: Path, places: Places) -> None:
    """Refuse a key that leads nowhere, and an output that would hold what the authors wrote."""
    written = {"trial", "book", "notebooks"} | (places.model_fields_set - {"executed", "output", "lock"})
    faults = [
        Fault(FILE, f"leads nowhere: there is no {path}", "correct the path, or make it", column=key)
        for key in sorted(written)
        if (path := getattr(places, key)) and not (root / path).exists()
    ]
    for key in ("executed", "output"):
        made = Path(os.path.normpath(getattr(places, key)))
        holds = [other for other in written if (path := getattr(places, other)) and Path(path).is_relative_to(made)]
        if made == Path() or made.is_absolute() or ".." in made.parts or holds:
            rule = "must be a folder in this one that holds nothing which the authors wrote"
            faults.append(Fault(FILE, f"{rule} (found {made})", "give it a name of its own", column=key))
    if faults:
        raise FaultsError(root, faults)
