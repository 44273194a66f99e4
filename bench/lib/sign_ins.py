# SPDX-License-Identifier: MIT
"""Whether the time of a refused sign-in tells what is there: each from another
address of this machine and for another account, the classes in another random
order each time. The form is asked for before, and not timed.

usage: sign_ins.py URL ROUNDS CLASS...   (accounts: CLASS-N@example.org)
Writes rows of a Markdown table.
"""
import http.client
import random
import re
import sys
import time
from urllib.parse import urlencode, urlsplit

import classes


def sign_in(at, number, email):
    """The answer without what is each request's own, and its time."""
    source = f'127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}'
    client = http.client.HTTPConnection(at.hostname, at.port,
                                        source_address=(source, 0))
    client.request('GET', '/login')
    form = client.getresponse()
    cookies = '; '.join(c.split(';')[0]
                        for c in form.headers.get_all('set-cookie'))
    token = re.search(r'name="csrf" value="([^"]+)"', form.read().decode())
    body = urlencode({'csrf': token[1], 'email': email,
                      'password': 'not the password of anybody'})
    begin = time.perf_counter_ns()
    client.request('POST', '/login', body, {
        'Cookie': cookies, 'Content-Type': 'application/x-www-form-urlencoded'})
    answer = client.getresponse()
    text = answer.read().decode()
    took = time.perf_counter_ns() - begin
    client.close()
    text = text.replace(email, 'ADDRESS').replace(token[1], 'TOKEN')
    return (answer.status, text), took


def main():
    at, rounds = urlsplit(sys.argv[1]), int(sys.argv[2])
    order = random.Random(1)
    took = {name: [] for name in sys.argv[3:]}
    answers = set()
    number = 0
    for i in range(-5, rounds):
        names = list(took)
        order.shuffle(names)
        for name in names:
            number += 1
            # As long as each other, so that the answers are.
            answer, ns = sign_in(at, number, f'{name}-{1000 + i}@example.org')
            answers.add(answer)
            if i >= 0:
                took[name].append(ns / 1e6)
    if len(answers) != 1 or next(iter(answers))[0] != 401:
        raise SystemExit(f'{len(answers)} different answers: {answers}')
    print('\n'.join(classes.rows(took, 'ms', 2)))


main()
