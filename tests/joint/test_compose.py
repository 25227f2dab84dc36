"""Composition: which pairs of law and link exist, what `replace` keeps, and what is refused in which words."""

from __future__ import annotations

import dataclasses

import pytest

from metachron.base import ModelError, Prior
from metachron.dynamics import LAWS
from metachron.joint import LINKS, OBSERVATIONS, Covariate, JointModel, LinkTerm, compose

EVERY_LAW = {"current-value", "current-size", "slope", "area", "shared-effects"}
POSITIVE = {"log-current-size", "relative-change"}
SUPPORTED = {
    "random-slope": EVERY_LAW,
    "random-slope-log": EVERY_LAW | POSITIVE,
    "random-slope-boxcox": EVERY_LAW,
    "stein-fojo": EVERY_LAW | POSITIVE | {"log-growth", "log-shrinkage", "time-to-growth"},
    "gsf": EVERY_LAW | POSITIVE | {"log-growth", "log-shrinkage", "time-to-growth", "resistant-fraction"},
    "claret-bruno": EVERY_LAW | POSITIVE | {"log-growth", "time-to-growth"},
    "wang": EVERY_LAW | POSITIVE | {"log-shrinkage", "time-to-growth"},
    "gompertz": EVERY_LAW | POSITIVE,
}
OF_LESIONS = (
    "new-lesion-frailty",
    "lesion-sum",
    "largest-lesion",
    "organ-burden",
    "organs-involved",
    "new-lesion-count",
)
OF_TRAJECTORIES = [name for name in LINKS if name not in OF_LESIONS]
MISSING = {
    "log-growth": "growth", "log-shrinkage": "shrinkage", "time-to-growth": "time_to_growth",
    "resistant-fraction": "resistant_fraction", "log-current-size": "positive_size",
    "relative-change": "positive_size",
}  # fmt: skip


def test_the_table_speaks_of_every_law_and_link() -> None:
    assert set(SUPPORTED) == set(LAWS)
    assert set.union(*SUPPORTED.values()) == set(OF_TRAJECTORIES)


@pytest.mark.parametrize("link", OF_TRAJECTORIES)
@pytest.mark.parametrize("law", list(LAWS))
def test_pairs_of_law_and_link(law: str, link: str) -> None:
    """Supported pairs compose; every other is refused with both names and the property that is missing."""
    if link in SUPPORTED[law]:
        event = compose(dynamics=law, links=[link]).hazard
        assert event is not None
        assert event.links[0].link == LINKS[link]()
        assert event.time_varying is not LINKS[link].constant
    else:
        with pytest.raises(ModelError) as caught:
            compose(dynamics=law, links=[link])
        assert f"the link {link!r} needs {MISSING[link]}, which the law {law!r} does not provide" in str(caught.value)


@pytest.mark.parametrize("observation", list(OBSERVATIONS))
@pytest.mark.parametrize("law", list(LAWS))
def test_pairs_of_law_and_observation(law: str, observation: str) -> None:
    if observation in ("proportional", "log-normal") and law in ("random-slope", "random-slope-boxcox"):
        with pytest.raises(ModelError, match=f"{observation!r} needs sizes above 0 mm.*{law!r}"):
            compose(dynamics=law, observation=observation)
    else:
        part = compose(dynamics=law, observation=observation).dynamics
        assert part is not None
        assert part.observation == OBSERVATIONS[observation]()
        assert [name for name, _ in part.residual_priors] == [p.name for p in part.observation.parameters]


def test_shared_effects_need_random_parameters() -> None:
    model = compose(dynamics="stein-fojo", links=["shared-effects"])
    part = model.dynamics
    assert part is not None
    fixed = dataclasses.replace(part, parameters=tuple(dataclasses.replace(p, random=False) for p in part.parameters))
    with pytest.raises(ModelError, match="'shared-effects' needs effects, which the law 'stein-fojo' does not"):
        model.replace(dynamics=fixed)


def test_defaults_are_those_documented() -> None:
    part = compose(dynamics="gsf").dynamics
    assert part is not None
    assert {p.name: p.group for p in part.parameters} == {
        "baseline_mm": "all", "shrinkage_per_year": "arm", "growth_per_year": "arm", "resistant_fraction": "arm",
    }  # fmt: skip
    assert all(p.random and p.spread == "all" and not p.lesion for p in part.parameters)
    assert part.observation.name == "proportional"
    assert all(p.lesion for p in compose(dynamics="gsf", size="lesion").dynamics.parameters)  # type: ignore[union-attr]
    for prior in [q for p in part.parameters for q in (p.mean_prior, p.spread_prior, p.beta_prior)]:
        assert prior.reason


