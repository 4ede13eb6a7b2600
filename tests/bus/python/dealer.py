"""A plain pyzmq DEALER: dealer.py URL. Sends all lines of standard input before it reads one answer.

Before each question goes an envelope of its own, which must come back with the answer: prints "NUMBER ANSWER".
"""
import sys

import zmq

socket = zmq.Context().socket(zmq.DEALER)
socket.rcvtimeo = 30000
socket.connect(sys.argv[1])
questions = [line.rstrip("\n").encode() for line in sys.stdin]
for number, question in enumerate(questions):
    socket.send_multipart([b"%d" % number, b"", question])
for _ in questions:
    number, empty, answer = socket.recv_multipart()
    assert empty == b"", empty
    print(number.decode(), answer.decode(), flush=True)
