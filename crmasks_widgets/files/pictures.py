"""From arrays to the bytes of pictures."""

import base64
import io
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

# Speed matters more than size where the wire is short or the picture small.
QUICK: Final = 1
SMALL: Final = 9


def palette_png(
    indices: npt.NDArray[np.uint8],
    palette: npt.NDArray[np.uint8],
    *,
    effort: int = QUICK,
    mark: str = "",
) -> bytes:
    """Encode a picture of at most 256 colours.

    Parameters
    ----------
    indices : (ny, nx) uint8
        Colour of each pixel; row 0 is the lowest one, as in a FITS image.
    palette : (k, 4) uint8
        Red, green, blue and opacity of each colour, k at most 256.
    effort : int
        Of the compression, 1 to 9.
    mark : str
        ASCII text that is to be found near the beginning of the file.

    Returns
    -------
    bytes
        PNG.
    """
    picture = Image.fromarray(np.ascontiguousarray(indices[::-1]), mode="P")
    picture.putpalette(palette[:, :3].tobytes(), "RGB")
    stream = io.BytesIO()
    transparency = palette[:, 3].tobytes()
    texts = PngInfo()
    if mark:
        texts.add_text("Comment", mark)
    picture.save(stream, "PNG", compress_level=effort, transparency=transparency, pnginfo=texts)
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
    Image.fromarray(np.ascontiguousarray(picture[::-1])).save(stream, "PNG", compress_level=QUICK)
    return stream.getvalue()


def data_address(png: bytes) -> str:
    """Put a picture into an address, for a page that is one file.

    Parameters
    ----------
    png : bytes
        PNG.

    Returns
    -------
    str
        "data:image/png;base64,...".
    """
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
