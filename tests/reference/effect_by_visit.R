# Answers of geepack and clubSandwich to compare the effect at each visit with.
#
#   Rscript effect_by_visit.R OUT.json TRIAL...
#
# TRIAL is a folder with adsl.csv and adlb.csv, named as in `arms` of trials.R. From the root of the repository:
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

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "trials.R"))

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

write_answers(analyse, c("geepack", "clubSandwich", "nlme", "jsonlite"))
