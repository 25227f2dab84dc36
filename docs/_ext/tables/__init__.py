"""Tables of the documentation that are made from the code."""

from __future__ import annotations

from collections.abc import Callable

from tables import benchmarks, cohort, command_line, datasets, forecasts, model_file, models, population, scores

TABLES: dict[str, Callable[[], str]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        models.laws,
        models.law_parameters,
        models.observations,
        models.observation_parameters,
        models.hazards,
        models.hazard_parameters,
        models.links,
        models.link_priors,
        models.supported,
        population.population_priors,
        population.groups,
        population.sampler,
        population.schedule,
        population.thresholds,
        population.quadrature_error,
        cohort.cohort_tables,
        cohort.mapping_keys,
        cohort.mapping_source_keys,
        cohort.conversions,
        cohort.rules,
        model_file.model_file_top,
        model_file.model_file_dynamics,
        model_file.model_file_parameter,
        model_file.model_file_hazard,
        model_file.model_file_new_lesions,
        model_file.model_file_durable,
        model_file.model_file_covariate,
        datasets.dataset_list,
        datasets.dataset_details,
        command_line.commands,
        benchmarks.benchmark_speed,
        forecasts.reference_list,
        forecasts.forecast_skill,
        benchmarks.benchmark_costs,
        benchmarks.benchmark_context,
        scores.score_list,
        scores.score_inputs,
        scores.score_sources,
    )
}
"""What ``{generated} NAME`` inserts, by name."""

__all__ = ["TABLES"]
