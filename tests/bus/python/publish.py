"""A plain pyzmq PUB: publish.py bind|connect URL. Prints where it is; sends each line of standard input as it stands."""
import sys

import zmq

socket = zmq.Context().socket(zmq.PUB)
getattr(socket, sys.argv[1])(sys.argv[2])
print(socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
for line in sys.stdin:
    socket.send_string(line.rstrip("\n"))
