"""Options become the model that the file or `compose` would give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metachron.base import ModelError
from metachron.cli.model_options import ModelOptions, build_model
from metachron.dynamics import LAWS
from metachron.hazards import HAZARDS
from metachron.joint import LINKS, OBSERVATIONS, JointModel, compose


@pytest.mark.parametrize("law", LAWS)
def test_a_law_by_option_is_the_composed_model(law: str) -> None:
    assert build_model(ModelOptions(dynamics=law)) == compose(dynamics=law)


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hazard_by_option_is_the_composed_model(hazard: str) -> None:
    assert build_model(ModelOptions(hazard=hazard)) == compose(hazard=hazard)


@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_an_observation_law_by_option_is_the_composed_model(observation: str) -> None:
    assert build_model(ModelOptions(observation=observation)) == compose(observation=observation)


def test_links_repeat_or_stand_with_commas() -> None:
    together = build_model(ModelOptions(link=["log-growth, slope", "area"]))
    assert together == compose(links=["log-growth", "slope", "area"])


def test_all_parts_at_once() -> None:
    options = ModelOptions(
        dynamics="gsf",
        size="lesion",
        covariance="full",
        dynamics_covariate=["growth_per_year=ecog, sex", "log_growth_per_year=age_year", "baseline_mm=ecog"],
        hazard="gompertz",
        event="progression",
        link=["log-growth"],
        covariate=["ecog", "sex,age_year"],
    )
    assert build_model(options) == compose(
        dynamics="gsf",
        size="lesion",
        covariance="full",
        dynamics_covariates={"growth_per_year": ["ecog", "sex", "age_year"], "baseline_mm": ["ecog"]},
        hazard="gompertz",
        event="progression",
        links=["log-growth"],
        covariates=["ecog", "sex", "age_year"],
    )


@pytest.mark.parametrize(
    ("options", "parts"), [({"dynamics": "none"}, (False, True)), ({"hazard": "none"}, (True, False))]
)
def test_none_leaves_a_part_out(options: dict[str, str], parts: tuple[bool, bool]) -> None:
    model = build_model(ModelOptions(**options))  # type: ignore[arg-type]
    assert (model.dynamics is not None, model.hazard is not None) == parts


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A model file in which nothing is at its default."""
    path = tmp_path / "model.toml"
    path.write_text(
        """
        [dynamics]
        law = "stein-fojo"
        size = "lesion"
        limit_working = 0.5
        observation = "additive"
        [dynamics.parameters.growth_per_year]
        group = "all"
        lesion = false
        covariates = ["sex"]
        mean_prior = { normal = [-1.0, 0.3] }
        [hazard]
        law = "gompertz"
        covariates = ["ecog"]
        [hazard.links.log-growth]
        prior = { normal = [0.5, 0.2] }
        """
    )
    return path


def test_the_file_alone_is_read_as_it_stands(model_file: Path) -> None:
    assert build_model(ModelOptions(model=model_file)) == JointModel.read(model_file)


def test_options_override_the_file_and_leave_the_rest(model_file: Path) -> None:
    base = JointModel.read(model_file)
    assert base.dynamics is not None
    assert base.hazard is not None
    built = build_model(ModelOptions(model=model_file, hazard="weibull", link=["log-growth", "slope"], size="lesion"))
    assert built.dynamics == base.dynamics
    assert built.hazard is not None
    assert built.hazard.hazard.name == "weibull"
    assert built.hazard.covariates == ("ecog",)
    assert built.hazard.links[0] == base.hazard.links[0]
    assert [term.link.name for term in built.hazard.links] == ["log-growth", "slope"]


def test_size_by_option_sets_lesion_effects(model_file: Path) -> None:
    built = build_model(ModelOptions(model=model_file, size="sum"))
    assert built.dynamics is not None
    assert built.dynamics.size == "sum"
    assert built.dynamics.lesion == ()
    assert built.dynamics.parameters[-1].covariates == ("sex",)


def test_a_limit_in_mm_takes_the_place_of_one_on_the_working_scale(model_file: Path) -> None:
    built = build_model(ModelOptions(model=model_file, limit_mm=3.0))
    assert built.dynamics is not None
    assert (built.dynamics.limit_mm, built.dynamics.limit_working) == (3.0, None)


