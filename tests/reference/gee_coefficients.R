# Answers of geepack and clubSandwich to compare every coefficient of the model over the follow-up visits with.
#
#   Rscript gee_coefficients.R OUT.json TRIAL...
#
# TRIAL is a folder with adsl.csv and adlb.csv, named as in `arms` of trials.R. From the root of the repository:
#
#   Rscript tests/reference/gee_coefficients.R tests/reference/gee_coefficients.json data/nk_inr ../shared/real/*
#
# Packages (Debian): r-cran-geepack r-cran-clubsandwich r-cran-nlme r-cran-jsonlite.
# Only statistics are written: no data and no path.

suppressPackageStartupMessages({
  library(geepack)
  library(clubSandwich)
  library(nlme)
})

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "trials.R"))

# The order of the terms is that of our design.  For clubSandwich the same fit by gls: see effect_by_visit.R.
analyse <- function(d) {
  model <- AVAL ~ TEST + VIS + BASE
  tight <- geese.control(epsilon = 1e-13, maxit = 1000)
  fit <- geeglm(model, id = ID, data = d, corstr = "exchangeable", control = tight)
  alpha <- unname(fit$geese$alpha)
  same <- gls(model, d, corCompSymm(alpha, form = ~ 1 | ID, fixed = TRUE), method = "REML")
  test <- coef_test(same, vcov = "CR2", cluster = d$ID, test = "Satterthwaite")
  df <- if ("df_Satt" %in% names(test)) test$df_Satt else test$df
  p <- if ("p_Satt" %in% names(test)) test$p_Satt else test$p
  list(
    terms = sub("^VIS", "visit ", names(coef(fit))), coefficient = unname(coef(fit)),
    robust_se = unname(sqrt(diag(fit$geese$vbeta))), cr2_se = test$SE, cr2_df = df, cr2_p = p,
    alpha = alpha, scale = unname(fit$geese$gamma), n_subjects = nlevels(droplevels(d$ID)), n_obs = nrow(d)
  )
}

write_answers(analyse, c("geepack", "clubSandwich", "nlme", "jsonlite"))
