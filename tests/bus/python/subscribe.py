"""A plain pyzmq SUB: subscribe.py URL PREFIX... Prints each message as it comes."""
import sys

import zmq

socket = zmq.Context().socket(zmq.SUB)
for prefix in sys.argv[2:]:
    socket.subscribe(prefix)
socket.connect(sys.argv[1])
while True:
    print(socket.recv_string(), flush=True)
