"""matchmaker.py with a kubectl that only answers, and the real server."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import netcode
import support
from cases import KEY

MATCHMAKER = support.KUBERNETES / "matchmaker.py"
ANSWERS = support.TESTS / "answers"
PROTOCOL_ID = int.from_bytes(b"tidelock", "big")
ADVERTISED = "203.0.113.5:7031"
START_TIMEOUT_S = 20


def answer(**status):
    """The allocated server with something else in its status; None takes a field away."""
    document = json.loads((ANSWERS / "allocated.json").read_text())
    for name, value in status.items():
        document["status"][name] = value
        if value is None:
            del document["status"][name]
    return json.dumps(document)


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.key_file = self.folder / "key"
        self.key_file.write_text(KEY + "\n")
        self.calls = self.folder / "calls"
        (self.folder / "bin").mkdir()
        shutil.copy(support.TESTS / "fake_kubectl", self.folder / "bin" / "kubectl")

    def matchmaker(self, *arguments, text=None, **env):
        """Runs it with the fake kubectl first on PATH."""
        given = self.folder / "answer"
        given.write_text(text if text is not None else answer())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TIDELOCK_")}
        environment |= {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "TIDELOCK_SERVER_BIN": support.server_binary(),
            "FAKE_CALLS": str(self.calls),
            "FAKE_ANSWER": str(given),
            **env,
        }
        command = [sys.executable, str(MATCHMAKER), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)

    def match(self, *arguments, client_id="42", **more):
        return self.matchmaker("--key-file", str(self.key_file), "--client-id", client_id, *arguments, **more)

    def matched(self, *arguments, **more):
        done = self.match(*arguments, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)

    def refused(self, done, exit_code, sentence):
        self.assertEqual((done.returncode, done.stdout), (exit_code, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("error: "), done.stderr)
        self.assertIn(sentence, done.stderr)

    def allocations(self):
        return self.calls.read_text().splitlines() if self.calls.exists() else []


class Matchmaker(WithFolder):
    def test_it_prints_the_address_and_a_token(self):
        result = self.matched()
        self.assertEqual(list(result), ["address", "token"])
        self.assertEqual(result["address"], ADVERTISED)
        self.assertEqual(self.allocations(), [f"create -f {support.KUBERNETES / 'gameserverallocation.yaml'} -o json"])

    def test_allocation_and_namespace_are_passed_on(self):
        other = str(support.KUBERNETES / "gameserverallocation-join.yaml")
        self.matched("--allocation", other, "--namespace", "games")
        self.assertEqual(self.allocations(), [f"create -f {other} -o json --namespace games"])

    def test_without_a_port_named_game_the_first_counts(self):
        ports = [{"name": "a", "port": 7001}, {"name": "b", "port": 7002}]
        self.assertEqual(self.matched(text=answer(ports=ports))["address"], "203.0.113.5:7001")

    def test_ipv6_is_written_in_brackets(self):
        result = self.matched(text=answer(address="2001:db8::5"))
        self.assertEqual(result["address"], "[2001:db8::5]:7031")
        self.assertEqual(netcode.read_token(result["token"]).servers, ["[2001:db8::5]:7031"])

    def test_no_server_is_told(self):
        unallocated = (ANSWERS / "unallocated.json").read_text()
        self.refused(self.match(text=unallocated), 3, "no game server is free (UnAllocated)")
        self.refused(self.match(text=answer(state="Contention")), 3, "(Contention): try again")
        self.refused(self.match(text=answer(state="Lost")), 1, "unknown state 'Lost'")

    def test_answers_without_an_address_are_told(self):
        self.refused(self.match(text=answer(ports=None)), 1, "tidelock-q7sdm-9kx2p has no port")
        self.refused(self.match(text=answer(address="node-1.example.com")), 1, "'node-1.example.com', and a token needs an IP")
        self.refused(self.match(text="not JSON"), 1, "something else than a GameServerAllocation")
        self.refused(self.match(text='{"kind":"Fleet"}'), 1, "something else than a GameServerAllocation")

    def test_what_kubectl_says_is_passed_on(self):
        said = "E1122 11:00:00 memcache.go:265] no route\nError from server (NotFound): the server could not find it"
        self.refused(self.match(FAKE_ERROR=said), 1, "kubectl could not allocate: Error from server (NotFound)")

    def test_missing_programs_and_files_are_named_before_anything_is_allocated(self):
        nowhere = str(self.folder / "nowhere")
        self.refused(self.match("--kubectl", nowhere), 2, f"kubectl {nowhere}: there is no such program")
        self.refused(self.match(PATH=nowhere), 2, "kubectl kubectl: there is no such program")
        self.refused(self.match(TIDELOCK_SERVER_BIN=nowhere), 2, f"server-bin {nowhere}: there is no such program")
        self.refused(self.matchmaker("--key-file", nowhere, "--client-id", "1"), 2, f"key-file {nowhere}: there is no such file")
        self.refused(self.match("--allocation", nowhere), 2, f"allocation {nowhere}: there is no such file")
        self.assertEqual(self.allocations(), [])

    def test_wrong_values_are_told_before_anything_is_allocated(self):
        self.refused(self.match(client_id="forty-two"), 2, "'forty-two' for '--client-id <NUMBER>'")
        self.refused(self.match("--expires", "10ms"), 2, "expires is 10ms, and must be whole seconds")
        self.key_file.write_text("0123")
        self.refused(self.match(), 2, "has 4 characters, and must have 64 hex digits")
        self.assertEqual(self.allocations(), [])

    def test_usage_is_told(self):
        done = self.matchmaker()
        self.assertEqual(done.returncode, 2)
        self.assertIn("--client-id", done.stderr)


class Tokens(WithFolder):
    def test_the_token_says_what_was_asked_for(self):
        before = int(time.time())
        token = netcode.read_token(self.matched(client_id=str(2**64 - 1))["token"])
        self.assertEqual(token.protocol_id, PROTOCOL_ID)
        self.assertLessEqual(before, token.create)
        self.assertLessEqual(token.create, int(time.time()))
        self.assertEqual(token.expire, token.create + 30)
        self.assertEqual(token.servers, [ADVERTISED])
        self.assertGreater(token.timeout, 0)
        self.assertNotEqual(token.to_server, token.to_client)
        self.assertEqual(token.rest, bytes(895 - 11))
        private = netcode.private_part(token, bytes.fromhex(KEY))
        self.assertEqual(private.client_id, 2**64 - 1)
        self.assertEqual(private[1:5], (token.timeout, token.servers, token.to_server, token.to_client))
        self.assertEqual((private.user_data, private.rest), (bytes(256), bytes(676 - 11)))

    def test_lifetime_and_protocol_are_passed_on(self):
        token = netcode.read_token(self.matched("--expires", "5s", "--protocol-id", "0x2a")["token"])
        self.assertEqual((token.expire - token.create, token.protocol_id), (5, 42))

    def test_no_two_tokens_share_secrets(self):
        first, second = (netcode.read_token(self.matched()["token"]) for _ in range(2))
        self.assertFalse({first.nonce, first.to_server, first.to_client} & {second.nonce, second.to_server, second.to_client})

    def test_this_reading_of_tokens_is_that_of_the_protocol(self):
        """The example of section 16, which is no product of the code that makes the tokens above."""
        vectors = (support.ROOT / "shared" / "vectors" / "netcode_connection.txt").read_text()
        given = dict(line.split(" = ") for line in vectors.splitlines() if " = " in line)
        token = netcode.read_token(base64.b64encode(bytes.fromhex(given["connect_token"])))
        self.assertEqual((token.create, token.expire, token.timeout), (1_800_000_000, 1_800_000_030, 5))
        self.assertEqual(token.servers, ["10.0.0.1:7777", "[2001:db8::1:2]:7777"])
        private = netcode.private_part(token, bytes.fromhex(given["private_key"]))
        self.assertEqual(private.client_id, 0x0123456789ABCDEF)
        self.assertEqual(private.user_data.hex(), given["user_data"])
        with self.assertRaisesRegex(ValueError, "the tag does not fit"):
            netcode.private_part(token, bytes(32))


class LetIn(WithFolder):
    """A server as Agones would run it: it listens here, and advertises what the allocation tells."""

    @contextlib.contextmanager
    def server(self, *arguments):
        game, admin = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        command = [support.server_binary(), "--bind", f"127.0.0.1:{game}", "--admin", f"127.0.0.1:{admin}", *arguments]
        command += ["--key-file", str(self.key_file), "--max-clients", "7", "--npcs", "0", "--threads", "1", "--log", "error"]
        env = {name: value for name, value in os.environ.items() if not name.startswith("TIDELOCK_")}
        with open(self.folder / "log", "w") as log, subprocess.Popen(command, stderr=log, env=env) as process:
            try:
                until = time.monotonic() + START_TIMEOUT_S
                while read(admin, "readyz") is None:
                    if process.poll() is not None or time.monotonic() > until:
                        self.fail(f"the server did not start: {(self.folder / 'log').read_text()}")
                    time.sleep(0.05)
                yield game, admin
            finally:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()

    def test_the_token_lets_its_player_in(self):
        with self.server("--advertise", ADVERTISED) as (game, admin):
            token = netcode.read_token(self.matched()["token"])
            with netcode.Client(token, ("127.0.0.1", game), timeout_s=5) as client:
                index, slots = client.connect()
                self.assertLess(index, slots)
                clients = eventually(lambda: json.loads(read(admin, "clients") or "[]"))
                self.assertEqual([client["client_id"] for client in clients], [42])

    def test_a_token_for_another_address_does_not(self):
        with self.server("--advertise", "203.0.113.6:7031") as (game, _):
            token = netcode.read_token(self.matched()["token"])
            with netcode.Client(token, ("127.0.0.1", game), timeout_s=1) as client:
                with self.assertRaises(socket.timeout):
                    client.connect()


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read(admin, path):
    """The body of an answer of 200 of the admin port, or None."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/{path}", timeout=2) as response:
            return response.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def eventually(look):
    until = time.monotonic() + 5
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
