"""The dashboard as the user meets it in a notebook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from IPython import get_ipython
from ipywidgets import Layout, VBox

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.dashboard.model.state import State
from crmasks_widgets.dashboard.page.message_queue import keep_messages
from crmasks_widgets.dashboard.session import Session
from crmasks_widgets.dashboard.still import with_still
from crmasks_widgets.starting.opening import open_files


class Dashboard:
    """See why each pixel was flagged, move a boundary or a threshold, and see the masks follow.

    Shown when it is the last line of a notebook cell.

    Parameters
    ----------
    analysis : Analysis
        What to look at.

    Attributes
    ----------
    widget : ipywidgets.VBox
        The dashboard on the page.
    session : Session
        The work on one analysis; another one after another file was opened.

    Examples
    --------
    >>> dashboard = cm.Dashboard(cm.load_analysis("demo/params.yaml"))
    >>> dashboard.state.update(la_sigclip=8.0)
    >>> dashboard.wait(60)
    True
    >>> dashboard.analysis.parameters.la_sigclip
    8.0
    >>> dashboard.close()
    """

    def __init__(self, analysis: Analysis) -> None:
        keep_messages(get_ipython())
        self.widget = VBox(layout=Layout(width="100%"))
        self.widget.add_class("crmasks-dashboard")
        self.session = Session(analysis, self.open)
        self.widget.children = self.session.widgets

    @property
    def analysis(self) -> Analysis:
        """The newest analysis that is computed to the end."""
        return self.session.engine.analysis

    @property
    def state(self) -> State:
        """What the user has set."""
        return self.session.state

    def open(self, analysis: Analysis) -> None:
        """Look at something else; what was set and can be undone is left behind.

        Parameters
        ----------
        analysis : Analysis
            What to look at from now on.
        """
        before = self.session
        self.session = Session(analysis, self.open)
        self.widget.children = self.session.widgets
        before.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is being computed.

        In plain Python the views follow then; in Jupyter they do by themselves.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        bool
            False if something is being computed still.
        """
        return self.session.wait(timeout)

    def close(self) -> None:
        """Stop computing and remove the widgets."""
        self.session.close()
        self.widget.layout.close()
        self.widget.close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return with_still(self.widget._repr_mimebundle_(**options), self.state.model)


def open(files: str | Path | Sequence[str | Path], **given: Any) -> Dashboard:
    """Open the dashboard on FITS files alone.

    Parameters
    ----------
    files : path, or sequence of paths
        FITS files, folders and patterns; two or more exposures of one field.
    **given : object
        Parameters that are known, such as ``gain=1.7`` or ``extnum="SCI"``; of files with several
        detectors, ``detector=2`` or its name, the first by default.

    Returns
    -------
    Dashboard
        Shown when it is the last line of a notebook cell.

    Raises
    ------
    InputError, ParameterError
        As of `open_files`.

    Examples
    --------
    >>> dashboard = cm.open("demo/exposure*.fits", gain=1.7)
    >>> dashboard.analysis.exposures.n
    3
    >>> dashboard.close()
    """
    return Dashboard(open_files(files, **given))
