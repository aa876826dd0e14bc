"""The hand on the boundary of the diagram, as the page tells of it."""

GESTURE = "one"


def parameters(dashboard):
    return dashboard.state.model.parameters


def points(dashboard):
    return parameters(dashboard).mm_fixed_points_in_boundary


def say(hand, **content):
    hand._handle_custom_msg(content, [])


def take(hand, index, gesture=GESTURE):
    say(hand, event="grasp", gesture=gesture, index=index)


def move(hand, index, x, y, gesture=GESTURE):
    hand.set_state({"moved": {"gesture": gesture, "index": index, "x": x, "y": y}})


def drop(hand, index, x, y, gesture=GESTURE):
    say(hand, event="drop", gesture=gesture, index=index, x=x, y=y)


def drag(hand, index, *places, gesture=GESTURE):
    """Take a point, move it, and let it go where it was last."""
    take(hand, index, gesture)
    for place in places:
        move(hand, index, *place, gesture)
    drop(hand, index, *places[-1], gesture)
