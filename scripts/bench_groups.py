#!/usr/bin/env python3
"""How late groups are told when many are due at once: to an Alertmanager and to Keepwatch.

    scripts/bench_groups.py [--groups 1000] [--rounds 5] [--peer PATH] [--keepwatch PATH]

Each round posts one alert for each of 1,000 groups in one request, so that all are due in the same instant, after a
group_wait of 3 s; all go to one webhook. Times count from when the groups were due: from the end of the request plus
group_wait, so a group can be early by as much as the request took. For Keepwatch also the time by which its journal
says every delivery had begun. CPU is that of the server's process. Needs Linux and nothing but Python.
"""
import argparse
import datetime
import json
import re
import select
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time

from bench_alerts import Server, settle

WAIT = 3.0
LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


class Sink:
    """A webhook that answers at once and remembers when each notification came. It reads nothing out of bodies
    meanwhile, since it shares the machine with what is measured."""

    def __init__(self):
        self.came = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def arrivals(self):
        """Unix time, s, of the first notification of each group."""
        first = {}
        for at, message in list(self.came):
            body = message.split(b"\r\n\r\n", 1)[1]
            first.setdefault(json.loads(body)["groupKey"], at)
        return first

    def run(self):
        poll = select.epoll()
        poll.register(self.listener, select.EPOLLIN)
        open_ = {}
        while True:
            for number, _ in poll.poll():
                if number == self.listener.fileno():
                    connection, _ = self.listener.accept()
                    connection.setblocking(False)
                    open_[connection.fileno()] = [connection, b""]
                    poll.register(connection, select.EPOLLIN)
                    continue
                entry = open_[number]
                part = entry[0].recv(1 << 16)
                if not part:
                    poll.unregister(number)
                    open_.pop(number)[0].close()
                    continue
                entry[1] += part
                if is_whole(entry[1]):
                    self.came.append((time.time(), entry[1]))
                    entry[1] = b""
                    entry[0].send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def is_whole(message):
    head, end, body = message.partition(b"\r\n\r\n")
    size = LENGTH.search(head)
    return bool(end) and len(body) >= int(size.group(1) if size else 0)


def config(port):
    return f"""
route: {{receiver: hook, group_by: [job], group_wait: 3s, group_interval: 5m, repeat_interval: 4h}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{port}/', send_resolved: false}}]}}]
"""


def begun(server, since, count):
    """Unix time, s, by which the journal has `count` deliveries begun after `since`; None for another server."""
    times, cursor = [], ""
    while True:
        path = "/api/keepwatch/v1/journal?code=delivery-started&limit=1000" + cursor
        try:
            page = json.loads(server.ask("GET", path))["data"]
        except RuntimeError:
            return None
        for event in page["events"]:
            at = datetime.datetime.fromisoformat(event["at"].replace("Z", "+00:00")).timestamp()
            if at >= since:
                times.append(at)
        if len(times) >= count:
            return max(times)
        if "next" not in page:
            sys.exit(f"the journal has {len(times)} of {count} deliveries")
        cursor = "&cursor=" + page["next"]


def measure(command, options):
    folder = tempfile.mkdtemp(prefix="bench-groups-")
    sink = Sink()
    server = Server(command, folder, config(sink.port))
    rounds = []
    for number in range(options.rounds + 1):
        sink.came.clear()
        alerts = [{"labels": {"alertname": "Due", "job": f"job-{number}-{group:04}"}} for group in range(options.groups)]
        body = json.dumps(alerts)
        before, started = server.cpu(), time.time()
        server.ask("POST", "/api/v2/alerts", body)
        posted = time.time()
        until = posted + WAIT + 60
        while len(sink.came) < options.groups:
            if time.time() > until:
                sys.exit(f"{command[0]} sent {len(sink.came)} of {options.groups} notifications; its log: {folder}/log")
            time.sleep(0.05)
        settle(server)
        late = sorted((at - posted - WAIT) * 1000 for at in sink.arrivals().values())
        figures = {
            "CPU, s": server.cpu() - before,
            "first arrives after, ms": late[0],
            "half have arrived after, ms": late[len(late) // 2],
            "all have arrived after, ms": late[-1],
        }
        all_begun = begun(server, started, options.groups)
        if all_begun is not None:
            figures["all deliveries have begun after, ms"] = (all_begun - posted - WAIT) * 1000
        # The first round warms up: connections, memory.
        if number:
            rounds.append(figures)
    server.stop()
    shutil.rmtree(folder)
    return rounds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", default=shutil.which("prometheus-alertmanager"))
    parser.add_argument("--keepwatch", default="target/release/keepwatch")
    options = parser.parse_args()
    if not options.peer:
        sys.exit("there is no Alertmanager to compare with; name one with --peer")
    peer = measure([options.peer], options)
    ours = measure([options.keepwatch, "alertmanager"], options)
    print("| median (longest) of rounds | Alertmanager | Keepwatch |\n|---|---|---|")
    for key in ours[0]:
        show = lambda rounds: (
            f"{statistics.median(r[key] for r in rounds):,.2f} ({max(r[key] for r in rounds):,.2f})"
            if key in rounds[0]
            else "–"
        )
        print(f"| {key} | {show(peer)} | {show(ours)} |")


if __name__ == "__main__":
    main()
