"""What detectors look at, and how the user is told of it."""

from crmasks_widgets.core.targets import all_targets, target_name


def test_all_targets_have_names():
    assert all_targets(3) == ("median", "mean", 1, 2, 3)
    names = list(map(target_name, all_targets(3)))
    assert names == ["median", "mean", "exposure 1", "exposure 2", "exposure 3"]
