  // Patients, arms, and the population's priors, as the resolved metachron model has them.
  int<lower=1> patients;
  int<lower=1> arms;
  array[patients] int<lower=1, upper=arms> arm;
  vector[2] prior_baseline_mean;
  real<lower=0> prior_baseline_sd;
  vector[2] prior_shrinkage_mean;
  real<lower=0> prior_shrinkage_sd;
  vector[2] prior_growth_mean;
  real<lower=0> prior_growth_sd;
  real<lower=0> prior_residual;
  vector[2] prior_log_scale_year;
  vector[2] prior_log_shape;
  vector[2] prior_link;

  // Sizes in mm: before treatment, under treatment, and below the limit.
  int<lower=0> rows_before;
  array[rows_before] int<lower=1, upper=patients> patient_before;
  vector[rows_before] year_before;
  vector<lower=0>[rows_before] mm_before;
  int<lower=0> rows_after;
  array[rows_after] int<lower=1, upper=patients> patient_after;
  vector<lower=0>[rows_after] year_after;
  vector<lower=0>[rows_after] mm_after;
  int<lower=0> rows_below;
  array[rows_below] int<lower=1, upper=patients> patient_below;
  vector[rows_below] year_below;
  vector<lower=0>[rows_below] limit_mm;

  // Deaths, as indices of patients with known follow-up, and the time that each was followed.
  int<lower=0> deaths;
  array[deaths] int<lower=1, upper=patients> dead;
  vector<lower=0>[deaths] death_year;
