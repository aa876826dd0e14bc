"""The image on a bench: its plot, and what the page tells of it."""

from crmasks_widgets.dashboard.image.view import ImageView

from .bench import SHAPE, Bench
from .conftest import decoded

SIZE = [400, 300]  # five screen pixels to a pixel: the whole frame fills the plot


def image_bench(frames=None):
    """The view of flat frames, whose plot has its size."""
    made = Bench.of(ImageView, frames)
    made.page.sizes = {"image": SIZE}
    made.view.render(made.model)
    return made


def at(y, x):
    """Fractions of the plot of an array index, with the whole frame on screen."""
    return {"plot": "image", "x": (x + 0.5) / SHAPE[1], "y": (y + 0.5) / SHAPE[0]}


def edges(view):
    return view.x.min, view.x.max, view.y.min, view.y.max


def drawn(view):
    return decoded(view.layers.patch.png)


def show(bench, **content):
    """What the page sends of the row of frames."""
    bench.view.display.bar._handle_custom_msg(content, [])
