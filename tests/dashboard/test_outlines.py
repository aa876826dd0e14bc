"""Lines on pixels are seen on every colour of every colour map."""

import numpy as np
import pytest

from crmasks_widgets.dashboard.drawing import cutouts, outlines, stretches
from crmasks_widgets.dashboard.drawing.colour_tables import rgb
from crmasks_widgets.dashboard.drawing.glyphs import contrast


@pytest.mark.parametrize("colours", stretches.COLOUR_MAPS)
def test_one_of_two_lines_has_contrast_with_any_colour(colours):
    found = {tuple(colour) for colour in stretches.colour_palette(colours)[:, :3].tolist()}
    for line in (outlines.LINE, outlines.RING):
        seen = [max(contrast(c, rgb(one)) for one in (line, outlines.UNDER)) for c in found]
        assert min(seen) >= 3


def test_the_outline_of_a_hit_is_a_light_line_in_a_dark_one():
    panels = cutouts.arrange(2, (5, 5), (110, 60))
    side = panels.side
    hit = np.zeros((5, 5), bool)
    hit[2, 1:4] = True
    bright = np.full((5, 5), 199, np.uint8)  # the brightest shade, on which yellow is lost
    drawn = cutouts.raster(panels, [bright], np.zeros((5 * side, 5 * side), np.uint8), hit)
    colours = cutouts.palette("magma")[drawn][..., :3]
    x, y = panels.corner(0)
    column = colours[y : y + 5 * side, x + 2 * side + side // 2]
    names = {rgb(outlines.LINE): "light", rgb(outlines.UNDER): "dark"}
    across = [names.get(tuple(colour), "") for colour in column.tolist()]
    inside = [""] * (side - 2)
    beside = [""] * (2 * side - 1)
    assert across == [*beside, "dark", "light", *inside, "light", "dark", *beside]
