# The way from data to book: validate → notebooks → disclosure gate → book.  `make book` runs it.
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
    "05_reconciliation": ["trial.yml", "adsl.csv", "adlb.csv", "adae.csv", "adex.csv", "published.yml"],
}

scattergather:
    scenarios=2,  # --set-scatter scenarios=N operating=N, for a machine or a cluster with more than two cores
    operating=2,


TRIALS = config.get("trials", 40_000)  # to simulate, for the operating characteristics
SCENARIOS = gather.scenarios(EXECUTED / "scenarios" / "{scatteritem}")
# what else a notebook reads: the parameter that names the folder, and what must be in it
COUNTS = gather.operating(EXECUTED / "operating" / "{scatteritem}.json")
GATHERED = {
    "04_sensitivity": ("runs", EXECUTED / "scenarios", SCENARIOS),
    "06_operating": ("counts", EXECUTED / "operating", COUNTS),
}
# or the results of a notebook, or of a share, that is not made any more would still be read
for gone in EXECUTED.glob("*.ipynb"):
    if gone.stem not in READS:
        gone.unlink()
for gone in EXECUTED.glob("scenarios/*"):
    if str(gone) not in SCENARIOS:
        rmtree(gone)
for gone in EXECUTED.glob("operating/*"):
    if str(gone) not in COUNTS:
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


def parameters(wildcards):
    """What a notebook is told, quoted for the shell: where the trial is, and what was made for it."""
    given = {"trial_folder": TRIAL}
    if wildcards.notebook in GATHERED:
        name, folder, _ = GATHERED[wildcards.notebook]
        given[name] = folder
    return " ".join(f"-p {name} {quote(relpath(path, 'notebooks'))}" for name, path in given.items())


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
        lambda wildcards: GATHERED[wildcards.notebook][2] if wildcards.notebook in GATHERED else [],
        source="notebooks/{notebook}.ipynb",
    output:
        EXECUTED / "{notebook}.ipynb",
    params:
        given=parameters,
    shell:
        "trialbook run {input.source} {output:q} {params.given}"


rule scenarios:
    input:
        ANALYSIS,
        of_trial(READS["03_efficacy"]),
        "notebooks/03_efficacy.ipynb",
        "notebooks/scenarios.yml",
    output:
        directory(EXECUTED / "scenarios" / "{scatteritem}"),
    priority: 1  # they take longest, so they start first
    shell:
        "trialbook scenarios {TRIAL:q} {output:q} --part {wildcards.scatteritem}"


rule operating:
    input:
        ANALYSIS,
        of_trial(READS["06_operating"]),
    output:
        EXECUTED / "operating" / "{scatteritem}.json",
    params:
        trials=TRIALS,
    shell:
        "trialbook operate {TRIAL:q} {output:q} --trials {params.trials} --part {wildcards.scatteritem}"