def test_none_empties_links_and_covariates(model_file: Path) -> None:
    built = build_model(ModelOptions(model=model_file, dynamics="none", link=["none"], covariate=["none"]))
    assert built.dynamics is None
    assert built.hazard is not None
    assert (built.hazard.links, built.hazard.covariates) == ((), ())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"dynamics": "none", "size": "sum"}, "--size: this part"),
        ({"dynamics": "none", "limit_mm": 2.0, "covariance": "full"}, "--covariance, --limit-mm"),
        ({"hazard": "none", "link": ["slope"]}, "--link: this part"),
        ({"hazard": "none", "dynamics": "none"}, "all are left out"),
        ({"dynamics": "none", "link": ["slope"]}, "needs tumour dynamics"),
        ({"dynamics": "wang", "link": ["log-growth"]}, "'wang' does not"),
        ({"dynamics": "stein-foja"}, "did you mean 'stein-fojo'"),
        ({"hazard": "weibul"}, "did you mean 'weibull'"),
        ({"link": ["log-grwth"]}, "did you mean 'log-growth'"),
        ({"dynamics_covariate": ["growth_per_year"]}, "expected PARAMETER=COLUMN"),
        ({"dynamics_covariate": ["=ecog"]}, "expected PARAMETER=COLUMN"),
        ({"dynamics_covariate": ["speed=ecog"]}, "no parameter speed"),
        ({"dynamics_covariate": ["growth_per_year=sex", "log_growth_per_year=sex"]}, "sex named more than once"),
        ({"covariate": ["ecog,sex", "ecog"]}, "ecog named more than once"),
    ],
)
def test_bad_options_say_what_is_wrong(options: dict[str, object], named: str) -> None:
    with pytest.raises(ModelError, match=named):
        build_model(ModelOptions(**options))  # type: ignore[arg-type]


def test_a_model_in_one_line() -> None:
    assert compose(links=["slope"]).describe() == (
        "stein-fojo for sums of diameters, proportional scatter; weibull hazard of death, links: slope"
    )


def test_the_shown_file_is_the_model(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, _ = run("model", "show", "--dynamics", "gsf", "--link", "log-growth,area", "--limit-mm", "3")
    assert code == 0
    (tmp_path / "shown.toml").write_text(out)
    assert build_model(ModelOptions(model=tmp_path / "shown.toml")) == build_model(
        ModelOptions(dynamics="gsf", link=["log-growth", "area"], limit_mm=3.0)
    )


def test_show_checks_against_a_cohort(run: Callable[..., tuple[int, str, str]], trial: Path) -> None:
    code, out, err = run("model", "show", trial, "--link", "log-growth")
    assert code == 0
    assert "fits demonstration: 12 patients, 12 population parameters" in err
    assert out.startswith("name = ")
    code, out, err = run("model", "show", trial, "--covariate", "ecog")
    assert code == 2
    assert "'ecog'" in err
    assert out == ""


def test_list_names_everything(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("model", "list")
    assert code == 0
    for name in (*LAWS, *HAZARDS, *OBSERVATIONS, *LINKS):
        assert f"  {name}: " in out


def test_durable_responders_by_option() -> None:
    columns = ["arm, pdl1", "arm:pdl1"]
    with_class = build_model(ModelOptions(durable=True, durable_covariate=columns))
    assert with_class == compose(durable=["arm", "pdl1", "arm:pdl1"])
    assert build_model(ModelOptions(durable=True)) == compose(durable=True)
    assert build_model(ModelOptions(durable=False)) == compose()
    with pytest.raises(ModelError, match="--durable-covariate: this part of the model is left out"):
        build_model(ModelOptions(durable_covariate=["arm"]))


def test_durable_responders_of_a_file_can_be_left_out(tmp_path: Path) -> None:
    file = tmp_path / "model.toml"
    file.write_text(compose(durable=["arm"]).to_toml(), encoding="utf-8")
    assert build_model(ModelOptions(model=file)) == compose(durable=["arm"])
    assert build_model(ModelOptions(model=file, durable_covariate=["none"])) == compose(durable=True)
    assert build_model(ModelOptions(model=file, durable=False)) == compose()
