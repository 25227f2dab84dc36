"""The commands by name. Their files import the library only when a command runs, so that ``--help`` is quick."""

from __future__ import annotations

from cyclopts import App, Parameter

from metachron.cli.commands.biomarkers import biomarkers
from metachron.cli.commands.check import check
from metachron.cli.commands.compare import compare
from metachron.cli.commands.criticise import criticise
from metachron.cli.commands.data_describe import describe_dataset
from metachron.cli.commands.data_export import export_dataset
from metachron.cli.commands.data_list import list_data
from metachron.cli.commands.demo import demo
from metachron.cli.commands.export import export
from metachron.cli.commands.fit import fit
from metachron.cli.commands.forecast import forecast
from metachron.cli.commands.forecast_trial import forecast_trial
from metachron.cli.commands.landmark import landmark
from metachron.cli.commands.model_list import list_models
from metachron.cli.commands.model_show import show_model
from metachron.cli.commands.organs import organs
from metachron.cli.commands.reference_describe import describe_reference
from metachron.cli.commands.reference_list import list_references
from metachron.cli.commands.reference_make import make_reference
from metachron.cli.commands.report import report
from metachron.cli.commands.score import score
from metachron.cli.commands.scores import scores
from metachron.cli.commands.summary import summary
from metachron.cli.commands.template import template
from metachron.cli.commands.two_stage import two_stage

_HELP = """Joint models of tumour size and survival in metastatic cancer.

A first run, without data:
  metachron demo --out DIR
From your own data to a report:
  metachron template DIR
  metachron check DIR
  metachron fit DIR --link log-growth --out trial.fit
  metachron report trial.fit --out report.html

Nothing leaves this machine. For research, not for the care of patients."""


def _version() -> str:
    import metachron

    return metachron.__version__


app = App(
    name="metachron",
    help=_HELP,
    help_format="plaintext",
    version=_version,
    default_parameter=Parameter(negative_iterable=""),
    suppress_keyboard_interrupt=False,
)
data = App(name="data", help="Named public data sets.", sort_key=11)
model = App(name="model", help="Model files and what they can hold.", sort_key=12)
reference = App(name="reference", help="Posteriors of public trials to forecast from.", sort_key=13)

app.command(demo, sort_key=1)
app.command(template, sort_key=2)
app.command(check, sort_key=3)
app.command(fit, sort_key=4)
app.command(summary, sort_key=5)
app.command(organs, sort_key=5)
app.command(criticise, sort_key=6)
app.command(report, sort_key=7)
app.command(forecast, sort_key=8)
app.command(forecast_trial, name="forecast-trial", sort_key=8)
app.command(score, sort_key=9)
app.command(scores, sort_key=9)
app.command(biomarkers, sort_key=10)
app.command(landmark, sort_key=10)
app.command(compare, sort_key=10)
app.command(two_stage, name="two-stage", sort_key=10)
app.command(export, sort_key=10)
app.command(data)
app.command(model)
app.command(reference)
reference.command(list_references, name="list")
reference.command(describe_reference, name="describe")
reference.command(make_reference, name="make")
data.command(list_data, name="list")
data.command(describe_dataset, name="describe")
data.command(export_dataset, name="export")
model.command(show_model, name="show")
model.command(list_models, name="list")
app.command(
    "metachron.cli.commands.install_completion:install",
    name="--install-completion",
    help="Complete commands and options in this shell, by a line in its start-up file.",
)
