"""A moving picture of what is done on a page, for the documentation."""

import io
import os
from pathlib import Path

from PIL import Image, ImageDraw

MOST_BYTES = 2_000_000
WIDTH = 1000  # pixels, of the picture
TIMES = 3  # then it rests, as what moves beside a text has to
# A pointer: screenshots have none.
ARROW = ((0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12))


class Film:
    """Screenshots of a dashboard one after the other; none are taken if they are not asked for.

    They go to the folder that CRMASKS_SCREENSHOTS names.
    """

    def __init__(self, screen):
        self._screen, self._at = screen, (0.0, 0.0)
        self._folder = os.environ.get("CRMASKS_SCREENSHOTS")
        self.frames, self._times = [], []

    def shoot(self, milliseconds, at=None):
        """Take a picture that is seen for some time, with the pointer there on the page."""
        self._at = at or self._at
        if not self._folder:
            return
        box = self._screen.dashboard.bounding_box()
        png = self._screen.page.screenshot(clip=box)
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        corner = self._at[0] - box["x"], self._at[1] - box["y"]
        arrow = [(corner[0] + x, corner[1] + y) for x, y in ARROW]
        ImageDraw.Draw(picture).polygon(arrow, fill="black", outline="white")
        height = round(picture.height * WIDTH / picture.width)
        self.frames.append(picture.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self._times.append(milliseconds)

    def move(self, place, steps=6, milliseconds=60):
        """Move the pointer there, a picture a step."""
        start = self._at
        for step in range(1, steps + 1):
            at = [a + (b - a) * step / steps for a, b in zip(start, place, strict=True)]
            self._screen.page.mouse.move(*at)
            self._screen.page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
            self.shoot(milliseconds, at)

    def write(self, name):
        """Write it, small enough for a page of documentation."""
        if not self._folder:
            return
        path = Path(self._folder) / f"{name}.webp"
        first, *others = self.frames
        first.save(
            path, save_all=True, append_images=others, duration=self._times, loop=TIMES,
            quality=72, method=4,
        )  # fmt: skip
        size = path.stat().st_size
        assert size < MOST_BYTES, f"{path}: {size} bytes, expected less than {MOST_BYTES}"
