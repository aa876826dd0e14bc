"""How the program ends: its exit codes, and the line that says why."""

from rich.console import Console

from crmasks_widgets.errors import on_one_line

EXIT_DONE, EXIT_OTHER, EXIT_BAD_INPUT, EXIT_EXISTS, EXIT_INTERRUPTED = 0, 1, 2, 4, 130
NO_PRODUCT = "interrupted; no product was written"


def fail(errors: Console, message: str, code: int) -> int:
    """Say in one line what is wrong.

    Parameters
    ----------
    errors : rich.console.Console
        Where.
    message : str
        Of any number of lines.
    code : int
        Of the exit.

    Returns
    -------
    int
        The code.
    """
    text = on_one_line(message)
    errors.print(f"crmasks: {text}", style="bold red", markup=False, highlight=False)
    return code
