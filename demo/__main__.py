"""`python -m demo`: what `make demo` runs. The demo itself is in demo/run.py, so that its worker processes can import it."""

import sys

from demo.run import Demo

if __name__ == "__main__":
    sys.exit(Demo().run())
