"""A model is data: what is written reads back as the same model, and what is wrong is named with file and key."""

from __future__ import annotations

import tomllib

import pytest

from joint.combinations import supported
from metachron.base import ModelError
from metachron.dynamics import LAWS
from metachron.joint import Covariate, JointModel, compose

FULL = """
name = "everything stated"

[dynamics]
law = "gsf"
observation = "combined"
size = "lesion"
covariance = "full"
limit_mm = 4.0
correlation_prior = { lkj = [3.0] }

[dynamics.residual]
additive_mm = { half_student_t = [3.0, 5.0] }

[dynamics.parameters.growth_per_year]
group = "study-arm"
spread = "arm"
lesion = false
covariates = ["sex", "age_year"]
mean_prior = { student_t = [4.0, -0.7, 1.0] }
spread_prior = { exponential = [2.0] }
beta_prior = { normal = [0.0, 0.5] }

[dynamics.parameters.resistant_fraction]
random = false

[hazard]
law = "m-spline"
event = "progression"
covariates = ["sex"]
nodes = 24
beta_prior = { normal = [0.0, 1.5] }

[hazard.options]
basis = 6

[hazard.parameters]
rate_per_year = { normal = [-1.0, 1.0] }

[hazard.links.log-growth]
reference_per_year = 0.8
prior = { normal = [0.0, 0.7] }

[hazard.links.time-to-growth]
cap_year = 3.0

[covariates.age_year]
kind = "continuous"
centre = 60.0
per = 10.0

[covariates.sex]
reference = "male"
"""


@pytest.mark.parametrize("law", list(LAWS))
def test_what_is_written_reads_back_as_the_same_model(law: str) -> None:
    """Every observation law, hazard and link of the law. Equality covers every prior with its reason."""
    chosen = [one for one in supported() if one.law == law and len(one.links) <= 1]
    assert len({one.links for one in chosen}) >= 6
    for one in chosen:
        model = one.compose()
        text = model.to_toml()
        back = JointModel.from_toml(text)
        assert back == model, one
        assert hash(back) == hash(model)
        assert back.to_toml() == text


def test_a_file_that_states_everything_is_understood() -> None:
    model = JointModel.from_toml(FULL)
    part, event = model.dynamics, model.hazard
    assert part is not None
    assert event is not None
    growth = {parameter.name: parameter for parameter in part.parameters}["growth_per_year"]
    assert (growth.group, growth.spread, growth.lesion, growth.covariates) == (
        "study-arm", "arm", False, ("sex", "age_year"),
    )  # fmt: skip
    assert growth.mean_prior.args == (4.0, -0.7, 1.0)
    assert [parameter.name for parameter in part.random] == ["baseline_mm", "shrinkage_per_year", "growth_per_year"]
    assert (part.limit_mm, part.size, part.covariance, part.correlation_prior.args) == (4.0, "lesion", "full", (3.0,))
    assert (event.event, event.nodes, event.hazard.basis) == ("progression", 24, 6)  # type: ignore[attr-defined]
    growth_link, time_link = event.links
    assert (growth_link.link.reference_per_year, growth_link.prior.args) == (0.8, (0.0, 0.7))  # type: ignore[attr-defined]
    assert time_link.link.cap_year == 3.0  # type: ignore[attr-defined]
    assert model.covariates == (
        Covariate("age_year", kind="continuous", centre=60.0, per=10.0), Covariate("sex", reference="male"),
    )  # fmt: skip
    assert model.name == "everything stated"
    assert JointModel.from_toml(model.to_toml()) == model


def test_a_written_file_leaves_nothing_to_defaults() -> None:
    """Every parameter, prior and choice stands in the file, so that a later version cannot read it otherwise."""
    written = tomllib.loads(compose(dynamics="wang", hazard="piecewise", links=["slope"]).to_toml())
    dynamics, hazard = written["dynamics"], written["hazard"]
    assert set(dynamics["parameters"]) == {"baseline_mm", "shrinkage_per_year", "growth_mm_per_year"}
    for parameter in dynamics["parameters"].values():
        assert set(parameter) == {
            "group", "random", "spread", "lesion", "organ", "covariates", "mean_prior", "spread_prior", "beta_prior",
        }  # fmt: skip
    assert {"law", "observation", "size", "covariance", "residual"} <= set(dynamics)
    assert set(hazard) == {
        "law", "event", "covariates", "beta_prior", "nodes", "options", "parameters", "links",
    }  # fmt: skip
    assert hazard["options"] == {"intervals": 5}
    assert hazard["links"]["slope"] == {"prior": {"normal": [0.0, 0.05]}}


