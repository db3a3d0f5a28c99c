# Answers of lmerTest, pbkrtest and nlme to compare `trialbook.likelihood` with.
#
#   Rscript likelihood.R OUT.json TRIAL...
#
# TRIAL is a folder with adsl.csv and adlb.csv, named as in `arms` of trials.R. From the root of the repository:
#
#   Rscript tests/reference/likelihood.R tests/reference/likelihood.json data/nk_inr ../shared/real/*
#
# Packages (Debian): r-cran-lme4 r-cran-lmertest r-cran-pbkrtest r-cran-nlme r-cran-numderiv r-cran-jsonlite.
# Only statistics are written: no data and no path.

suppressPackageStartupMessages({
  library(lmerTest)
  library(nlme)
})

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "trials.R"))
means <- list(main = AVAL ~ BASE + ARM + VIS, interaction = AVAL ~ BASE + ARM * VIS)

# optimisers run until nothing moves
lmer_control <- lmerControl(
  optimizer = "nloptwrap", check.conv.grad = "ignore",
  optCtrl = list(xtol_abs = 1e-13, ftol_abs = 0, xtol_rel = 0, ftol_rel = 0, maxeval = 1e5)
)
gls_control <- glsControl(tolerance = 1e-12, msTol = 1e-14, msMaxIter = 5000, maxIter = 500)

# weights of the coefficients that average the arm effect over the visits
contrast <- function(names, visits) {
  arm <- grepl("^ARM", names)
  ifelse(arm & grepl(":", names), 1 / visits, as.numeric(arm))
}

wald <- function(estimate, se, df) {
  list(estimate = estimate, se = se, df = df, p = 2 * pt(-abs(estimate / se), df))
}

mixed <- function(formula, d) {
  m <- lmer(formula, d, REML = TRUE, control = lmer_control)
  if (isSingular(m, tol = 1e-6)) return(list(singular = TRUE))
  L <- contrast(names(fixef(m)), nlevels(d$VIS))
  answer <- function(ddf) {
    a <- contest1D(m, L, ddf = ddf)
    list(estimate = a[["Estimate"]], se = a[["Std. Error"]], df = a[["df"]], p = a[["Pr(>|t|)"]])
  }
  list(
    satterthwaite = answer("Satterthwaite"), kenward_roger = answer("Kenward-Roger"),
    log_likelihood = as.numeric(logLik(m))
  )
}

# nlme::gls stops where its derivatives, by differences, are rounding, and has no degrees of freedom but N - p. Three
# Newton steps from its answer, with numDeriv's derivatives of the restricted likelihood, reach the maximum, where
# the degrees of freedom of Satterthwaite are taken.
generalised <- function(formula, d, structure) {
  un <- structure == "unstructured"
  m <- gls(
    formula, d,
    correlation = if (un) corSymm(form = ~ T | ID) else corCompSymm(form = ~ T | ID),
    weights = if (un) varIdent(form = ~ 1 | VIS), method = "REML", control = gls_control
  )
  L <- contrast(names(coef(m)), nlevels(d$VIS))
  k <- nlevels(d$VIS)
  rho <- coef(m$modelStruct$corStruct, unconstrained = FALSE)
  R <- diag(k)
  R[lower.tri(R)] <- rho
  R[upper.tri(R)] <- t(R)[upper.tri(R)]
  sd <- rep(m$sigma, k)
  if (un) sd <- m$sigma * coef(m$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)[levels(d$VIS)]
  root <- t(chol(sd * t(sd * R)))
  eigen <- m$sigma^2 * c(1 - rho[1], 1 + (k - 1) * rho[1])
  # the covariance as a function of parameters that are one at the maximum
  one <- rep(1, if (un) k * (k + 1) / 2 else 2)
  covariance <- function(at) {
    if (!un) return(diag(at[1] * eigen[1], k) + (at[2] * eigen[2] - at[1] * eigen[1]) / k)
    turn <- diag(k)
    turn[lower.tri(turn, diag = TRUE)] <- turn[lower.tri(turn, diag = TRUE)] + at - 1
    tcrossprod(root %*% turn)
  }
  X <- model.matrix(formula, d)
  Z <- cbind(X, d$AVAL)
  free <- nrow(X) - ncol(X)
  # rows of the subjects (columns) who have the same visits (rows)
  subjects <- split(seq_len(nrow(d)), d$ID, drop = TRUE)
  patterns <- lapply(
    split(subjects, sapply(subjects, function(rows) toString(d$T[rows]))),
    function(rows) list(rows = do.call(cbind, rows), seen = d$T[rows[[1]]])
  )
  reml <- function(at) {
    V <- covariance(at)
    moments <- 0
    log_det <- 0
    for (pattern in patterns) {
      n <- length(pattern$seen)
      U <- chol(V[pattern$seen, pattern$seen, drop = FALSE])
      white <- matrix(backsolve(U, matrix(Z[pattern$rows, ], n), transpose = TRUE), ncol = ncol(Z))
      moments <- moments + crossprod(white)
      log_det <- log_det + 2 * sum(log(diag(U))) * ncol(pattern$rows)
    }
    XX <- moments[-ncol(Z), -ncol(Z)]
    Xy <- moments[-ncol(Z), ncol(Z)]
    beta <- solve(XX, Xy)
    quadratic <- moments[ncol(Z), ncol(Z)] - sum(Xy * beta)
    list(
      log_likelihood = -(free * log(2 * pi) + log_det + determinant(XX)$modulus[1] + quadratic) / 2,
      estimate = sum(L * beta), variance = drop(L %*% solve(XX, L))
    )
  }
  log_likelihood <- function(at) reml(at)$log_likelihood
  at <- one
  for (newton in 1:3) {
    information <- -numDeriv::hessian(log_likelihood, at)
    at <- at + solve(information, numDeriv::grad(log_likelihood, at))
  }
  gradient <- numDeriv::grad(function(at) reml(at)$variance, at)
  best <- reml(at)
  df <- 2 * best$variance^2 / drop(gradient %*% solve(information, gradient))
  list(
    gls = wald(sum(L * coef(m)), sqrt(drop(L %*% vcov(m) %*% L)), free),
    gls_log_likelihood = as.numeric(logLik(m)),
    satterthwaite = wald(best$estimate, sqrt(best$variance), df),
    log_likelihood = best$log_likelihood
  )
}

# A random intercept plus a random effect of the visit with the larger variance is, with two visits, the
# unstructured covariance: lmerTest and pbkrtest then answer for the MMRM.
two_visits <- function(formula, d) {
  spread <- tapply(residuals(lm(formula, d)), d$VIS, var)
  d$MORE <- as.numeric(d$VIS == names(which.max(spread)))
  mixed(update(formula, . ~ . + (1 | ID) + (0 + MORE | ID)), d)
}

analyse <- function(d) {
  lapply(means, function(formula) {
    answers <- list(
      n_subjects = nlevels(droplevels(d$ID)), n_obs = nrow(d), visits = nlevels(d$VIS),
      lmer = mixed(update(formula, . ~ . + (1 | ID)), d),
      gls_compound_symmetry = generalised(formula, d, "compound symmetry"),
      gls_unstructured = generalised(formula, d, "unstructured")
    )
    if (nlevels(d$VIS) == 2) answers$lmer_unstructured <- two_visits(formula, d)
    answers
  })
}

write_answers(analyse, c("lme4", "lmerTest", "pbkrtest", "nlme", "numDeriv", "jsonlite"), holes_need = 3)
