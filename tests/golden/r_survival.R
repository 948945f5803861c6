# Rscript tests/golden/r_survival.R
#
# Writes r_survival.json: what R's survival package says of the made-up rows of r_survival.csv (days between
# which each ended; no start: censored on the left, no end: on the right, both the same: known exactly).
# Debian's r-cran-survival and r-cran-jsonlite are all it needs; the tests read the JSON only.

library(survival)

folder <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)))
rows <- read.csv(file.path(folder, "r_survival.csv"))
families <- c(weibull = "weibull", log_normal = "lognormal", log_logistic = "loglogistic")

fitted <- function(set, family) {
  fit <- survreg(
    Surv(start, end, type = "interval2") ~ 1,
    data = rows[rows$set == set, ], dist = families[[family]], control = survreg.control(rel.tolerance = 1e-12)
  )
  list(set = set, family = family, mu = unname(coef(fit)), sigma = fit$scale, log_likelihood = fit$loglik[2])
}

pairs <- expand.grid(family = names(families), set = unique(rows$set), stringsAsFactors = FALSE)
known <- list(
  made_by = paste0(
    R.version.string, ", survival ", packageVersion("survival"), ", Rscript tests/golden/r_survival.R"
  ),
  fits = Map(fitted, pairs$set, pairs$family, USE.NAMES = FALSE)
)
text <- jsonlite::toJSON(known, auto_unbox = TRUE, digits = NA, pretty = 1)
writeLines(text, file.path(folder, "r_survival.json"))