def test_a_correlation_prior_is_kept_where_effects_are_independent() -> None:
    text = '[dynamics]\nlaw = "gsf"\ncorrelation_prior = { lkj = [7.0] }\n'
    model = JointModel.from_toml(text)
    assert JointModel.from_toml(model.to_toml()) == model


def test_a_coding_that_nothing_uses_any_more_is_left_out() -> None:
    """After an exchange of the law a parameter and its covariates may be gone; the file must be readable."""
    model = JointModel.from_toml(FULL).replace(links=[], dynamics="random-slope-log", observation="additive-mm")
    assert [covariate.column for covariate in model.covariates] == ["age_year", "sex"]
    assert [covariate.column for covariate in JointModel.from_toml(model.to_toml()).covariates] == ["sex"]


WRONG = {
    "not TOML": ('[dynamics\nlaw = "gsf"', ["not valid TOML"]),
    "empty file": ("", ["needs tumour dynamics, a hazard or new lesions"]),
    "unknown section": ('[dynamic]\nlaw = "gsf"', ["dynamic: Extra inputs"]),
    "unknown key": ('[dynamics]\nlaw = "gsf"\nobservations = "additive"', ["dynamics.observations", "'additive'"]),
    "law missing": ('[dynamics]\nobservation = "additive"', ["dynamics.law: Field required"]),
    "wrong type": ('[dynamics]\nlaw = 3', ["dynamics.law", "found 3"]),
    "wrong choice": ('[dynamics]\nlaw = "gsf"\nsize = "all"', ["dynamics.size", "'sum' or 'lesion'", "found 'all'"]),
    "two problems at once": (
        '[dynamics]\nlaw = "gsf"\nlimit_mm = -1.0\n[hazard]\nlaw = "weibull"\nnodes = 1',
        ["2 problem(s)", "dynamics.limit_mm", "hazard.nodes"],
    ),
    "unknown law": ('[dynamics]\nlaw = "stein-foj"', ["no tumour law called 'stein-foj'", "did you mean 'stein-fojo'"]),
    "unknown hazard": ('[hazard]\nlaw = "weibul"', ["no baseline hazard called 'weibul'"]),
    "unknown observation": (
        '[dynamics]\nlaw = "gsf"\nobservation = "poisson"', ["no observation law called 'poisson'"],
    ),
    "unknown link": (
        '[dynamics]\nlaw = "gsf"\n[hazard]\nlaw = "weibull"\n[hazard.links.log-grow]', ["no link called 'log-grow'"],
    ),
    "unknown parameter": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.parameters.growth]\ngroup = "all"',
        ["law 'gsf' has no parameter growth", "growth_per_year"],
    ),
    "unknown parameter key": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.parameters.growth_per_year]\ngroups = "all"',
        ["dynamics.parameters.growth_per_year.groups"],
    ),
    "unknown residual": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.residual]\nsigma = { half_normal = [1.0] }',
        ["'proportional' has no parameter sigma"],
    ),
    "unknown hazard parameter": (
        '[hazard]\nlaw = "weibull"\n[hazard.parameters]\nscale = { normal = [0.0, 1.0] }',
        ["'weibull' has no parameter scale", "scale_year"],
    ),
    "unknown hazard option": ('[hazard]\nlaw = "weibull"\noptions = { basis = 5 }', ["'weibull' has no option basis"]),
    "impossible hazard option": ('[hazard]\nlaw = "piecewise"\noptions = { intervals = 1 }', ["at least 2 intervals"]),
    "unknown link option": (
        '[dynamics]\nlaw = "gsf"\n[hazard]\nlaw = "weibull"\n[hazard.links.log-growth]\nreference = 1.0',
        ["link 'log-growth'", "reference"],
    ),
    "impossible link option": (
        '[dynamics]\nlaw = "gsf"\n[hazard]\nlaw = "weibull"\n[hazard.links.log-growth]\nreference_per_year = -1.0',
        ["link 'log-growth'", "reference_per_year", "above 0"],
    ),
    "link option that is text": (
        '[dynamics]\nlaw = "gsf"\n[hazard]\nlaw = "weibull"\n[hazard.links.log-growth]\nreference_per_year = "half"',
        ["hazard.links.log-growth.reference_per_year", "'half'"],
    ),
    "prior of two families": (
        '[hazard]\nlaw = "weibull"\nbeta_prior = { normal = [0.0, 1.0], half_normal = [1.0] }',
        ["hazard.beta_prior", "one family"],
    ),
    "prior that is a number": ('[hazard]\nlaw = "weibull"\nbeta_prior = 2.0', ["hazard.beta_prior", "found 2.0"]),
    "prior with text": ('[hazard]\nlaw = "weibull"\nbeta_prior = { normal = ["a", 1.0] }', ["hazard.beta_prior"]),
    "link prior that is a number": (
        '[dynamics]\nlaw = "gsf"\n[hazard]\nlaw = "weibull"\n[hazard.links.log-growth]\nprior = 2.0',
        ["hazard.links.log-growth.prior"],
    ),
    "link prior with text": (
        '[dynamics]\nlaw = "gsf"\n[hazard]\nlaw = "weibull"\n[hazard.links.log-growth]\nprior = { normal = ["a", 1] }',
        ["hazard.links.log-growth.prior"],
    ),
    "unknown prior family": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.parameters.growth_per_year]\nmean_prior = { cauchy = [0.0, 1.0] }',
        ["log_growth_per_year.mean", "no prior family 'cauchy'"],
    ),
    "spread that can be negative": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.parameters.growth_per_year]\nspread_prior = { normal = [0.0, 1.0] }',
        ["log_growth_per_year.sd", "positive values"],
    ),
    "residual that can be negative": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.residual]\nproportional = { normal = [0.0, 1.0] }',
        ["residual.proportional", "positive values"],
    ),
    "negative scale of a hazard prior": (
        '[hazard]\nlaw = "weibull"\n[hazard.parameters]\nshape = { normal = [0.0, -1.0] }',
        ["death.log_shape", "must be above 0"],
    ),
    "correlation prior of a mean": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.parameters.growth_per_year]\nmean_prior = { lkj = [2.0] }',
        ["log_growth_per_year.mean", "lkj", "correlation"],
    ),
    "normal prior of a correlation": (
        '[dynamics]\nlaw = "gsf"\ncovariance = "full"\ncorrelation_prior = { normal = [0.0, 1.0] }',
        ["effects.correlation", "lkj"],
    ),
    "covariate twice": ('[hazard]\nlaw = "weibull"\ncovariates = ["sex", "age_year", "sex"]', ["sex stands twice"]),
    "covariate described and not used": (
        '[hazard]\nlaw = "weibull"\ncovariates = ["age_year"]\n[covariates.age]\nper = 10.0',
        ["no part of the model names: age; it has age_year"],
    ),
    "limit stated twice": (
        '[dynamics]\nlaw = "gsf"\nobservation = "additive"\nlimit_mm = 4.0\nlimit_working = 1.0',
        ["limit_mm and limit_working"],
    ),
    "unsupported link": (
        '[dynamics]\nlaw = "gompertz"\n[hazard]\nlaw = "weibull"\n[hazard.links.log-growth]',
        ["'log-growth'", "'gompertz'", "growth"],
    ),
    "lesion effects of sums": (
        '[dynamics]\nlaw = "gsf"\n[dynamics.parameters.growth_per_year]\nlesion = true', ["size = 'lesion'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(WRONG))
def test_a_wrong_file_is_refused_with_file_and_key(what: str) -> None:
    text, words = WRONG[what]
    with pytest.raises(ModelError) as caught:
        JointModel.from_toml(text, "trial/model.toml")
    message = str(caught.value)
    assert "trial/model.toml" in message
    for word in words:
        assert word in message


def test_a_file_that_cannot_be_read_is_named(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"absent\.toml: cannot be read"):
        JointModel.read(tmp_path / "absent.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ModelError, match=r"binary\.toml: cannot be read"):
        JointModel.read(binary)


def test_a_file_on_disk_is_read(tmp_path) -> None:
    path = tmp_path / "model.toml"
    path.write_text(FULL, encoding="utf-8")
    assert JointModel.read(path) == JointModel.from_toml(FULL)
