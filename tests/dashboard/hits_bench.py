"""The hits on a bench: what their gallery is sent, what the page says, and what is listed."""


class Cards:
    """What the gallery was sent."""

    def __init__(self, view):
        self.sent = []
        view.gallery.send = lambda content, buffers=None: self.sent.append((content, buffers))

    @property
    def newest(self):
        return self.sent[-1][0]["cards"]


def watched(bench):
    """The view, and what is sent to its gallery from now on."""
    bench.view._sent = type(bench.view._sent)()
    cards = Cards(bench.view)
    bench.state.refresh()
    return bench.view, cards


def say(widget, **message):
    widget._handle_custom_msg(message, [])


def choose(bench, name, value):
    say(bench.view.bar, event="set", name=name, value=value)


def fits_pixels(pixels):
    return tuple(sorted((x + 1, y + 1) for y, x in pixels))


def verdicts(bench):
    return bench.view.listing.verdicts.tolist()


def shown(bench):
    return bench.view.listing.shown.tolist()
