  baseline_mean ~ normal(prior_baseline_mean[1], prior_baseline_mean[2]);
  baseline_sd ~ normal(0, prior_baseline_sd);
  shrinkage_mean ~ normal(prior_shrinkage_mean[1], prior_shrinkage_mean[2]);
  shrinkage_sd ~ normal(0, prior_shrinkage_sd);
  growth_mean ~ normal(prior_growth_mean[1], prior_growth_mean[2]);
  growth_sd ~ normal(0, prior_growth_sd);
  residual ~ normal(0, prior_residual);
  log_scale_year ~ normal(prior_log_scale_year[1], prior_log_scale_year[2]);
  log_shape ~ normal(prior_log_shape[1], prior_log_shape[2]);
  link ~ normal(prior_link[1], prior_link[2]);
  baseline_z ~ std_normal();
  shrinkage_z ~ std_normal();
  growth_z ~ std_normal();

  {
    // y ~ normal(size, residual * size), written for y / size: one scalar sd, and log size at no cost.
    vector[rows_before] location = log_baseline[patient_before] + growth[patient_before] .* year_before;
    target += normal_lupdf(mm_before .* exp(-location) | 1, residual) - sum(location);
  }
  {
    vector[rows_after] size = exp(log_baseline[patient_after])
                              .* (exp(-shrinkage[patient_after] .* year_after)
                                  + expm1(growth[patient_after] .* year_after));
    target += normal_lupdf(mm_after ./ size | 1, residual) - sum(log(size));
  }
  if (rows_below > 0) {
    vector[rows_below] size;
    for (k in 1 : rows_below) {
      int p = patient_below[k];
      real t = year_below[k];
      size[k] = exp(log_baseline[p]) * (t < 0 ? exp(growth[p] * t) : exp(-shrinkage[p] * t) + expm1(growth[p] * t));
    }
    target += normal_lcdf(limit_mm | size, residual * size);
  }
