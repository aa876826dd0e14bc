"""What a run with bad input has to say."""

from crmasks_widgets.ending import EXIT_BAD_INPUT

from .conftest import digests


def refused(work, *fragments, arguments=()):
    """Run, and check that it is refused in the one right way."""
    before = digests(work.folder)
    result = work.run(*arguments)
    assert result.code == EXIT_BAD_INPUT, result
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("crmasks: ")
    for fragment in fragments:
        assert fragment in lines[0]
    assert "Traceback" not in result.out + result.err
    assert digests(work.folder) == before
    return lines[0]
