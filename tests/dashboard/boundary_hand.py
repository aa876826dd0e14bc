"""The hand on the boundary of the diagram, as the page tells of it."""

GESTURE = "one"


def parameters(dashboard):
    return dashboard.state.model.parameters


def points(dashboard):
    return parameters(dashboard).mm_fixed_points_in_boundary


def say(hand, **content):
    hand._handle_custom_msg(content, [])


def meant(hand, index):
    """How the page says which point it means; none of the list for a new one."""
    shown = hand.scene["points"]
    return {"index": index, "was": (*shown, None, None)[index], "count": len(shown)}


def take(hand, index, gesture=GESTURE):
    say(hand, event="grasp", gesture=gesture, **meant(hand, index))


def move(hand, x, y, gesture=GESTURE):
    hand.set_state({"moved": {"gesture": gesture, "x": x, "y": y}})


def drop(hand, x, y, gesture=GESTURE):
    say(hand, event="drop", gesture=gesture, x=x, y=y)


def drag(hand, index, *places, gesture=GESTURE):
    """Take a point, move it, and let it go where it was last."""
    take(hand, index, gesture)
    for place in places:
        move(hand, *place, gesture)
    drop(hand, *places[-1], gesture)
