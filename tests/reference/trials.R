# What the programs here share: the trials as they read them, and how their answers are written.

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
  d$ARM <- factor(adsl$TRT01P[match(d$USUBJID, adsl$USUBJID)], levels = arms[[basename(folder)]])
  d$TEST <- as.numeric(d$ARM) - 1
  d$VIS <- factor(d$AVISITN)
  d$T <- as.integer(d$VIS)
  d$ID <- factor(d$USUBJID)
  d[order(d$ID, d$T), ]
}

# the same with holes: the i-th subject (sorted) misses the j-th visit if 13 divides 2i² + 5i + 3j
with_holes <- function(d) {
  d <- d[(2 * as.integer(d$ID)^2 + 5 * as.integer(d$ID) + 3 * d$T) %% 13 != 0, ]
  rownames(d) <- NULL
  d
}

# the answers on each trial and parameter, and on those with holes that have `holes_need` visits, to OUT.json
write_answers <- function(analyse, packages, holes_need = 2) {
  arguments <- commandArgs(trailingOnly = TRUE)
  folders <- Filter(function(folder) basename(folder) %in% names(arms), arguments[-1])
  if (length(folders) == 0) stop("usage: Rscript PROGRAM.R OUT.json TRIAL...")
  results <- list()
  for (folder in folders) {
    for (param in parameters) {
      rows <- follow_up(folder, param) # not `d`: clubSandwich takes the data of the outermost frame that has the name
      if (nlevels(droplevels(rows$VIS)) < 2) next
      id <- paste(basename(folder), param, sep = ".")
      results[[id]] <- analyse(rows)
      if (nlevels(rows$VIS) >= holes_need) results[[paste0(id, ".holes")]] <- analyse(with_holes(rows))
    }
  }
  document <- list(
    R = R.version.string,
    packages = sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE),
    results = results
  )
  jsonlite::write_json(document, arguments[1], auto_unbox = TRUE, digits = NA, pretty = TRUE, null = "null")
}
