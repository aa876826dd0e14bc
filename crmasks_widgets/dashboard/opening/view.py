"""Opening other files: lists, looks, proposes, and opens what the user has agreed to."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from ipywidgets import Box

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.dashboard.drawing.stretches import colour_indices
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.opening import words
from crmasks_widgets.dashboard.opening.dialog import OpenDialog
from crmasks_widgets.dashboard.opening.newest import Newest, Task
from crmasks_widgets.dashboard.page.closing import close_all, widgets_made
from crmasks_widgets.dashboard.page.context import Context, Shortcut
from crmasks_widgets.errors import CrmasksError, InputError
from crmasks_widgets.exposure_names import YAML_SUFFIXES, as_value, is_pattern, split_plane
from crmasks_widgets.files.finding import ProductError
from crmasks_widgets.files.listing import Listing, list_folder, list_matches
from crmasks_widgets.files.peeking import peek, thumbnail
from crmasks_widgets.limits import colour_limits
from crmasks_widgets.loading import load_mosaic
from crmasks_widgets.machine import MIB
from crmasks_widgets.parameters import Parameters, parameter_table
from crmasks_widgets.parameters.several import settings_of_any
from crmasks_widgets.products.session import anchored
from crmasks_widgets.regular_files import at_home
from crmasks_widgets.starting.opening import Beginning, begin_with

LEVELS: Final = ("gain", "rnoise", "bias")
PICTURES: Final = 16  # of the files that are chosen
_SIDE: Final = 96  # pixels of a thumbnail
_LONG: Final = 2  # times as high as wide, from which on thumbnails are turned
READ_UNASKED: Final = 512 * MIB
_SETTLED: Final = 0.3  # s without another choice, before files are read


class OpenView:
    """The dialog that opens other exposures, or a parameter file.

    Parameters
    ----------
    context : Context
        What a view works with.
    open_analysis : callable
        Takes the analysis, or the detectors, to be shown from now on.
    """

    plots: tuple[str, ...] = ()

    def __init__(
        self, context: Context, open_analysis: Callable[[Analysis | Mosaic], object]
    ) -> None:
        self._context, self._open = context, open_analysis
        self.keys = {"O": Shortcut("open other files", self.show)}
        self.widget = Box()
        self.widget.add_class("crmasks-opening")
        # Names are listed while files are read; these one after the other, whose warnings are told
        # apart only so.
        self._threads = [ThreadPoolExecutor(1, "crmasks-opening") for _ in range(2)]
        names, files = self._threads
        self._lists = Newest(context.dispatcher, names)
        self._looks, self._pictures, self._reads = (
            Newest(context.dispatcher, files) for _ in range(3)
        )
        self._chosen: tuple[str, ...] = ()
        self._given: dict[str, Any] = {}
        # The files as read, and what is to be opened: nothing while a field says something else.
        self._beginning: Beginning | None = None
        self._agreed: Beginning | None = None
        self._open_then = self._keep = False
        self._actions: dict[str, Callable[[dict[str, Any]], object]] = {
            "go": lambda said: self.go(str(said["path"])),
            "look": lambda said: self._look(said["paths"]),
            "choose": lambda said: self.choose(said["paths"]),
            "set": lambda said: self.give(said["values"]),
            "read": lambda _: self._read(),
            "open": lambda said: self.accept(keep=said.get("keep") is True),
            "stop": lambda _: self.stop(),
            "close": lambda _: self.shut(),
        }

    @cached_property
    def dialog(self) -> OpenDialog:
        """The dialog; made when it is first opened."""
        with widgets_made() as self._made:
            dialog = OpenDialog(pictures=PICTURES, suffixes=list(YAML_SUFFIXES))
        dialog.on_msg(self._context.dispatcher.handler(self._heard))
        self.widget.children = (dialog,)
        return dialog

    def render(self, model: ViewModel) -> None:
        """Nothing of a view model is shown here."""

    def show(self) -> None:
        """Show the dialog, with the files beside those that are on screen."""
        if not self.dialog.opened:
            shown = self._context.state.model.analysis.exposures.paths
            beside = shown[0].parent if shown else Path()
            folder = self.dialog.listing.get("folder") or beside
            self.go(str(folder))
            self.dialog.opened = True

    def shut(self) -> None:
        """Close the dialog; nothing has been opened, and nothing is kept of what was chosen."""
        self.choose(())
        self.stop()
        self.dialog.outside, self.dialog.opened = [], False

    def close(self) -> None:
        """End the threads, and remove the widgets."""
        for each in (self._lists, self._looks, self._pictures, self._reads):
            each.stop()
        for thread in self._threads:
            thread.shutdown(wait=False)
        self.widget.children = ()
        if "dialog" in vars(self):
            close_all(self._made)

    def wait(self, timeout: float) -> None:
        """Block until all is answered that was asked, for plain Python."""
        # The last one twice: files may be opened once it is known what is proposed for them.
        for each in (self._lists, self._looks, self._pictures, self._reads, self._reads):
            each.wait(timeout)

    def stop(self) -> None:
        """Do not wait any more for what is being looked for or read."""
        for each in (self._lists, self._looks, self._pictures, self._reads):
            each.stop()
        self._context.dispatcher.later("opening", 0.0, lambda: None)
        self.dialog.looking = self.dialog.doing = ""
        self._open_then = False

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        action = self._actions.get(content.get("do", ""))
        if action is not None:
            action(content)

    # What there is ------------------------------------------------------------------------------

    def go(self, path: str) -> None:
        """List a folder or a pattern, or choose a file.

        Parameters
        ----------
        path : str
            As the user wrote it; a relative one is looked for in the folder that is shown.
        """
        self.dialog.listing_error, self.dialog.looking = "", "looking…"
        where = self.dialog.listing.get("folder") or os.getcwd()
        whole = os.path.normpath(os.path.join(where, at_home(path.strip() or where)))
        self._lists.ask(partial(_found, whole), self._show_found, self._refuse)

    def _show_found(self, found: Listing | str) -> None:
        self.dialog.looking = ""
        if isinstance(found, Listing):
            self.dialog.listing = words.listing_of(found)
        else:
            self.dialog.outside = [found]

    def _refuse(self, text: str) -> None:
        self.dialog.looking, self.dialog.listing_error = "", text

    def _look(self, paths: Sequence[str]) -> None:
        """Say what the headers of these files tell, each as soon as it is known."""
        self._looks.ask(partial(self._peek_all, tuple(map(str, paths))), _nothing, _nothing)

    def _peek_all(self, paths: Iterable[str], task: Task) -> None:
        for path in paths:
            task.go_on()
            self._tell(task, {"event": "facts", "facts": {path: _peeked(path)}})

    def _picture_all(self, paths: Iterable[str], task: Task) -> None:
        for path in paths:
            task.go_on()
            self._tell(task, {"event": "facts", "facts": {path: _peeked(path)}})
            try:
                shape, pixels = _picture(path)
            except InputError:
                continue  # the facts have said so
            self._tell(task, {"event": "picture", "path": path, "shape": shape}, [pixels])

    def _tell(
        self, task: Task, content: dict[str, Any], buffers: list[bytes] | None = None
    ) -> None:
        task.tell(partial(self.dialog.send, content, buffers))

    # What is chosen, and proposed for it --------------------------------------------------------

    def choose(self, paths: Sequence[str]) -> None:
        """Take files to be opened together.

        Parameters
        ----------
        paths : sequence of str
            Whole ones, in their order, all of them; or one parameter file. The page gives exposures
        in the order of a pattern in a parameter file, so that both number them alike.
        """
        self._chosen, self._given = tuple(map(str, paths)), {}
        self._beginning = self._agreed = None
        self._open_then = False
        self._reads.stop()
        self.dialog.error, self.dialog.doing, self.dialog.proposal = "", "", {}
        exposures = [path for path in self._chosen if not _is_parameters(path)]
        self._pictures.ask(partial(self._picture_all, exposures[:PICTURES]), _nothing, _nothing)
        if len(exposures) < len(self._chosen):
            alone = len(self._chosen) == 1
            title = "A parameter file says all of this itself."
            self.dialog.proposal = {"title": title, "remarks": [], "rows": [], "ready": alone}
        elif exposures:
            self._context.dispatcher.later("opening", _SETTLED, self._read_unasked)

    def _read_unasked(self) -> None:
        size = words.sizes_of(self._chosen)
        if size <= READ_UNASKED:
            self._read()
        else:
            self.dialog.proposal = {"ask": f"Read {size / 1e9:.1f} GB, to propose gain and noise"}

    def _read(self) -> None:
        """Propose for what is chosen and given; the files are read if they have not been."""
        self._agreed = None
        if not self._chosen:
            return
        self.dialog.error = ""
        extension = self._given.get("extnum")
        levels = {name: value for name, value in self._given.items() if name in LEVELS}
        if self._beginning is None:
            self.dialog.doing = "reading the exposures…"
            asked = partial(_begun, self._chosen, extension, levels)
        else:
            self.dialog.doing = "proposing…"
            asked = partial(_anew, self._beginning, levels)
        alone = len(self._chosen) == 1 and extension is None
        self._reads.ask(asked, self._propose, self._hint if alone else self._say)

    def _hint(self, why: str) -> None:
        """One file is no fault yet: the others may be chosen next."""
        self.dialog.doing = ""
        title = "Choose the other exposures of the same field, too."
        self.dialog.proposal = {"title": title, "remarks": [why], "rows": [], "ready": False}

    def give(self, values: Mapping[str, str]) -> None:
        """Take values that the user knows better; what follows from them is proposed anew.

        Parameters
        ----------
        values : mapping
            Text by parameter: all that was typed. An empty one asks for the proposal.
        """
        before, given = self._given.get("extnum"), {}
        self._open_then, self._agreed = False, None
        self._reads.stop()
        try:
            for name in filter(values.get, words.ASKED):
                text = values[name].strip()
                whole = name == "extnum" and text.isdecimal()
                value = int(text) if whole else as_value(text)
                given[name] = getattr(Parameters(**{name: value}), name)
        except CrmasksError as error:
            self._say(str(error))
            return
        self._given = given
        if before != given.get("extnum"):
            self._beginning = None
        self._read()

    def _propose(self, beginning: Beginning) -> None:
        self._beginning = self._agreed = beginning
        kept = words.settings_in_words(_changed(self._context.state.model.parameters, beginning))
        self.dialog.doing = ""
        self.dialog.proposal = {**words.proposal_of(beginning), "kept": kept}
        if self._open_then:
            self._open_then = False
            self.accept(keep=self._keep)

    def _say(self, text: str) -> None:
        self.dialog.doing, self.dialog.error = "", text
        self._open_then = False

    # Opening ------------------------------------------------------------------------------------

    def accept(self, *, keep: bool = False) -> None:
        """Open what is chosen, with what stands in the fields, once that is looked at.

        What another extension says has to be seen first.

        Parameters
        ----------
        keep : bool
            Take settings of the detection that were changed on screen to the exposures.
        """
        self._keep = keep
        if len(self._chosen) == 1 and _is_parameters(self._chosen[0]):
            opened: Callable[[Task], Mosaic] = partial(_loaded, self._chosen[0])
        elif self._agreed is not None:
            settings = _changed(self._context.state.model.parameters, self._agreed) if keep else {}
            opened = partial(_opened, self._agreed, settings)
        elif self.dialog.proposal.get("ready") and not self.dialog.error:
            if not self.dialog.doing:  # it was stopped
                self._read()
            self._open_then = self._beginning is not None
            return
        else:
            return
        self.dialog.error, self.dialog.doing = "", "opening…"
        self._reads.ask(opened, self._done, self._say)

    def _done(self, mosaic: Mosaic) -> None:
        self.shut()
        self._open(mosaic if mosaic.several else mosaic.analyses[0])


def _nothing(_: object) -> None:
    """Take an answer of which nothing is shown."""


def _is_parameters(path: str) -> bool:
    return path.lower().endswith(YAML_SUFFIXES)


# In the threads ---------------------------------------------------------------------------------


def _found(whole: str, task: Task) -> Listing | str:
    """What there is at a path: a folder, the files of a pattern, or one file."""
    if os.path.isdir(whole):
        return list_folder(Path(whole), task.go_on)
    if os.path.isfile(split_plane(whole)[0]) or os.path.isfile(whole):
        return whole
    if is_pattern(whole):
        return list_matches(whole, task.go_on)
    raise InputError(f"{whole}: not found, expected a folder, a file or a pattern such as *.fits")


def _file_of(path: str) -> Path:
    return Path(path if os.path.isfile(path) else split_plane(path)[0])


def _peeked(path: str) -> dict[str, str]:
    try:
        return words.facts_of(peek(_file_of(path)))
    except ProductError as error:
        return {"product": error.kind}
    except InputError as error:
        return {"error": str(error)}


def _picture(path: str) -> tuple[tuple[int, int], bytes]:
    pixels = thumbnail(peek(_file_of(path))[0], _SIDE)
    # A long spectrum would be a line.
    pixels = pixels.T if len(pixels) > _LONG * len(pixels[0]) else pixels
    ny, nx = pixels.shape
    indices = colour_indices(pixels, colour_limits(pixels, "zscale"), "linear")
    return (ny, nx), indices.tobytes()


def _begun(names: Sequence[str], extnum: Any, levels: Mapping[str, Any], task: Task) -> Beginning:
    return begin_with(names, extnum=extnum, going_on=task.go_on, **levels)


def _anew(beginning: Beginning, levels: Mapping[str, Any], task: Task) -> Beginning:
    task.go_on()
    return beginning.with_levels(**levels)


def _loaded(path: str, task: Task) -> Mosaic:
    task.go_on()
    return anchored(load_mosaic(path))


def _opened(beginning: Beginning, settings: Mapping[str, Any], task: Task) -> Mosaic:
    """Look at exposures as is proposed, and with the settings that were asked for."""
    task.go_on()
    return beginning.beside(settings).mosaic(**settings)


def _changed(shown: Parameters, beginning: Beginning) -> dict[str, Any]:
    """Settings on screen that others could take over: changed, and not proposed for these files."""
    # A run that asks nothing is what is proposed for any.
    proposed = {"interactive", *(each.name for each in beginning.proposals)}
    usual = {info.name: info.default for info in parameter_table()}
    settings = settings_of_any(shown).items()
    return {k: v for k, v in settings if k not in proposed and v != usual[k]}
