#!/usr/bin/env python3
"""Allocates a game server and makes a connect token for one player: an example of what a matchmaker does.

    matchmaker.py --key-file key --client-id 42

prints {"address": "203.0.113.5:7031", "token": "TkVUQ09ERSAx..."} for the player, and for nobody else: who has the token
plays as that player. Exit codes: 0 when it did, 3 when no server is free now, 2 for wrong arguments, files or programs,
1 for anything else.
"""

import argparse
import ipaddress
import json
import os
import pathlib
import shutil
import subprocess
import sys

NO_SERVER = 3
MISTAKE = 2
FAILED = 1

HERE = pathlib.Path(__file__).resolve().parent
KUBECTL_TIMEOUT_S = 30
TOKEN_TIMEOUT_S = 10


class Failure(Exception):
    """What went wrong, in one sentence, and the exit code for it."""

    def __init__(self, exit_code, sentence):
        super().__init__(sentence)
        self.exit_code = exit_code


def main():
    options = arguments()
    try:
        print(json.dumps(match(options)))
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.exit_code
    return 0


def arguments():
    parser = argparse.ArgumentParser(
        description="Allocate a game server by kubectl, and make a connect token for one player.",
        epilog="Exit codes: 0 when it did, 3 when no server is free now, 2 for wrong arguments, files or programs, "
        "1 for anything else.",
    )
    parser.add_argument("--client-id", required=True, metavar="NUMBER", help="whom the token is for, decimal or 0x...")
    parser.add_argument("--key-file", required=True, metavar="FILE", help="the key that the servers have")
    parser.add_argument(
        "--allocation",
        default=str(HERE / "gameserverallocation.yaml"),
        metavar="FILE",
        help="the GameServerAllocation to create [default: gameserverallocation.yaml beside this program]",
    )
    parser.add_argument("--namespace", metavar="NAME", help="namespace of the fleet [default: kubectl's]")
    parser.add_argument("--expires", metavar="TIME", help="life of the token, at most the servers' --token-lifetime")
    parser.add_argument("--protocol-id", metavar="NUMBER", help="the servers' --protocol-id")
    parser.add_argument(
        "--server-bin",
        default=os.environ.get("TIDELOCK_SERVER_BIN", "tidelock-server"),
        metavar="PROGRAM",
        help="the tidelock-server that makes the token [env: TIDELOCK_SERVER_BIN] [default: that on PATH]",
    )
    parser.add_argument("--kubectl", default="kubectl", metavar="PROGRAM", help="[default: that on PATH]")
    return parser.parse_args()


def match(options):
    """An allocation cannot be taken back, so all that can fail without one is tried before it."""
    kubectl = program("kubectl", options.kubectl)
    server = program("server-bin", options.server_bin)
    for flag, file in (("key-file", options.key_file), ("allocation", options.allocation)):
        if not os.path.isfile(file):
            raise Failure(MISTAKE, f"{flag} {file}: there is no such file")
    make_token(server, options, "127.0.0.1:1")
    address = address_of(allocate(kubectl, options))
    return {"address": address, "token": make_token(server, options, address)}


def program(flag, name):
    found = shutil.which(name)
    if found is None:
        raise Failure(MISTAKE, f"{flag} {name}: there is no such program; install it, or name it by --{flag}")
    return found


def allocate(kubectl, options):
    """The status of a new GameServerAllocation."""
    command = [kubectl, "create", "-f", options.allocation, "-o", "json"]
    if options.namespace is not None:
        command += ["--namespace", options.namespace]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=KUBECTL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Failure(FAILED, f"kubectl has not answered for {KUBECTL_TIMEOUT_S} s") from None
    except OSError as why:
        raise Failure(MISTAKE, f"kubectl {kubectl}: {why.strerror}") from None
    if done.returncode != 0:
        raise Failure(FAILED, f"kubectl could not allocate: {one_line(done.stderr) or f'exit code {done.returncode}'}")
    try:
        status = json.loads(done.stdout)["status"]
        state = status["state"]
    except (ValueError, KeyError, TypeError):
        raise Failure(FAILED, "kubectl answered with something else than a GameServerAllocation") from None
    if state == "UnAllocated":
        raise Failure(NO_SERVER, "no game server is free (UnAllocated): wait, or raise the fleet's buffer")
    if state == "Contention":
        raise Failure(NO_SERVER, "others allocated at the same moment (Contention): try again")
    if state != "Allocated":
        raise Failure(FAILED, f"the allocation is in the unknown state {state!r}")
    return status


def address_of(status):
    """Where players reach the server, chosen as the server itself chooses what it advertises."""
    ports = status.get("ports") or []
    if not ports:
        raise Failure(FAILED, f"game server {status.get('gameServerName')} has no port")
    port = next((port["port"] for port in ports if port.get("name") == "game"), ports[0]["port"])
    try:
        ip = ipaddress.ip_address(status.get("address", ""))
    except ValueError:
        sentence = f"game server {status.get('gameServerName')} has the address {status.get('address')!r}"
        raise Failure(FAILED, f"{sentence}, and a token needs an IP address") from None
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"


def make_token(server, options, address):
    command = [server, "token", "--key-file", options.key_file, "--client-id", options.client_id, "--advertise", address]
    if options.expires is not None:
        command += ["--expires", options.expires]
    if options.protocol_id is not None:
        command += ["--protocol-id", options.protocol_id]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOKEN_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Failure(FAILED, f"{server} has made no token for {TOKEN_TIMEOUT_S} s") from None
    except OSError as why:
        raise Failure(MISTAKE, f"server-bin {server}: {why.strerror}") from None
    if done.returncode != 0:
        exit_code = MISTAKE if done.returncode == 2 else FAILED
        raise Failure(exit_code, one_line(done.stderr) or f"{server} ended with {done.returncode}")
    return done.stdout.strip()


def one_line(text):
    """The line of what a program said that tells the error, without "error: " before it. kubectl logs before that line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = next((line for line in lines if line.lower().startswith("error")), lines[0] if lines else "")
    return line[len("error: "):] if line.startswith("error: ") else line


if __name__ == "__main__":
    sys.exit(main())
