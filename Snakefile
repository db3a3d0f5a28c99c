# The way from data to book: validate → notebooks → disclosure gate → book.  `make book` runs it.
import json
from os.path import relpath
from pathlib import Path
from shlex import quote
from shutil import rmtree

from trialbook import provenance

OWN = Path("data/nk_inr")
TRIAL = Path(config.get("trial", OWN))
DRAFT = "--draft" if str(config.get("draft", "")) == "1" else ""
IS_OWN = TRIAL.resolve() == OWN.resolve()

USUAL = Path("_build") if IS_OWN else Path("_build/trials") / TRIAL.resolve().name
OUT = Path(config.get("out", USUAL))  # elsewhere, nothing that stands is used or replaced
SOURCE = Path(".") if IS_OWN and OUT == USUAL else OUT / "source"
EXECUTED = SOURCE / "executed"
DISCLOSED = OUT / ".disclosed"  # nothing in the executed notebooks tells of a participant
BUILT = OUT / ".built"  # stands for the site, because Snakemake removes what a rule will make before the rule runs
if not (OUT / "html").exists():
    BUILT.unlink(missing_ok=True)

# what each notebook reads of a trial; a change of any other file does not run it again
READS = {
    "01_cohort": ["trial.yml", "adsl.csv", "adlb.csv", "adex.csv"],
    "02_safety": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv", "adex.csv"],
    "03_efficacy": ["trial.yml", "adsl.csv", "adlb.csv"],
    "04_sensitivity": ["trial.yml", "adsl.csv", "adlb.csv", "published.yml"],
    "06_operating": ["trial.yml", "adsl.csv", "adlb.csv"],
    "07_double": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv"],
    "08_rows": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv", "adex.csv"],
    "05_reconciliation": ["trial.yml", "adsl.csv", "adlb.csv", "published.yml"],
}

# whose results it reads, as they were executed
AFTER = {
    "05_reconciliation": ["01_cohort", "02_safety", "03_efficacy", "04_sensitivity"],
    "07_double": ["01_cohort", "02_safety", "03_efficacy"],
}
# or the results of a notebook that is not made any more would still be read
for gone in EXECUTED.glob("*.ipynb"):
    if gone.stem not in READS:
        gone.unlink()
NOTEBOOKS = expand(EXECUTED / "{notebook}.ipynb", notebook=READS)
ENGINE = set(Path("src/trialbook").rglob("*.py"))
CHECKS = [str(path) for path in sorted(Path("src/trialbook/checks").glob("*.py"))]
# what the notebooks do without
BINDING = ("checks", "claims", "cli", "editions", "sphinx", "workflow")
ANALYSIS = sorted(
    str(path) for path in ENGINE if path.relative_to("src/trialbook").parts[0].removesuffix(".py") not in BINDING
) + ["requirements.txt"]
ASIDE = ("numbers.lock.json", "unchanging.yml")  # what the pages do not show
PROSE = sorted(str(path) for path in Path("book").rglob("*") if path.is_file() and path.name not in ASIDE)
PROSE += ["_config.yml", "_toc.yml"]


def of_trial(names):
    """The files among `names` that this trial has."""
    return [str(TRIAL / name) for name in names if (TRIAL / name).exists()]


def after(wildcards):
    """The executed notebooks that a notebook reads."""
    return [str(EXECUTED / f"{name}.ipynb") for name in AFTER.get(wildcards.notebook, [])]


def parameters(wildcards):
    """What a notebook is told, quoted for the shell: where the trial is, and how many to simulate."""
    told = f"-p trial_folder {quote(relpath(TRIAL, 'notebooks'))}"
    if wildcards.notebook in AFTER:
        told += f" -p executed_notebooks {quote(json.dumps([relpath(path, 'notebooks') for path in after(wildcards)]))}"
    return f"{told} -p trials {config['trials']}" if wildcards.notebook == "06_operating" and "trials" in config else told


onstart:
    shell("trialbook validate {TRIAL:q}")  # before any job: nothing runs on files with a fault


rule all:
    input:
        NOTEBOOKS,  # asked for by name: a notebook that failed and is not there would not be missed
        BUILT,


rule disclose:
    input:
        NOTEBOOKS,
        of_trial(["trial.yml", "adsl.csv", "adlb.csv", "adae.csv", "adex.csv"]),
        CHECKS,
    output:
        touch(DISCLOSED),
    params:
        executed=EXECUTED,
    shell:
        "trialbook disclose {TRIAL:q} {params.executed:q}"


rule book:
    input:
        NOTEBOOKS,
        DISCLOSED,
        sorted(map(str, ENGINE)),
        PROSE,
    output:
        touch(BUILT),
    params:
        site=OUT / "html",
        draft=DRAFT,
        code=provenance.revision("."),  # a commit writes the pages anew: they name it
    shell:
        "trialbook book {SOURCE:q} {params.site:q} --trial {TRIAL:q} {params.draft}"


rule notebook:
    input:
        ANALYSIS,
        lambda wildcards: of_trial(READS[wildcards.notebook]),
        after,
        lambda wildcards: {"04_sensitivity": ["notebooks/scenarios.yml"]}.get(wildcards.notebook, []),
        source="notebooks/{notebook}.ipynb",
    output:
        EXECUTED / "{notebook}.ipynb",
    params:
        given=parameters,
    shell:
        "trialbook run {input.source} {output:q} {params.given}"
