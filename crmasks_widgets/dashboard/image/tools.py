"""What the mouse does on the image."""

from types import MappingProxyType
from typing import Final

from ipywidgets import BoundedIntText, HBox, Layout

from crmasks_widgets.dashboard.page.buttons import icon_tools
from crmasks_widgets.dashboard.page.context import Context

PAN: Final = "pan"
ZOOM_BOX: Final = "box"
PAINT: Final = "paint"
ERASE: Final = "erase"
LOCAL_MEDIAN: Final = "neighbours"
REGIONS: Final = "regions"
_TOOLS: Final = MappingProxyType({
    PAN: "Pan: drag to move, turn the wheel to zoom, click to select a hit (p)",
    ZOOM_BOX: "Zoom box: drag a box to see it larger (o)",
    PAINT: "Paint: drag over pixels that are cosmic-ray hits",
    ERASE: "Erase: drag over flagged pixels that are no cosmic-ray hits in any exposure",
    LOCAL_MEDIAN: "Local median: click a pixel that the median of its neighbours shall replace; "
    "again: not",
    REGIONS: "Regions: draw and change those to be skipped, of the flux factor and of the "
    "cross-correlation (R)",
})  # fmt: skip


def window_fields() -> tuple[BoundedIntText, BoundedIntText]:
    """Fields for the widths in x and y of the window of a local median."""
    return (
        _count("Window x", "Odd width of the window of a local median, pixels", 5),
        _count("y", "Odd height of the window of a local median, pixels", 5),
    )


def window_widths(fields: tuple[BoundedIntText, BoundedIntText]) -> tuple[int, int]:
    """Widths in the fields; those that are even are one pixel more."""
    return int(fields[0].value) | 1, int(fields[1].value) | 1


def _count(text: str, tooltip: str, value: int) -> BoundedIntText:
    width = f"{66 + 7 * len(text)}px"
    return BoundedIntText(
        value=value, min=1, max=99, step=2, description=text, tooltip=tooltip,
        style={"description_width": "auto"},
        layout=Layout(width=width),
    )  # fmt: skip


class ToolBar:
    """What the mouse does on the image, and the sizes that it uses for that.

    Parameters
    ----------
    context : Context
        What a view works with.
    """

    def __init__(self, context: Context) -> None:
        self.tools = icon_tools(_TOOLS)
        self.size = _count("Brush", "Side of the square that paints and erases, pixels", 1)
        self.window = window_fields()
        self.options = HBox([self.size, *self.window])
        self.options.add_class("crmasks-options")
        context.observe(self.tools, self._fit)
        self._fit()

    def _fit(self) -> None:
        """Show the sizes that the tool uses."""
        tool = self.tools.value
        self.size.layout.display = "" if tool in (PAINT, ERASE) else "none"
        for field in self.window:
            field.layout.display = "" if tool == LOCAL_MEDIAN else "none"
        used = tool in (PAINT, ERASE, LOCAL_MEDIAN)
        self.options.layout.display = "" if used else "none"
