"""`python -m crmasks_widgets` is the `crmasks` program."""

import sys

from crmasks_widgets.cli import main

sys.exit(main())
