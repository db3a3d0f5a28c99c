# Answers of geepack and clubSandwich to compare the effect at each visit with.
#
#   Rscript effect_by_visit.R OUT.json TRIAL...
#
# TRIAL is a folder with adsl.csv and adlb.csv, named as in `arms` below. From the root of the repository:
#
#   Rscript tests/reference/effect_by_visit.R tests/reference/effect_by_visit.json data/nk_inr ../shared/real/*
#
# Packages (Debian): r-cran-geepack r-cran-clubsandwich r-cran-nlme r-cran-jsonlite.
# Only statistics are written: no data and no path.

suppressPackageStartupMessages({
  library(geepack)
  library(clubSandwich)
  library(nlme)
})

# reference arm, test arm
arms <- list(
  nk_inr = c("ART", "NK+ART"),
  actg175 = c("ZDV", "ddI"),
  actg175_n20 = c("ZDV", "ddI"),
  amitriptyline_hivsn = c("Placebo", "Amitriptyline")
)
parameters <- c("CD4", "CD8", "CD4CD8", "PAIN")

# follow-up records of subjects with a baseline, one parameter
follow_up <- function(folder, param) {
  read <- function(name) {
    read.csv(file.path(folder, name), na.strings = c("NA", ""), colClasses = c(USUBJID = "character"))
  }
  adsl <- read("adsl.csv")
  d <- subset(read("adlb.csv"), PARAMCD == param & AVISITN > 0 & !is.na(AVAL) & !is.na(BASE))
  d$TEST <- as.numeric(adsl$TRT01P[match(d$USUBJID, adsl$USUBJID)] == arms[[basename(folder)]][2])
  d$VIS <- factor(d$AVISITN)
  d$ID <- factor(d$USUBJID)
  d[order(d$ID, d$VIS), ]
}

# the same with holes: the i-th subject (sorted) misses the j-th visit if 13 divides 2i² + 5i + 3j
with_holes <- function(d) {
  d <- d[(2 * as.integer(d$ID)^2 + 5 * as.integer(d$ID) + 3 * as.integer(d$VIS)) %% 13 != 0, ]
  rownames(d) <- NULL
  d
}

# clubSandwich before 0.6 cannot read a geeglm: gls with the correlation that geepack found is the same fit. By ML, and
# not by REML, the scale of its vcov is not that of its sigma, which clubSandwich takes them to share.
analyse <- function(d) {
  model <- AVAL ~ 0 + VIS + VIS:TEST + BASE
  tight <- geese.control(epsilon = 1e-13, maxit = 1000)
  alpha <- unname(geeglm(model, id = ID, data = d, corstr = "exchangeable", control = tight)$geese$alpha)
  same <- gls(model, d, corCompSymm(alpha, form = ~ 1 | ID, fixed = TRUE), method = "REML")
  visits <- nlevels(d$VIS)
  effects <- grep(":TEST$", names(coef(same)))
  test <- coef_test(same, vcov = "CR2", cluster = d$ID, test = "Satterthwaite")[effects, ]
  differences <- matrix(0, visits - 1, length(coef(same)))
  for (visit in seq_len(visits - 1)) differences[visit, effects[c(visit, visit + 1)]] <- c(-1, 1)
  joint <- Wald_test(same, differences, vcov = vcovCR(same, cluster = d$ID, type = "CR2"), test = "HTZ")
  df <- if ("df_Satt" %in% names(test)) test$df_Satt else test$df
  p <- if ("p_Satt" %in% names(test)) test$p_Satt else test$p
  list(
    visits = as.numeric(levels(d$VIS)), n_obs = nrow(d), alpha = alpha,
    effect = unname(coef(same)[effects]), se = test$SE, df = df, p = p,
    equal_effects = list(f = joint$Fstat, df = joint$df_num, df_error = joint$df_denom, p = joint$p_val)
  )
}

arguments <- commandArgs(trailingOnly = TRUE)
folders <- Filter(function(folder) basename(folder) %in% names(arms), arguments[-1])
if (length(folders) == 0) stop("usage: Rscript effect_by_visit.R OUT.json TRIAL...")
results <- list()
for (folder in folders) {
  for (param in parameters) {
    d <- follow_up(folder, param)
    if (nlevels(droplevels(d$VIS)) < 2) next
    id <- paste(basename(folder), param, sep = ".")
    results[[id]] <- analyse(d)
    results[[paste0(id, ".holes")]] <- analyse(with_holes(d))
  }
}
packages <- c("geepack", "clubSandwich", "nlme", "jsonlite")
document <- list(
  R = R.version.string,
  packages = sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE),
  results = results
)
jsonlite::write_json(document, arguments[1], auto_unbox = TRUE, digits = NA, pretty = TRUE, null = "null")
