"""A plain pyzmq REQ: request.py URL. Each line of standard input is a question; its answer is printed as it comes."""
import sys

import zmq

socket = zmq.Context().socket(zmq.REQ)
socket.rcvtimeo = 30000
socket.connect(sys.argv[1])
for line in sys.stdin:
    socket.send_string(line.rstrip("\n"))
    print(socket.recv_string(), flush=True)
