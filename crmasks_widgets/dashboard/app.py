"""The dashboard as the user meets it in a notebook."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from IPython import get_ipython
from ipywidgets import Layout, VBox

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.dashboard.camera import Camera
from crmasks_widgets.dashboard.model.state import State
from crmasks_widgets.dashboard.on_page import OnPage
from crmasks_widgets.dashboard.page.closing import close_all
from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.dashboard.page.message_queue import keep_messages
from crmasks_widgets.dashboard.page.remarks import remarks_told
from crmasks_widgets.dashboard.session import Session
from crmasks_widgets.dashboard.settings.save_queue import SaveQueue
from crmasks_widgets.dashboard.still import Still
from crmasks_widgets.errors import InputError
from crmasks_widgets.exposure_names import is_parameter_file
from crmasks_widgets.loading import load_mosaic
from crmasks_widgets.starting.opening import open_detectors

logger = logging.getLogger(__name__)

# The still picture in the notebook follows what is on screen when it has rested for so long.
STILL_AFTER: Final = 2.0  # s


class Dashboard:
    """See why each pixel was flagged, move a boundary or a threshold, and see the masks follow.

    Shown when it is the last line of a notebook cell.

    Parameters
    ----------
    analysis : Analysis or Mosaic
        What to look at; of several detectors the first is shown at first.

    Attributes
    ----------
    widget : ipywidgets.VBox
        The dashboard on the page.
    camera : Camera
        The work on each detector; another one after another file was opened.

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

    def __init__(self, analysis: Analysis | Mosaic) -> None:
        keep_messages(get_ipython())
        self.widget = VBox(layout=Layout(width="100%"))
        self.widget.add_class("crmasks-dashboard")
        self._still = Still(self.widget.model_id)
        self._on_page = OnPage(self.widget)
        # What was asked to be saved outlives the session that it was asked in.
        self._dispatcher = Dispatcher(lambda text: self.session.fail(text))
        self._saves = SaveQueue(self._dispatcher, lambda: self.session.status)
        self.camera = self._begin(analysis)
        self._on_page.show(self.session)

    def _begin(self, analysis: Analysis | Mosaic) -> Camera:
        if isinstance(analysis, Analysis):
            name = str(analysis.parameters.extnum)
            analysis = Mosaic((name,), (analysis,), several=False)
        return Camera(analysis, self.open, self._on_page.show, self._follow, self._saves)

    @property
    def session(self) -> Session:
        """The work on the detector on screen."""
        return self.camera.shown

    @property
    def analysis(self) -> Analysis:
        """The newest analysis of the detector on screen that is computed to the end."""
        return self.session.engine.analysis

    @property
    def mosaic(self) -> Mosaic:
        """All detectors, with what is set for them: what saving saves.

        The one on screen, and what all share, as it was last computed to the end. What the user has
        not looked at is computed when it is asked for.
        """
        return self.camera.mosaic(self.analysis)

    @property
    def state(self) -> State:
        """What the user has set, for the detector on screen."""
        return self.session.state

    def choose(self, detector: int | str) -> None:
        """Show another detector, as the list in the bar at the top does.

        Parameters
        ----------
        detector : int or str
            Number, from 1, or name.

        Raises
        ------
        InputError
            There is no such detector.
        ParameterError
            What all detectors share cannot be used with what this one has of its own.
        """
        names = self.camera.names
        if detector not in names and detector not in range(1, len(names) + 1):
            msg = f"detector: found {detector}, expected one of {', '.join(names)}"
            raise InputError(msg)
        self.camera.choose(names.index(detector) if isinstance(detector, str) else detector - 1)

    def open(self, analysis: Analysis | Mosaic) -> None:
        """Look at something else; what was set and can be undone is left behind.

        Parameters
        ----------
        analysis : Analysis or Mosaic
            What to look at from now on.
        """
        before = self.camera
        self.camera = self._begin(analysis)
        before.stop()
        self._on_page.show(self.session, before.close)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is being computed, and what was is on screen.

        What was refused is taken back then.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        bool
            False if something is being computed still.
        """
        idle = self.camera.wait(timeout)
        self._dispatcher.drain()
        return idle

    def close(self) -> None:
        """Stop computing and remove the widgets; what is being saved is written to its end."""
        self._saves.close()
        self._on_page.close()
        self.camera.close()
        close_all([self.widget])

    @property
    def _detector(self) -> str:
        place = self.session.place
        return place.names[place.number] if place.several else ""

    def _picture(self) -> dict[str, str]:
        return self._still.bundle(self.state.model, self._detector)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self.widget._repr_mimebundle_(**options)
        data, *rest = bundle if isinstance(bundle, tuple) else (bundle,)
        data = {**(data or {}), **self._picture()}
        return (data, *rest) if rest else data

    def _ipython_display_(self) -> None:
        bundle = self.widget._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        self._still.display(data or {}, self.state.model, self._detector)

    def _follow(self) -> None:
        """Let the still picture follow, once nothing has changed during a while."""
        self.session.dispatcher.later("still", STILL_AFTER, self._refresh_still)

    def _refresh_still(self) -> None:
        self._still.refresh(self.session.page, self.state.model, self._detector)


def open(files: str | Path | Sequence[str | Path], **given: Any) -> Dashboard:
    """Open the dashboard on FITS files alone, or on a parameter file.

    What there is to be warned of stands in the line at its bottom.

    Parameters
    ----------
    files : path, or sequence of paths
        FITS files, folders and patterns; two or more exposures of one field. Or one parameter
        file, with nothing else.
    **given : object
        Parameters that are known, such as ``gain=1.7`` or ``extnum="SCI"``; of files with several
        detectors, ``detector=2`` or its name for one of them, all by default.

    Returns
    -------
    Dashboard
        Shown when it is the last line of a notebook cell.

    Raises
    ------
    InputError, ParameterError
        As of `open_files` and `load_mosaic`.

    Examples
    --------
    >>> dashboard = cm.open("demo/exposure*.fits", gain=1.7)
    >>> dashboard.analysis.exposures.n
    3
    >>> dashboard.close()
    """
    names = [str(name) for name in ([files] if isinstance(files, str | Path) else files)]
    remarks: list[str] = []
    tell: Callable[[str], object] = partial(logger.warning, "%s")
    try:
        with remarks_told(remarks.append):
            if is_parameter_file(names) and not given:
                opened = load_mosaic(names[0])
            else:
                opened = open_detectors(names, **given)
        shown = Dashboard(opened)
        tell = shown.session.status.remark
    finally:  # without a dashboard, above the error that they may explain
        for text in remarks:
            tell(text)
    return shown
