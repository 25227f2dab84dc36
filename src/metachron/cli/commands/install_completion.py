"""``metachron --install-completion``: made by cyclopts, imported only when it is asked for."""

from cyclopts.completion.install import create_install_completion_command

from metachron.cli.app import app

install = create_install_completion_command(app.install_completion, add_to_startup=True)
