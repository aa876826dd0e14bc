"""What the parts of the page with JavaScript of their own have in common."""

from typing import Any
from uuid import uuid4

import anywidget
import traitlets


class Part(anywidget.AnyWidget):
    """A widget that can find its own model on the page (`hearing.js` says what for).

    Attributes
    ----------
    ident : str
        The name by which the page knows its model.
    """

    ident = traitlets.Unicode(read_only=True).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        ident = uuid4().hex
        self.set_trait("ident", ident)
        super().__init__(model_id=ident, **traits)
