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

# what each notebook reads of a trial; a change of any other file does not run it again
READS = {
    "01_cohort": ["trial.yml", "adsl.csv", "adlb.csv", "adex.csv"],
    "02_safety": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv"],
    "03_efficacy": ["trial.yml", "adsl.csv", "adlb.csv"],
    "05_reconciliation": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv", "adex.csv", "published.yml"],
}
ENGINE = [str(path) for path in sorted(Path("src/trialbook").glob("*.py"))] + ["requirements.txt"]
PROSE = [str(path) for path in sorted(Path("book").rglob("*")) if path.is_file()] + ["_config.yml", "_toc.yml"]


def of_trial(names):
    """The files among `names` that this trial has."""
    return [str(TRIAL / name) for name in names if (TRIAL / name).exists()]


onstart:
    shell("trialbook validate {TRIAL:q}")  # before any job: nothing runs on files with a fault


rule book:
    input:
        expand(EXECUTED / "{notebook}.ipynb", notebook=READS),
        ENGINE,
        PROSE,
    output:
        OUT / "html" / ".buildinfo",
    params:
        site=OUT / "html",
        draft=DRAFT,
    shell:
        "trialbook book {SOURCE} {params.site} {params.draft}"


rule notebook:
    input:
        ENGINE,
        lambda wildcards: of_trial(READS[wildcards.notebook]),
        source="notebooks/{notebook}.ipynb",
    output:
        EXECUTED / "{notebook}.ipynb",
    params:
        trial=relpath(TRIAL, "notebooks"),
    shell:
        "trialbook run {input.source} {output} -p trial_folder {params.trial:q}"
