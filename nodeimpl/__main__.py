"""`python -m nodeimpl`: one member of a cluster, with etcd's flags."""

import sys

from nodeimpl.server.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
