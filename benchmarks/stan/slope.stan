// Stein-Fojo by arm with proportional error and left-censoring, Weibull hazard linked to the slope in mm/year.
data {
#include sizes_data.stan

  // The rule by which each patient's hazard is integrated over follow-up: times and weights in years.
  int<lower=0> followed;
  array[followed] int<lower=1, upper=patients> at_risk;
  int<lower=1> nodes;
  matrix<lower=0>[followed, nodes] node_year;
  matrix<lower=0>[followed, nodes] weight_year;
}
transformed data {
  matrix[followed, nodes] log_node_year = log(node_year);
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
    real level = log_shape - log_scale_year;
    vector[patients] rise = exp(log_baseline) .* growth;
    vector[patients] fall = exp(log_baseline) .* shrinkage;
    target += deaths * level + (shape - 1) * (sum_log_death_year - deaths * log_scale_year)
              + link * (dot_product(rise[dead], exp(growth[dead] .* death_year))
                        - dot_product(fall[dead], exp(-shrinkage[dead] .* death_year)));
    matrix[followed, nodes] slope
      = diag_pre_multiply(rise[at_risk], exp(diag_pre_multiply(growth[at_risk], node_year)))
        - diag_pre_multiply(fall[at_risk], exp(-diag_pre_multiply(shrinkage[at_risk], node_year)));
    target += -sum(weight_year .* exp(level + (shape - 1) * (log_node_year - log_scale_year) + link * slope));
  }
}
