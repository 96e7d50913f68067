"""What containers are given as settings, asked of the server itself: tidelock-server --check-config."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import support
from cases import CASES, KEY

support.package("yaml")

# Set by the chart itself, or by nobody: see `settings` in values.yaml.
OF_THE_CHART = {"bind", "admin", "advertise", "agones", "config", "key-file", "admin-token-file", "drain-timeout"}
NOT_OFFERED = {"ban-file", "truth"}
MOUNTS = "/etc/tidelock/"
HOST_IP = "192.0.2.7"


def run(arguments, env=None):
    return subprocess.run([support.server_binary(), *arguments], capture_output=True, text=True, timeout=30, env=env)


def known_settings():
    return {name.lower().replace("_", "-") for name in re.findall(r"\[env: TIDELOCK_(\w+)\]", run(["--help"]).stdout)}


def toml(text):
    """The flat TOML that --check-config prints, without tomllib, which Python has since 3.11."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(" = ")
        if name.startswith("#"):
            continue
        found[name] = value.strip('"') if value.startswith('"') else value
    return found


class Settings(unittest.TestCase):
    def environment(self, document, folder):
        """The environment as the kubelet makes it, with what is mounted in a folder instead."""
        env = {"AGONES_SDK_HTTP_PORT": "9358"} if document["kind"] == "Fleet" else {}
        for variable in support.container(document)["env"]:
            if "valueFrom" in variable:
                self.assertEqual(variable["valueFrom"], {"fieldRef": {"fieldPath": "status.hostIP"}})
                env[variable["name"]] = HOST_IP
            else:
                value = re.sub(r"\$\((\w+)\)", lambda name: env[name.group(1)], variable["value"])
                env[variable["name"]] = value.replace(MOUNTS, f"{folder}/")
        for mount in support.container(document)["volumeMounts"]:
            self.assertTrue(mount["mountPath"].startswith(MOUNTS))
            self.assertTrue(mount["readOnly"])
            (pathlib.Path(folder) / mount["mountPath"].removeprefix(MOUNTS)).mkdir()
        for name in ("TIDELOCK_KEY_FILE", "TIDELOCK_ADMIN_TOKEN_FILE"):
            for number, file in enumerate(filter(None, env.get(name, "").split(","))):
                # Two servers keys must not be the same.
                pathlib.Path(file).write_text(KEY[number:] + KEY[:number])
        return env

    def check(self, document):
        known = known_settings()
        with tempfile.TemporaryDirectory() as folder:
            env = self.environment(document, folder)
            if "agones" not in known:
                del env["TIDELOCK_AGONES"]
            done = run(["--check-config"], env)
            self.assertEqual(done.returncode, 0, done.stderr)
            effective = toml(done.stdout)
            for name, value in env.items():
                setting = name.removeprefix("TIDELOCK_").lower().replace("_", "-")
                if name.startswith("TIDELOCK_"):
                    self.assertIn(setting, effective)
                if setting in ("max-clients", "threads", "npcs", "advertise", "admin", "bind", "exit-when-empty"):
                    self.assertEqual(effective[setting], value, name)
        return effective

    def test_plain_manifests_are_accepted(self):
        effective = self.check(support.manifest("fleet.yaml")[0])
        self.assertEqual(effective["drain-timeout"], "30s")

    def test_the_chart_is_accepted(self):
        support.package("helm_python")
        for name, values in CASES.items():
            found = support.objects(values)
            with self.subTest(name):
                self.check(found.get("Fleet") or found["Deployment"])

    def test_large_values_arrive(self):
        support.package("helm_python")
        effective = self.check(support.objects(CASES["fleet, everything set"])["Fleet"])
        self.assertEqual(effective["client-bandwidth"], "1MiB")
        self.assertEqual(effective["seed"], "18446744073709551615")
        self.assertEqual(effective["npcs"], "2000000")

    def test_a_server_on_a_node_advertises_the_node(self):
        support.package("helm_python")
        effective = self.check(support.objects(CASES["deployment on ports of nodes"])["Deployment"])
        self.assertEqual(effective["advertise"], f"{HOST_IP}:7777")

    def test_the_empty_key_of_the_template_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            key = pathlib.Path(folder) / "key"
            key.write_text(support.manifest("key-secret.yaml")[0]["stringData"]["key"])
            done = run(["--check-config"], {"TIDELOCK_KEY_FILE": str(key)})
        self.assertEqual(done.returncode, 2)
        self.assertIn("has 0 characters, and must have 64 hex digits", done.stderr)

    def test_the_chart_offers_each_setting_of_the_server(self):
        support.package("helm_python")
        offered = set(support.chart().schema["properties"]["settings"]["properties"])
        known = known_settings()
        self.assertGreater(len(known), 20)
        missing = known - offered - OF_THE_CHART - NOT_OFFERED
        self.assertEqual(missing, set(), "add these settings to values.schema.json, or to NOT_OFFERED here with a reason")
        self.assertEqual(offered - known, set(), "the server has no such setting")
        self.assertEqual(offered & (OF_THE_CHART | NOT_OFFERED), set())
