"""What lies in the current folder is data: no module is imported from there.

`python -m crmasks_widgets` puts the current folder before all others. A file ``astropy.py`` in a
folder that came from somebody else would be run. Modules of Python itself are imported before this
one can be; `crmasks`, or `python -P -m crmasks_widgets`, keep them safe, too.
"""

import os
import sys
from pathlib import Path


def leave_out_current_folder(path: list[str], arguments: list[str], package: Path) -> None:
    """Take the current folder off the module path if this package is being run from there.

    Parameters
    ----------
    path : list of str
        Module path; changed in place.
    arguments : list of str
        Of the interpreter; ``-m`` is the first while the package of a module to be run is imported.
    package : Path
        Folder that the package lies in: it may be the current one, as in a clone.
    """
    if not path or arguments[:1] != ["-m"]:
        return
    try:
        first, here = os.path.realpath(path[0]), os.path.realpath(os.curdir)
    except OSError:  # it has been removed
        return
    if first == here and first != os.path.realpath(package):
        del path[0]


leave_out_current_folder(sys.path, sys.argv, Path(__file__).parents[1])
