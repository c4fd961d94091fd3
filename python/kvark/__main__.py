"""`python -m kvark` is `kvark`."""

import sys

from kvark._cli import main

if __name__ == "__main__":
    sys.exit(main())
