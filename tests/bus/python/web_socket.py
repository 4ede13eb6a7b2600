"""A WebSocket of the library `websockets`: web_socket.py URL

Prints each message; sends each line of standard input. The last line printed says how it ended.
"""
import sys
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def send(socket):
    for line in sys.stdin:
        socket.send(line.rstrip("\n"))


with connect(sys.argv[1], max_size=None) as socket:
    threading.Thread(target=send, args=(socket,), daemon=True).start()
    try:
        while True:
            print(socket.recv(), flush=True)
    except ConnectionClosed as closed:
        print("closed", closed.rcvd.code if closed.rcvd else None, flush=True)
