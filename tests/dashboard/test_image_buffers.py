"""Pictures that stay in the browser: made once, and forgotten when they are too many."""

from bqplot import LinearScale

from crmasks_widgets.dashboard.plots.image_buffers import ImageBuffers, Same


def test_image_buffers_make_each_picture_once_and_forget_the_oldest():
    scales = {"x": LinearScale(), "y": LinearScale()}
    buffers, made = ImageBuffers(scales, 2), []

    def show(name):
        def make():
            made.append(name)
            return name.encode(), (0, 1, 0, 1)

        buffers.show(name, make)
        assert buffers.png == name.encode()

    for name in ("a", "b", "a", "c", "a", "b"):
        show(name)
    assert made == ["a", "b", "c", "b"]


def test_a_key_of_an_object_ends_with_it():
    class Thing:
        pass

    thing, other = Thing(), Thing()
    key = Same(thing)
    assert key == Same(thing)
    assert hash(key) == hash(Same(thing))
    assert key != Same(other)
    del thing
    assert key != Same(other)
    assert key != key.__class__(other)
