#!/usr/bin/env python3
"""What alerts cost: posts them to an Alertmanager and to Keepwatch, asks for them, and silences them.

    scripts/bench_alerts.py [--alerts 100000] [--silences 10000] [--peer PATH] [--keepwatch PATH]

Batches of 500 alerts with 6 labels and 3 annotations, grouped by alert name and cluster, one receiver without
integrations. Figures are CPU seconds of the server's process, which other load changes least. Needs Linux and
nothing but Python.
"""
import argparse
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

CONFIG = """
route: {receiver: nobody, group_by: [alertname, cluster], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: nobody}]
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, command, folder, text=CONFIG):
        self.port = free_port()
        self.folder = folder
        config = os.path.join(folder, "alertmanager.yml")
        with open(config, "w") as f:
            f.write(text)
        flags = [
            f"--config.file={config}",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen(command + flags, stdout=self.log, stderr=self.log)
        until = time.time() + 30
        while True:
            try:
                self.ask("GET", "/-/ready")
                break
            except (OSError, RuntimeError):
                if time.time() > until or self.process.poll() is not None:
                    sys.exit(f"{command[0]} does not answer; its log: {folder}/log")
                time.sleep(0.05)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1200)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]}")
        return text

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            for line in f:
                if line.startswith("VmRSS"):
                    return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def alert(number):
    cluster = number // 1000
    return {
        "labels": {
            "alertname": f"Alert{number % 50}",
            "cluster": f"cluster-{cluster:03}",
            "namespace": f"team-{number % 200}",
            "pod": f"pod-{number:07}",
            "severity": ("critical", "warning", "info")[number % 3],
            "instance": f"10.0.{number // 250 % 250}.{number % 250}:9100",
        },
        "annotations": {
            "summary": f"Pod pod-{number:07} does not answer",
            "description": f"It has not answered for 5 minutes in cluster {cluster}. Look at its log first.",
            "runbook_url": f"https://runbooks.example.org/alert-{number % 50}",
        },
        "generatorURL": f"http://prometheus.example.org/graph?g0.expr=up{number % 50}",
    }


def measure(name, command, options):
    folder = tempfile.mkdtemp(prefix="bench-alerts-")
    server = Server(command, folder)
    figures = {}

    def step(key, what):
        before, began = server.cpu(), time.time()
        result = what()
        figures[key + " CPU s"] = server.cpu() - before
        figures[key + " s"] = time.time() - began
        return result

    bodies = [
        json.dumps([alert(n) for n in range(start, min(start + 500, options.alerts))])
        for start in range(0, options.alerts, 500)
    ]

    def post():
        for body in bodies:
            server.ask("POST", "/api/v2/alerts", body)
        # What is done behind the answer belongs to it.
        settle(server)

    idle = server.memory()
    step("post", post)
    figures["memory per alert, bytes"] = (server.memory() - idle) / options.alerts
    step("post again", post)
    found = json.loads(step("GET alerts", lambda: server.ask("GET", "/api/v2/alerts")))
    assert len(found) == options.alerts, f"{name} has {len(found)} of {options.alerts} alerts"
    groups = json.loads(step("GET groups", lambda: server.ask("GET", "/api/v2/alerts/groups")))
    assert sum(len(group["alerts"]) for group in groups) == options.alerts
    step("GET filtered", lambda: server.ask("GET", "/api/v2/alerts?filter=pod%3D%22pod-0000007%22"))
    figures["memory after the GETs, bytes per alert"] = (server.memory() - idle) / options.alerts

    def silence():
        now = time.time()
        at = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds))
        for number in range(options.silences):
            server.ask(
                "POST",
                "/api/v2/silences",
                json.dumps(
                    {
                        "matchers": [
                            {"name": "pod", "value": f"pod-{number * 7:07}", "isRegex": False, "isEqual": True},
                            {"name": "cluster", "value": f"cluster-{number * 7 // 1000:03}", "isRegex": False, "isEqual": True},
                        ],
                        "startsAt": at(0),
                        "endsAt": at(3600),
                        "createdBy": "bench",
                        "comment": "bench",
                    }
                ),
            )
        settle(server)

    if options.silences:
        step("silences made", silence)
        time.sleep(1)
        active = step("GET not silenced", lambda: server.ask("GET", "/api/v2/alerts?silenced=false"))
        hidden = options.alerts - len(json.loads(active))
        expected = len([n for n in range(options.silences) if n * 7 < options.alerts])
        assert hidden == expected, f"{name} hides {hidden} of {expected} alerts"
    server.stop()
    shutil.rmtree(folder)
    return figures


def settle(server):
    """Until the process has nothing left to do."""
    while True:
        before = server.cpu()
        time.sleep(1)
        if server.cpu() - before < 0.03:
            return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--silences", type=int, default=10_000)
    parser.add_argument("--peer", default=shutil.which("prometheus-alertmanager"))
    parser.add_argument("--keepwatch", default="target/release/keepwatch")
    options = parser.parse_args()
    if not options.peer:
        sys.exit("there is no Alertmanager to compare with; name one with --peer")
    peer = measure("Alertmanager", [options.peer], options)
    ours = measure("Keepwatch", [options.keepwatch, "alertmanager"], options)
    print("| measure | Alertmanager | Keepwatch | ratio |\n|---|---|---|---|")
    for key, value in peer.items():
        own = ours[key]
        ratio = f"{own / value:.2f}" if value else "–"
        print(f"| {key} | {value:,.2f} | {own:,.2f} | {ratio} |")


if __name__ == "__main__":
    main()
