"""A helper for ExaBGP that is moved by a test: what comes on its standard input goes to a socket, and the other way."""

import os
import socket
import sys
from threading import Thread


def main() -> None:
    link = socket.socket(socket.AF_UNIX)
    link.connect(sys.argv[1])

    def down() -> None:
        while octets := os.read(0, 1 << 16):
            link.sendall(octets)
        os._exit(0)

    Thread(target=down, daemon=True).start()
    while octets := link.recv(1 << 16):
        while octets:
            octets = octets[os.write(1, octets) :]


if __name__ == "__main__":
    main()
