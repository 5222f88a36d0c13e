"""`python -m alexnet_lib` is the command `alexnet`."""

import sys

from .cli import main

sys.exit(main())