def test_replace_exchanges_one_thing_and_keeps_the_rest() -> None:
    strict = LinkTerm(LINKS["log-growth"](), Prior("normal", (0.0, 0.2), "from an earlier trial"))
    base = compose(
        dynamics="stein-fojo", hazard="weibull", links=["log-growth"], covariates=["sex"],
        dynamics_covariates={"growth_per_year": ["sex"]}, event="progression", covariance="full",
    )  # fmt: skip
    assert base.hazard is not None
    base = base.replace(hazard=dataclasses.replace(base.hazard, links=(strict,)))

    law = base.replace(dynamics="gsf")
    assert law.dynamics is not None
    kept = {p.name: p.covariates for p in law.dynamics.parameters}
    assert kept == {
        "baseline_mm": (), "shrinkage_per_year": (), "growth_per_year": ("sex",), "resistant_fraction": (),
    }  # fmt: skip
    assert (law.dynamics.covariance, law.hazard) == ("full", base.hazard)

    hazard = base.replace(hazard="piecewise")
    assert hazard.hazard is not None
    assert (hazard.hazard.hazard.name, hazard.hazard.event, hazard.hazard.covariates) == (
        "piecewise", "progression", ("sex",),
    )  # fmt: skip
    assert hazard.hazard.links == (strict,)
    assert [name for name, _ in hazard.hazard.parameter_priors] == ["rate_per_year"]
    assert hazard.dynamics == base.dynamics

    links = base.replace(links=["slope", "log-growth"])
    assert links.hazard is not None
    assert links.hazard.links == (LinkTerm(LINKS["slope"](), LINKS["slope"].prior), strict)

    observation = base.replace(observation="log-normal")
    assert observation.dynamics is not None
    assert [name for name, _ in observation.dynamics.residual_priors] == ["log_sd"]
    assert observation.dynamics.parameters == base.dynamics.parameters  # type: ignore[union-attr]
    assert base.replace() == base


def test_replace_by_a_law_without_the_link_is_refused() -> None:
    with pytest.raises(ModelError, match=r"'log-growth' needs growth.*'wang'"):
        compose(dynamics="gsf", links=["log-growth"]).replace(dynamics="wang")


def test_replace_takes_another_observation_law_where_the_old_one_cannot_follow() -> None:
    model = compose(dynamics="gsf", observation="proportional").replace(dynamics="random-slope-boxcox")
    assert model.dynamics is not None
    assert model.dynamics.observation.name == "additive"
    assert compose(dynamics="random-slope", observation="combined").replace(dynamics="wang").dynamics.observation == (  # type: ignore[union-attr]
        OBSERVATIONS["combined"]()
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dynamics": None, "hazard": None}, "needs tumour dynamics, a hazard or new lesions"),
        ({"dynamics": "stein-foj"}, "no tumour law called 'stein-foj' .did you mean 'stein-fojo'"),
        ({"hazard": "weibul"}, "no baseline hazard called 'weibul'"),
        ({"links": ["growth"]}, "no link called 'growth'"),
        ({"observation": "poisson"}, "no observation law called 'poisson'"),
        ({"hazard": None, "links": ["log-growth"]}, "need a hazard"),
        ({"hazard": None, "covariates": ["sex"]}, "need a hazard"),
        ({"dynamics": None, "links": ["log-growth"]}, "'log-growth' needs tumour dynamics; this model has none"),
        ({"links": ["log-growth", "log-growth"]}, "links: log-growth stands twice"),
        ({"covariates": ["sex", "sex"]}, "covariates of the hazard: sex stands twice"),
        ({"dynamics_covariates": {"growth_per_year": ["sex", "sex"]}}, "covariates of growth_per_year: sex stands"),
        ({"size": "all"}, "size must be 'sum' or 'lesion'; found 'all'"),
        ({"covariance": "diagonal"}, "covariance must be 'independent' or 'full'; found 'diagonal'"),
        ({"dynamics_covariates": {"growth": ["sex"]}}, "'stein-fojo' has no parameter growth; it has baseline_mm"),
        ({"dynamics": None, "dynamics_covariates": {"growth_per_year": ["sex"]}}, "need tumour dynamics; name a law"),
        ({"dynamics": None, "observation": "additive"}, "need tumour dynamics; name a law"),
    ],
    ids=str,
)
def test_what_does_not_fit_together_is_refused(options: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        compose(**options)


def test_dynamics_covariates_are_named_with_or_without_transform() -> None:
    one = compose(dynamics_covariates={"log_growth_per_year": ["sex"]})
    assert one == compose(dynamics_covariates={"growth_per_year": ["sex"]})
    assert one.covariate_blocks() == {
        "baseline_mm": (), "shrinkage_per_year": (), "growth_per_year": ("sex",), "hazard": (),
    }  # fmt: skip


def test_equal_models_are_equal_and_hashable() -> None:
    """Compiled functions are kept per model; a name or a number computed anew must not compile again."""
    one, two = (compose(links=["log-growth"], name=name) for name in ("a", "b"))
    assert one == two
    assert hash(one) == hash(two)
    assert one != compose(links=["log-growth"]).replace(hazard="gamma")
    assert one != dataclasses.replace(one, covariates=(Covariate("sex"),))


def test_links_without_a_hazard_are_refused() -> None:
    model: JointModel = compose(hazard=None)
    with pytest.raises(ModelError, match="links need a hazard; this model has none"):
        model.replace(links=["log-growth"])
    with pytest.raises(ModelError, match="needs tumour dynamics; this model has none"):
        compose(dynamics=None).replace(observation="additive")
