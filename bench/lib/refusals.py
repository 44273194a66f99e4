# SPDX-License-Identifier: MIT
"""Whether a refusal's time tells why: one connection, one request after the
other, the classes in another random order each time, so that whatever drifts
drifts for all of them.

usage: refusals.py URL ROUNDS CLASS=FILE...   (a key a line, used in turn)
Writes rows of a Markdown table.
"""
import random
import socket
import sys
import time
from urllib.parse import urlsplit

import classes


class Client:
    def __init__(self, url):
        at = urlsplit(url)
        self.host = at.netloc
        self.path = at.path
        self.to = (at.hostname, at.port)
        self.socket = None

    def ask(self, key):
        """The answer without what is each request's own, and its time."""
        rq = (f'GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n'
              f'X-API-Key: {key}\r\n\r\n').encode()
        if not self.socket:
            self.socket = socket.create_connection(self.to)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.perf_counter_ns()
        self.socket.sendall(rq)
        got = b''
        while True:
            part = self.socket.recv(65536)
            took = time.perf_counter_ns() - begin
            if not part:
                raise SystemExit('the connection was closed')
            got += part
            head, end, body = got.partition(b'\r\n\r\n')
            lines = head.lower().split(b'\r\n')
            length = [int(x[15:]) for x in lines
                      if x.startswith(b'content-length:')]
            if end and length and len(body) >= length[0]:
                break
        if b'connection: close' in lines:
            self.socket = None
        own = (b'date:', b'x-request-id:', b'connection:')
        return (tuple(x for x in lines if not x.startswith(own)), body), took


def main():
    url, rounds = sys.argv[1], int(sys.argv[2])
    keys = {}
    for word in sys.argv[3:]:
        name, path = word.split('=')
        with open(path, encoding='ascii') as f:
            keys[name] = f.read().split()
    client, order = Client(url), random.Random(1)
    took = {name: [] for name in keys}
    answers = set()
    for i in range(-200, rounds):
        names = list(keys)
        order.shuffle(names)
        for name in names:
            list_ = keys[name]
            answer, ns = client.ask(list_[i % len(list_)])
            answers.add(answer)
            if i >= 0:
                took[name].append(ns / 1000)
    if len(answers) != 1:
        raise SystemExit(f'{len(answers)} different answers: {answers}')
    print('\n'.join(classes.rows(took, 'us', 1)))


main()
