"""Tests of crmasks_widgets."""

import os

# Threads of astroscrappy that wait by turning round make a busy machine many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
