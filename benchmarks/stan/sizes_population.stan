  // The patients' parameters (rates per year), and the logs of the sizes in mm that they give.
  vector[patients] log_baseline = baseline_mean + baseline_sd * baseline_z;
  vector[patients] log_growth = growth_mean[arm] + growth_sd * growth_z;
  vector[patients] growth = exp(log_growth);
  vector[patients] shrinkage = exp(shrinkage_mean[arm] + shrinkage_sd * shrinkage_z);
