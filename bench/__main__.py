"""`python -m bench`: what `make bench` runs. The benchmark itself is in bench/run.py, so that worker processes can import it."""

import sys

from bench.run import main

if __name__ == "__main__":
    sys.exit(main())
