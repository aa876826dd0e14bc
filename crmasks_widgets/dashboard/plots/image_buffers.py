"""Several pictures that take turns in a figure without being sent again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from weakref import ref

from bqplot import Image, Scale
from ipywidgets import Image as Buffer
from ipywidgets import Layout

from crmasks_widgets.dashboard.plots.swap_image import BLANK

Extent = Sequence[float]


class Same:
    """A key that is equal to another one if both stand for the same living object.

    It does not keep the object, which may be large.

    Parameters
    ----------
    thing : object
        What the key stands for.
    """

    def __init__(self, thing: object) -> None:
        self._thing, self._hash = ref(thing), id(thing)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        thing = self._thing()
        return isinstance(other, Same) and thing is not None and thing is other._thing()


class ImageBuffers:
    """A `bqplot.Image` mark whose last pictures stay in the browser.

    Blinking costs neither drawing nor sending then. Buffers are made when they are needed; at
    capacity the oldest one is used again.

    Parameters
    ----------
    scales : mapping
        Scales "x" and "y" of the figure.
    capacity : int
        Pictures kept, at least 2.
    """

    def __init__(self, scales: dict[str, Scale], capacity: int) -> None:
        self._capacity, self._layout = capacity, Layout()
        self._blank = self._buffer(BLANK)
        self._kept: OrderedDict[Hashable, tuple[Buffer, tuple[float, ...]]] = OrderedDict()
        self.mark = Image(image=self._blank, scales=scales, x=(0.0, 1.0), y=(0.0, 1.0))

    def _buffer(self, png: bytes) -> Buffer:
        return Buffer(value=png, format="png", layout=self._layout)

    def close(self) -> None:
        """Close the buffers: those that are not on screen are in no trait of another widget."""
        for buffer in (self._blank, *(buffer for buffer, _ in self._kept.values())):
            buffer.close()

    @property
    def png(self) -> bytes:
        """The picture on screen."""
        return bytes(self.mark.image.value)

    def show(self, key: Hashable, make: Callable[[], tuple[bytes, Extent]]) -> None:
        """Show a picture.

        Parameters
        ----------
        key : hashable
            What the picture follows from.
        make : callable
            Makes its PNG and its outer edges (x_min, x_max, y_min, y_max), in data units; called
            only if the picture is not kept.
        """
        if key not in self._kept:
            png, extent = make()
            if len(self._kept) < self._capacity:
                buffer = self._buffer(png)
            else:
                buffer = self._kept.popitem(last=False)[1][0]
                buffer.value = png
            self._kept[key] = buffer, tuple(float(edge) for edge in extent)
        self._kept.move_to_end(key)
        buffer, (x_min, x_max, y_min, y_max) = self._kept[key]
        with self.mark.hold_sync():
            self.mark.x, self.mark.y = (x_min, x_max), (y_min, y_max)
            self.mark.image = buffer
