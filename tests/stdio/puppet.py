"""A stdio server whose strings the test pulls: what it reads goes to a socket, what the socket brings it writes."""

import os
import socket
import threading

strings = socket.socket(socket.AF_UNIX)
strings.connect(os.environ["PUPPET"])


def read() -> None:
    while data := os.read(0, 65536):
        strings.sendall(data)
    strings.shutdown(socket.SHUT_WR)


threading.Thread(target=read, daemon=True).start()
while said := strings.recv(65536):
    while said:
        said = said[os.write(1, said) :]
os._exit(int(os.environ.get("PUPPET_STATUS", "0")))
