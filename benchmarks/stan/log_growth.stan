// Stein-Fojo by arm with proportional error and left-censoring, Weibull hazard linked to log growth.
data {
#include sizes_data.stan

  // Every patient with known follow-up.
  int<lower=0> followed;
  array[followed] int<lower=1, upper=patients> at_risk;
  vector<lower=0>[followed] last_year;
  real log_growth_reference;
}
transformed data {
  vector[followed] log_last_year = log(last_year);
  real sum_log_death_year = sum(log(death_year));
}
parameters {
#include sizes_parameters.stan
}
model {
#include sizes_population.stan
#include sizes_model.stan

  {
    real shape = exp(log_shape);
    vector[patients] predictor = link * (log_growth - log_growth_reference);
    target += deaths * (log_shape - log_scale_year) + (shape - 1) * (sum_log_death_year - deaths * log_scale_year)
              + sum(predictor[dead]);
    target += -sum(exp(predictor[at_risk] + shape * (log_last_year - log_scale_year)));
  }
}
