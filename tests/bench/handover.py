"""A helper of ExaBGP that hands its standard input and output to the bench, and waits.

So the bench reads and writes ExaBGP's own pipes, and no relay's speed is in a figure.
"""

import socket
import sys


def main() -> None:
    link = socket.socket(socket.AF_UNIX)
    link.connect(sys.argv[1])
    socket.send_fds(link, [b"\0"], [0, 1])
    link.recv(1)  # until the bench is done


if __name__ == "__main__":
    main()
