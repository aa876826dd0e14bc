"""A session with one analysis: its state, its engine and the views around them."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Final, TypeVar

from ipywidgets import VBox, Widget

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.combination_kinds import KINDS
from crmasks_widgets.dashboard.diagram.noise_banner import NoiseBanner
from crmasks_widgets.dashboard.diagram.points_view import PointsView
from crmasks_widgets.dashboard.diagram.significance_view import SignificanceView
from crmasks_widgets.dashboard.diagram.view import DiagramView
from crmasks_widgets.dashboard.hits.view import HitsView
from crmasks_widgets.dashboard.image.view import ImageView
from crmasks_widgets.dashboard.model.engine import Engine, Order, Snapshot, default_order
from crmasks_widgets.dashboard.model.place import Place
from crmasks_widgets.dashboard.model.state import State, ViewModel
from crmasks_widgets.dashboard.model.trial import Trial
from crmasks_widgets.dashboard.opening.view import OpenView
from crmasks_widgets.dashboard.page.closing import close_all, widgets_made
from crmasks_widgets.dashboard.page.context import Context, Memo, View
from crmasks_widgets.dashboard.page.dispatch import Dispatcher
from crmasks_widgets.dashboard.page.drawer import Drawer, DrawerPage
from crmasks_widgets.dashboard.page.help import HelpView
from crmasks_widgets.dashboard.page.page import Page
from crmasks_widgets.dashboard.page.remarks import PACKAGE, RemarkHandler
from crmasks_widgets.dashboard.page.status import MenuEntry, StatusView
from crmasks_widgets.dashboard.settings.control_widgets import in_labels
from crmasks_widgets.dashboard.settings.fields import labels_of
from crmasks_widgets.dashboard.settings.files_parts import SAVED
from crmasks_widgets.dashboard.settings.files_view import FilesView
from crmasks_widgets.dashboard.settings.parameters_view import FormView, quick_names
from crmasks_widgets.dashboard.settings.save_queue import SaveQueue
from crmasks_widgets.parameters import Parameters
from crmasks_widgets.products import FigureJob

Later = TypeVar("Later", bound=View)

PARAMETERS: Final = "Parameters"
BOUNDARY: Final = "Boundary"
NOISE: Final = "Noise"
FILES: Final = "Files"
OPEN: Final = "Open"
HELP: Final = "Help"
_PAGES: Final = MappingProxyType({
    OPEN: ("open", "Open other files (O)"),
    FILES: ("save", "Save what is on screen"),
    PARAMETERS: ("settings", "All parameters, boundary points, noise"),
    HELP: ("help", "What is on screen, and what each key does (?)"),
})  # fmt: skip


def _figures(analysis: Analysis) -> Iterator[FigureJob]:
    # Opening the dashboard does not wait for what only products need.
    from crmasks_widgets.figures import all_figures

    return all_figures(analysis)


def _in_words(text: str) -> str:
    """What went wrong, in the words of the controls instead of the keys of parameters."""
    return in_labels(text, labels_of(compact=True))


class Session:
    """Work on one analysis: its state, its engine and the views of it, connected.

    Parameters
    ----------
    analysis : Analysis
        What to look at.
    open_analysis : callable
        Takes an analysis, or detectors, that the user wants to look at instead.
    place : Place
        Where it stands among those of other detectors.
    saves : SaveQueue
        What is saved with.
    """

    def __init__(
        self,
        analysis: Analysis,
        open_analysis: Callable[[Analysis | Mosaic], object],
        place: Place,
        saves: SaveQueue,
    ) -> None:
        self.place, self._saves = place, saves
        self.dispatcher = Dispatcher(self._show_error)
        self.engine = Engine(
            analysis,
            self._take,
            loop=self.dispatcher.loop,
            on_progress=self._progress,
            on_error=self._failed,
        )
        self._warned = RemarkHandler(self.engine.computes_in, self._remark)
        PACKAGE.addHandler(self._warned)
        self.state = State(analysis, self._submit)
        self.trial = Trial(self.state, self.engine, self._compute, self._refused)
        with widgets_made() as self._made:
            self.page = Page()
            self.page.add_class("crmasks-page")
            self.context = Context(self.state, self.dispatcher, self.page)
            self._make_views(open_analysis)
            self.widgets = self._laid_out()
        self._asked = Memo()
        self._asked(self._wanted(self.state.model), lambda: None)
        self._coloured = Memo()
        self._coloured(self.state.model.display.colouring, lambda: None)
        self.state.subscribe(self._render)
        self.context.observe(self.page, self._render_again, "sizes")
        self.page.on_msg(self.dispatcher.handler(self._heard))
        self.context.when_begun(self.state.release)
        self._render(self.state.model)
        self.state.resubmit()

    def _make_views(self, open_analysis: Callable[[Analysis | Mosaic], object]) -> None:
        context = self.context
        self.diagram, self.image = DiagramView(context), ImageView(context)
        self.status = StatusView(
            context,
            self._cancel,
            self._escape,
            self._open_page,
            _PAGES,
            {FILES: self._menu()},
            self.place,
        )
        self.quick = FormView(context, quick_names, compact=True)
        self.parameters = FormView(context)
        self.hits = HitsView(context, self.status.remark, self._settle)
        self.diagram.offer, self.diagram.withdraw = self.status.offer, self.status.withdraw
        self.opening = OpenView(context, open_analysis)
        titled: dict[str, View] = {
            "Diagram": self.diagram,
            "Image": self.image,
            "Hits": self.hits,
            "Everywhere": self.status,
        }
        self.help = HelpView(
            context,
            lambda _: self._say_what_is_open(),
            {title: view.keys for title, view in titled.items()}
            | {"Everywhere": {**self.status.keys, **self.opening.keys}},
        )
        self.drawer = Drawer(
            context,
            {
                PARAMETERS: DrawerPage(
                    lambda: self._parameters_page,
                    lambda on: self.banner.shown(on),
                ),
                BOUNDARY: DrawerPage(lambda: self.points.widget),
                NOISE: DrawerPage(
                    lambda: self.significance.widget, lambda on: self.significance.shown(on)
                ),
                FILES: DrawerPage(lambda: self.files.widget),
            },
            lambda _: self._say_what_is_open(),
        )
        self.views: tuple[View, ...] = (
            *titled.values(),
            self.quick,
            self.parameters,
            self.help,
            self.drawer,
            self.opening,
        )

    # What the drawer alone shows is made when it is first opened: most sessions never do.

    @cached_property
    def points(self) -> PointsView:
        """Fixed points of the boundary as numbers."""
        return self._later(lambda: PointsView(self.context))

    @cached_property
    def significance(self) -> SignificanceView:
        """Noise, and what the significance is made of."""
        return self._later(lambda: SignificanceView(self.context))

    @cached_property
    def banner(self) -> NoiseBanner:
        """What the noise check says, above the parameters."""
        return self._later(lambda: NoiseBanner(self.context))

    @cached_property
    def _parameters_page(self) -> VBox:
        parts = [self.banner.widget, self.parameters.widget]
        with widgets_made() as made:
            page = VBox(parts)
        self._made += made
        return page

    @cached_property
    def files(self) -> FilesView:
        """What is saved, and where."""
        return self._later(
            lambda: FilesView(self.context, _figures, self.place, self._saves, self.status)
        )

    def _menu(self) -> list[MenuEntry]:
        """What the icon of files offers."""
        saves = [MenuEntry(*words, partial(self._save, what)) for what, words in SAVED.items()]
        drawn = "As it is on screen, to the folder of the browser's downloads"
        return [
            *saves,
            MenuEntry("Diagram as PNG", drawn, self.diagram.save),
            MenuEntry("Image as PNG", drawn, self.image.save),
            MenuEntry(
                "Names and folders…",
                "Under which names, and where, all this is saved",
                partial(self._open_page, FILES),
            ),
        ]

    def _save(self, what: str) -> None:
        self.files.save(what, self.status)

    def _later(self, make: Callable[[], Later]) -> Later:
        with widgets_made() as made:
            view = make()
        self._made += made
        self.views += (view,)
        view.render(self.state.model)
        return view

    @property
    def _noise_made(self) -> SignificanceView | None:
        return vars(self).get("significance")

    @property
    def _banner_made(self) -> NoiseBanner | None:
        return vars(self).get("banner")

    def _laid_out(self) -> tuple[Widget, ...]:
        left = VBox([self.diagram.widget, self.quick.widget])
        left.add_class("crmasks-left")
        right = VBox([self.image.widget])
        right.add_class("crmasks-right")
        self.hits.widget.add_class("crmasks-below")
        return (
            self.page, self.status.widget, left, right, self.hits.widget, self.status.foot,
            self.drawer.widget, self.opening.widget, self.help.widget,
        )  # fmt: skip

    def _open_page(self, name: str) -> None:
        if name == HELP:
            self.help.toggle()
            return
        self.help.close_panel()
        if name == OPEN:
            self.opening.show()
        else:
            self.drawer.toggle(name)

    def _say_what_is_open(self) -> None:
        self.status.widget.page = HELP if self.help.widget.shown else self.drawer.page

    def _escape(self) -> None:
        """Close what lies over the views, the topmost first; else stop what is computed."""
        if self.help.close_panel():
            return
        if self.drawer.page:
            self.drawer.open("")
        elif self.diagram.close_panel() or self.image.display.close_panel():
            return
        elif self.status.widget.busy:
            self._cancel()

    def stop(self) -> None:
        """Stop computing."""
        self.dispatcher.stop()
        self.engine.close()
        self.hits.close()
        PACKAGE.removeHandler(self._warned)

    def close(self) -> None:
        """Stop computing and remove the widgets."""
        self.stop()
        self.opening.close()
        if (files := vars(self).get("files")) is not None:
            files.close()
        close_all(self._made)
        self.image.close()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is computed that was not shown; False after `timeout` seconds."""
        # What is shown after a computation may ask for another one.
        while idle := self.engine.wait(timeout):
            published = self.engine.publish(timeout)
            if not self.dispatcher.drain() and not published:
                break
        return idle

    # From the state to the engine and back ------------------------------------------------------

    def _submit(self, parameters: Parameters) -> None:
        self.trial.forget()
        self._compute(parameters)

    def _compute(self, parameters: Parameters) -> None:
        self.engine.order = self._order(parameters)
        self.engine.submit(parameters)
        self.status.working()

    def _order(self, parameters: Parameters) -> Order:
        """What is on screen first, then everything else."""
        analysis, display = self.engine.requested, self.state.model.display
        target, has_boundary = display.target, parameters.has_boundary
        # With the mask come the flags that it is made of: they are drawn together.
        detected: Order = (("mediancr", None), ("flags", target), ("hits", None))
        observed: Order = (("observed", target),)
        # A spline waits for simulations, a boundary through fixed points for nothing.
        waits = has_boundary and parameters.mm_boundary_fit == "spline"
        first = (*observed, *detected) if waits else (*detected, *observed)
        expected: Order = (("expected", None),) if has_boundary else ()
        frame: Order = tuple(("combination", kind) for kind in KINDS if kind in display.parts)
        sigma = self.diagram.wanted(parameters, target)
        if self._noise_made is not None:
            sigma += self._noise_made.wanted(parameters, target)
        if self._banner_made is not None:
            sigma += self._banner_made.wanted()
        return (("stack", None), *first, *frame, *sigma, *expected, *default_order(analysis))

    def _take(self, snapshot: Snapshot) -> None:
        self.dispatcher.call(partial(self._publish, snapshot))

    def _publish(self, snapshot: Snapshot) -> None:
        self.status.finished(snapshot)
        self.state.publish(snapshot.analysis)
        self.hits.begin()
        if snapshot.done:
            self.status.settle(snapshot.analysis)
            self.trial.done(snapshot.analysis.parameters)
            self.place.changed()

    def _progress(self, fraction: float, stage: str) -> None:
        self.dispatcher.call(partial(self.status.progress, fraction, stage))

    def _failed(self, error: Exception, failed: Analysis) -> None:
        self.dispatcher.call(partial(self.trial.failed, error, failed))

    def _refused(self, text: str) -> None:
        text = _in_words(text)
        self.status.settle(self.engine.analysis)
        if self.state.model.parameters == self.engine.analysis.parameters:
            self.status.error(text)
        else:  # the rest is being computed
            self.status.fail(text)

    def _cancel(self) -> None:
        computed_on = self.trial.cancel()
        self.status.settle(self.engine.analysis)
        if computed_on:
            self.status.say("stopped; what was changed after it is computed")
        else:
            self.status.stopped()

    def _remark(self, text: str) -> None:
        # In the thread that computes, while it computes what is warned of.
        self.dispatcher.call(partial(self.status.remark, text, self.engine.holds()))

    def _settle(self) -> None:
        """Take away what is true neither of what is on screen nor of what is being computed."""
        self.status.settle(self.engine.analysis, self.engine.requested)

    def _show_error(self, message: str) -> None:
        self.status.error(_in_words(message))

    def fail(self, message: str) -> None:
        """Say what went wrong; whatever is being computed goes on."""
        self.status.fail(_in_words(message))

    # From the page to the views -----------------------------------------------------------------

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        event = content.get("event")
        if event == "key":
            # Traits may be held back: a key means the place where the pointer is.
            newest = {"pointer": content.get("at") or {}}
            if wheel := content.get("wheel"):
                newest["wheel"] = wheel
            self.page.set_state(newest)
            self._pressed(content)
        elif event == "hold":
            self.state.hold()
        elif event == "release":
            self.state.release()

    def _pressed(self, content: dict[str, Any]) -> None:
        """Do what a key stands for: first in the pane where the pointer is, then in any view."""
        key = content["key"]
        held = "Ctrl+Shift+" if content.get("shift") else "Ctrl+"
        name = f"{held}{key.lower()}" if content.get("control") else key
        plot = (content.get("at") or {}).get("plot") or content.get("pane")
        for view in sorted(self.views, key=lambda view: plot not in view.plots):
            if name in view.keys:
                view.keys[name].action()
                return

    def _render(self, model: ViewModel) -> None:
        for view in self.views:
            view.render(model)
        self._asked(self._wanted(model), self.state.resubmit)
        self._coloured(model.display.colouring, self.place.changed)

    def _wanted(self, model: ViewModel) -> tuple[Any, ...]:
        """What of the display decides what is computed first."""
        made = (self._noise_made, self._banner_made)
        looked = tuple(view is not None and view.active for view in made)
        return model.display.target, model.display.parts, looked

    def _render_again(self) -> None:
        self.state.refresh()
