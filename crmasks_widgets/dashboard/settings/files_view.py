"""Out: what is on screen is saved."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from ipywidgets import HTML, Checkbox, HBox, Layout, Text, VBox

from crmasks_widgets.analysis import Analysis
from crmasks_widgets.analysis.mosaic import Mosaic
from crmasks_widgets.analysis.run import Run
from crmasks_widgets.dashboard.model.place import Place
from crmasks_widgets.dashboard.model.state import ViewModel
from crmasks_widgets.dashboard.page.buttons import word_button
from crmasks_widgets.dashboard.page.context import Context, Shortcut
from crmasks_widgets.dashboard.settings.files_parts import (
    ENDINGS,
    SUFFIXES,
    Line,
    Named,
    Told,
    as_given,
    free_name,
    path_of,
)
from crmasks_widgets.dashboard.settings.save_queue import REPLACE, Save, SaveQueue
from crmasks_widgets.errors import CrmasksError
from crmasks_widgets.files.writing import Written
from crmasks_widgets.products import FigureJob, Figures, save_all
from crmasks_widgets.products.hits import save_hits, save_regions
from crmasks_widgets.products.session import save_session

# Widths of what stands before the fields, and of what stands after them.
_LABEL: Final = 76  # pixels
_BUTTON: Final = "120px"


class FilesView:
    """Saves sessions, products, reports, regions and tables.

    Parameters
    ----------
    context : Context
        What a view works with.
    figures : callable, optional
        `crmasks_widgets.figures.all_figures`; products have no figures without it.
    place : Place, optional
        Where the session stands among those of other detectors, which are saved with it.
    queue : SaveQueue, optional
        What it saves with; others may use it, too.
    home : Told, optional
        The line at the bottom of the page that this is on.
    """

    def __init__(
        self,
        context: Context,
        figures: Figures | None = None,
        place: Place | None = None,
        queue: SaveQueue | None = None,
        home: Told | None = None,
    ) -> None:
        self._place, self._home = place, home
        self._context, self._state = context, context.state
        self._figures = figures
        self._queue = queue or SaveQueue(context.dispatcher)
        self.plots: tuple[str, ...] = ()
        self.keys: dict[str, Shortcut] = {}
        self._make_fields()
        self._words: dict[Callable[..., Any], str] = {
            self._save_yaml: "parameters", self._save_products: "products",
            self._save_report: "report", self._save_hits: "hits",
        }  # fmt: skip
        self._lines = self._make_lines()
        self.stop = word_button(
            context, "Stop", "Stop writing; nothing is left half done", self._queue.stop,
            Layout(width=_BUTTON),
        )  # fmt: skip
        lines = [line.widget for line in self._lines.values()]
        # The last row begins where the fields begin, and its button ends where theirs end.
        last = Layout(margin=f"0 0 0 {_LABEL + 8}px", align_items="center")
        spring = HTML(layout=Layout(flex="1 1 0"))
        choices = HBox([self.with_figures, self.overwrite, spring, self.stop], layout=last)
        self.widget = VBox([*lines, choices], layout=Layout(padding="6px 8px"))
        self.widget.add_class("crmasks-files")
        self._queue.subscribe(self._show_busy)
        self._show_busy()

    def _make_fields(self) -> None:
        wide = Layout(flex="1 1 auto", width="auto", min_width="0")
        style = {"description_width": f"{_LABEL}px"}
        self.session = Text(
            value="session.yaml", description="write YAML", style=style, layout=wide
        )
        self.folder = Text(value="products", description="folder", style=style, layout=wide)
        self.report = Text(value="report.html", description="report", style=style, layout=wide)
        self.hits = Text(value="hits.reg", description="hits", style=style, layout=wide)
        self.with_figures = Checkbox(
            value=self._figures is not None, disabled=self._figures is None,
            description="figures", indent=False, layout=Layout(width="80px"),
        )  # fmt: skip
        self.overwrite = Checkbox(description=REPLACE, indent=False, layout=Layout(width="170px"))

    def _make_lines(self) -> dict[Callable[..., Any], Line]:
        described = (
            (self._save_yaml, [self.session], "Save YAML", "Write what crmasks run needs"),
            (
                self._save_products, [self.folder], "Write products",
                "Masks, combinations, tables and, if wanted, figures",
            ),
            (
                self._save_report, [self.report], "Write report",
                "One HTML file to send: what was found, every hit in every exposure, the noise",
            ),
            (
                self._save_hits, [self.hits], "Export hits",
                "DS9 regions (.reg) or the table (.csv, .ecsv)",
            ),
        )  # fmt: skip
        return {
            action: Line(
                fields,
                word_button(
                    self._context,
                    text,
                    tooltip,
                    partial(self._start, action),
                    Layout(width=_BUTTON),
                ),
            )
            for action, fields, text, tooltip in described
        }

    def render(self, model: ViewModel) -> None:
        """Nothing of a view model is shown here."""

    def close(self) -> None:
        """Follow no more what is saved, which goes on."""
        self._queue.unsubscribe(self._show_busy)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing is being written, for plain Python; False if it still is.

        In a notebook what is done is shown on the loop that this would block.
        """
        return self._queue.wait(timeout)

    def save(self, what: str, told: Told) -> None:
        """Save something where the fields say, under a name that is free.

        Parameters
        ----------
        what : str
            Key of `SAVED`.
        told : Told
            Shows where it was written, or why not.

        Notes
        -----
        A name that is taken when it is written is numbered, unless existing files are to be
        replaced.
        """
        saves = {"yaml": self._save_yaml, "products": self._save_products,
                 "report": self._save_report}  # fmt: skip
        named = partial(
            free_name,
            suffix=SUFFIXES.get(what, ""),
            replace=bool(self.overwrite.value),
            endings=ENDINGS.get(what, ()),
        )
        action = saves.get(what, self._save_hits)
        self._begin(self._words[action], partial(action, named), told)

    # In the kernel's loop ---------------------------------------------------------------------

    def _start(self, action: Callable[[], Callable[[], Any]]) -> None:
        self._begin(self._words[action], action, self._lines[action])

    def _begin(self, name: str, action: Callable[[], Callable[[], Any]], told: Told) -> None:
        """Take what is on screen and in the fields now; it is written when its turn comes."""
        try:
            self._queue.add(Save(name, action(), told, self._home))
        except CrmasksError as error:
            told.fail(str(error))

    def _show_busy(self) -> None:
        self.stop.disabled = not self._queue.busy
        for line in self._lines.values():
            line.button.disabled = self._queue.holds(line)

    def _save_yaml(self, named: Named = as_given) -> Callable[[], list[Written]]:
        path, saved = path_of(self.session.value, "YAML file"), self._saved()
        save = partial(save_session, overwrite=self.overwrite.value)
        return lambda: save(saved, named(path))

    def _save_products(self, named: Named = as_given) -> Callable[[], list[Written]]:
        folder, saved = path_of(self.folder.value, "folder"), self._followed()
        figures = self._drawn if self.with_figures.value else None
        save = partial(save_all, figures=figures, overwrite=self.overwrite.value)
        return lambda: save(saved, named(folder))

    def _save_report(self, named: Named = as_given) -> Callable[[], Written]:
        path, saved = path_of(self.report.value, "report"), self._followed()
        save = partial(_write_report, overwrite=self.overwrite.value)
        return lambda: save(saved, named(path))

    def _save_hits(self, named: Named = as_given) -> Callable[[], Written]:
        path, overwrite = path_of(self.hits.value, "hits"), bool(self.overwrite.value)
        if named(path).suffix.lower() == ".reg":  # which knows one frame
            shown = self._shown()
            return lambda: save_regions(shown, named(path), overwrite=overwrite)
        saved = self._followed()
        return lambda: save_hits(saved, named(path), overwrite=overwrite)

    def _shown(self) -> Analysis:
        model = self._state.model
        if model.analysis.parameters != model.parameters:
            raise CrmasksError("the newest settings are still being computed; try again after that")
        return model.analysis

    def _saved(self) -> Analysis | Mosaic:
        shown = self._shown()
        return shown if self._place is None else self._place.whole(shown)

    def _followed(self) -> Analysis | Mosaic:
        """What is saved, such that what is computed for it is told of and can be stopped."""
        saved, run = self._saved(), Run(self._checkpoint)
        if isinstance(saved, Analysis):
            return saved.under(run)
        return replace(saved, analyses=tuple(each.under(run) for each in saved))

    # In the thread ----------------------------------------------------------------------------

    def _checkpoint(self, fraction: float) -> None:
        self._queue.tell(f"computing what is not known yet, {100 * fraction:.0f} % of this step…")

    def _drawn(self, analysis: Analysis) -> Iterator[FigureJob]:
        for job in self._figures(analysis) if self._figures is not None else ():
            self._queue.tell(f"drawing {job.name}…")
            yield job


def _write_report(analysis: Analysis | Mosaic, path: Path, *, overwrite: bool) -> Written:
    # Opening the dashboard does not wait for what only reports need.
    from crmasks_widgets.report import save_report

    return save_report(analysis, path, overwrite=overwrite)
