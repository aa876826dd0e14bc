"""From arrays to the bytes of pictures: pure functions, no widgets."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image


def palette_png(indices: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """Encode a picture of at most 256 colours.

    Parameters
    ----------
    indices : (ny, nx) uint8
        Colour of each pixel; row 0 is the lowest one, as in a FITS image.
    palette : (k, 4) uint8
        Red, green, blue and opacity of each colour, k at most 256.

    Returns
    -------
    bytes
        PNG.
    """
    picture = Image.fromarray(np.ascontiguousarray(indices[::-1]), mode="P")
    picture.putpalette(palette[:, :3].tobytes(), "RGB")
    stream = io.BytesIO()
    # Speed matters more than size here: the wire is short or the picture small.
    picture.save(stream, "PNG", compress_level=1, transparency=palette[:, 3].tobytes())
    return stream.getvalue()


def rgba_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """Encode a picture of any colours.

    Parameters
    ----------
    picture : (ny, nx, 4) uint8
        Red, green, blue and opacity; row 0 is the lowest one.

    Returns
    -------
    bytes
        PNG.
    """
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture[::-1])).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
