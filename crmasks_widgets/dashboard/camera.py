"""The detectors of a camera: a session for each, of which one is on screen."""

from collections.abc import Callable
from dataclasses import replace

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.dashboard.model.place import Place
from crmasks_widgets.dashboard.session import Session
from crmasks_widgets.dashboard.settings.save_queue import SaveQueue
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.parameters.several import with_shared


class Camera:
    """The sessions; each is made when its detector is first looked at.

    A session has its own history, and keeps what belongs to its detector alone. What all detectors
    share is that of the detector on screen: another one takes it over when it comes on screen, as
    one step of undo, and when all are saved.

    Parameters
    ----------
    mosaic : Mosaic
        The detectors, one or more.
    open_other : callable
        Takes an analysis, or detectors, that the user wants to look at instead.
    show : callable
        Takes the session that is to be on screen from now on.
    changed : callable
        Called when another session is shown, has computed all that it was asked for, or has another
        look.
    saves : SaveQueue
        What all sessions save with.
    """

    def __init__(
        self,
        mosaic: Mosaic,
        open_other: Callable[[Analysis | Mosaic], object],
        show: Callable[[Session], object],
        changed: Callable[[], object],
        saves: SaveQueue,
    ) -> None:
        self._mosaic, self._open, self._show, self._changed = mosaic, open_other, show, changed
        self._saves = saves
        self._sessions: dict[int, Session] = {}
        self.shown = self._begin(0, mosaic.analyses[0])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the detectors."""
        return self._mosaic.names

    def _begin(self, number: int, analysis: Analysis) -> Session:
        place = Place(self.names, number, self.choose, self.whole, self._changed)
        session = self._sessions[number] = Session(analysis, self._open, place, self._saves)
        return session

    def choose(self, number: int) -> None:
        """Show a detector.

        Parameters
        ----------
        number : int
            From 0.

        Raises
        ------
        CrmasksError
            What all detectors share cannot be used with what it has of its own; nothing changes.
        """
        session = self._sessions.get(number)
        if session is self.shown:
            return
        display = self.shown.state.model.display
        parameters = self._parameters_of(number, self.shown.state.model.parameters)
        if session is None:
            session = self._begin(number, self._mosaic[number].with_parameters(parameters))
        else:
            session.state.adopt(parameters)
        own = session.state.model.display
        session.state.show(
            **vars(replace(display, diagram=own.diagram, sigma=own.sigma, image=own.image))
        )
        self.shown = session
        self._show(session)
        self._changed()

    def _parameters_of(self, number: int, shared: Parameters) -> Parameters:
        session = self._sessions.get(number)
        own = self._mosaic[number].parameters if session is None else session.state.model.parameters
        return with_shared(own, shared)

    def whole(self, shown: Analysis) -> Analysis | Mosaic:
        """All detectors, each with what is set for it alone.

        Parameters
        ----------
        shown : Analysis
            Of the one on screen. What all detectors share is taken from it: newer settings, which
            are still being computed, are those of none.

        Returns
        -------
        Analysis or Mosaic
            The same, where products are those of one detector.

        Raises
        ------
        CrmasksError
            What all detectors share cannot be used with what one has of its own.
        """
        return self.mosaic(shown) if self._mosaic.several else shown

    def mosaic(self, shown: Analysis) -> Mosaic:
        """Give all detectors; arguments and errors as of `whole`."""
        analyses = tuple(
            shown if self._sessions.get(number) is self.shown else self._as_set(number, shown)
            for number in range(len(self.names))
        )
        return replace(self._mosaic, analyses=analyses)

    def _as_set(self, number: int, shown: Analysis) -> Analysis:
        session = self._sessions.get(number)
        known = self._mosaic[number] if session is None else session.engine.analysis
        return known.with_parameters(self._parameters_of(number, shown.parameters))

    def wait(self, timeout: float | None = None) -> bool:
        """Block until no session computes; False after `timeout` seconds in one of them."""
        return all([session.wait(timeout) for session in self._sessions.values()])

    def stop(self) -> None:
        """Stop computing."""
        for session in self._sessions.values():
            session.stop()

    def close(self) -> None:
        """Stop computing and remove the widgets."""
        for session in self._sessions.values():
            session.close()
