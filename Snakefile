# The way from data to book: validate → notebooks → book.  `make book` runs it.
from os.path import relpath
from pathlib import Path

OWN = Path("data/nk_inr")
TRIAL = Path(config.get("trial", OWN))
DRAFT = "--draft" if str(config.get("draft", "")) == "1" else ""
IS_OWN = TRIAL.resolve() == OWN.resolve()

OUT = Path("_build") if IS_OWN else Path("_build/trials") / TRIAL.resolve().name
SOURCE = Path(".") if IS_OWN else OUT / "source"
EXECUTED = SOURCE / "executed"
BUILT = OUT / ".built"  # stands for the site, because Snakemake removes what a rule will make before the rule runs
if not (OUT / "html").exists():
    BUILT.unlink(missing_ok=True)

# what each notebook reads of a trial; a change of any other file does not run it again
READS = {
    "01_cohort": ["trial.yml", "adsl.csv", "adlb.csv", "adex.csv"],
    "02_safety": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv"],
    "03_efficacy": ["trial.yml", "adsl.csv", "adlb.csv"],
    "04_sensitivity": ["trial.yml", "adsl.csv", "adlb.csv"],
    "05_reconciliation": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv", "adex.csv", "published.yml"],
}
for gone in EXECUTED.glob("*.ipynb"):
    if gone.stem not in READS:
        gone.unlink()  # or the results of a notebook that was taken away would still be served
NOTEBOOKS = expand(EXECUTED / "{notebook}.ipynb", notebook=READS)
ENGINE = set(Path("src/trialbook").glob("*.py"))
BINDING = ("book", "sphinx_book", "sphinx_displays", "sphinx_numbers", "typed_digits")
MAKING = ("calibrate", "simulate")
ANALYSIS = sorted(str(path) for path in ENGINE if path.stem not in BINDING + MAKING) + ["requirements.txt"]
PROSE = sorted(str(path) for path in Path("book").rglob("*") if path.is_file()) + ["_config.yml", "_toc.yml"]


def of_trial(names):
    """The files among `names` that this trial has."""
    return [str(TRIAL / name) for name in names if (TRIAL / name).exists()]


onstart:
    shell("trialbook validate {TRIAL:q}")  # before any job: nothing runs on files with a fault


rule all:
    input:
        NOTEBOOKS,  # asked for by name: a notebook that failed and is not there would not be missed
        BUILT,


rule book:
    input:
        NOTEBOOKS,
        sorted(map(str, ENGINE)),
        PROSE,
    output:
        touch(BUILT),
    params:
        site=OUT / "html",
        draft=DRAFT,
    shell:
        "trialbook book {SOURCE:q} {params.site:q} {params.draft}"


rule notebook:
    input:
        ANALYSIS,
        lambda wildcards: of_trial(READS[wildcards.notebook]),
        source="notebooks/{notebook}.ipynb",
    output:
        EXECUTED / "{notebook}.ipynb",
    params:
        trial=relpath(TRIAL, "notebooks"),
    shell:
        "trialbook run {input.source} {output:q} -p trial_folder {params.trial:q}"
