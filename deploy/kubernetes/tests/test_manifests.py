"""The plain manifests."""

import subprocess
import shutil
import unittest

import support

yaml = support.package("yaml")
import schemas  # noqa: E402

APPLIED = ("fleet.yaml", "fleetautoscaler.yaml", "matchmaker-rbac.yaml", "networkpolicy.yaml")
ALL = (*APPLIED, "podmonitor.yaml", "key-secret.yaml", "gameserverallocation.yaml", "gameserverallocation-join.yaml")


class Manifests(unittest.TestCase):
    def test_each_file_is_known_here(self):
        files = {file.name for file in support.KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
        self.assertEqual(files, set(ALL))

    def test_each_is_valid(self):
        for name in ALL:
            for document in support.manifest(name):
                with self.subTest(name, kind=document["kind"]):
                    schemas.check(document)

    def test_a_misspelt_field_is_found(self):
        def spoil(document, *path):
            for step in path:
                document = document[step]
            document["mispelt"] = 1

        for name, path in (
            ("fleet.yaml", ["spec", "template", "spec"]),
            ("fleet.yaml", ["spec", "template", "spec", "template", "spec", "containers", 0]),
            ("fleetautoscaler.yaml", ["spec", "policy", "buffer"]),
            ("gameserverallocation.yaml", ["spec", "selectors", 0]),
            ("networkpolicy.yaml", ["spec", "ingress", 0]),
            ("podmonitor.yaml", ["spec", "podMetricsEndpoints", 0]),
        ):
            with self.subTest(name, path=path):
                document = support.manifest(name)[0]
                schemas.check(document)
                spoil(document, *path)
                with self.assertRaises(Exception):
                    schemas.check(document)

    def test_kustomize_applies_what_it_should(self):
        kustomization = yaml.safe_load((support.KUBERNETES / "kustomization.yaml").read_text())
        self.assertEqual(tuple(kustomization["resources"]), APPLIED)
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            self.skipTest("kubectl is not there: kustomization.yaml is only read, not run")
        done = subprocess.run([kubectl, "kustomize", support.KUBERNETES], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        key = lambda document: (document["kind"], document["metadata"]["name"])
        given = [document for name in APPLIED for document in support.manifest(name)]
        self.assertEqual(sorted(support.documents(done.stdout), key=key), sorted(given, key=key))

    def test_names_fit_together(self):
        fleet = support.manifest("fleet.yaml")[0]
        self.assertEqual(support.manifest("fleetautoscaler.yaml")[0]["spec"]["fleetName"], fleet["metadata"]["name"])
        for name in ("gameserverallocation.yaml", "gameserverallocation-join.yaml"):
            for selector in support.manifest(name)[0]["spec"]["selectors"]:
                self.assertEqual(selector["matchLabels"], {"agones.dev/fleet": fleet["metadata"]["name"]})
        labels = support.pod_template(fleet)["metadata"]["labels"].items()
        policy, monitor = support.manifest("networkpolicy.yaml")[0], support.manifest("podmonitor.yaml")[0]
        self.assertLessEqual(policy["spec"]["podSelector"]["matchLabels"].items(), labels)
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), labels)
        (volume,) = support.pod_template(fleet)["spec"]["volumes"]
        secret = support.manifest("key-secret.yaml")[0]
        self.assertEqual(volume["secret"]["secretName"], secret["metadata"]["name"])
        self.assertEqual(list(secret["stringData"]), ["key"])

    def test_the_template_of_the_key_holds_none(self):
        self.assertEqual(support.manifest("key-secret.yaml")[0]["stringData"]["key"], "")

    def test_capacities_are_those_of_the_server(self):
        spec = support.manifest("fleet.yaml")[0]["spec"]["template"]["spec"]
        (most,) = [v["value"] for v in spec["template"]["spec"]["containers"][0]["env"] if v["name"] == "TIDELOCK_MAX_CLIENTS"]
        self.assertEqual(spec["counters"]["players"]["capacity"], int(most))
        self.assertEqual(spec["lists"]["players"]["capacity"], int(most))

    def test_ports_fit_together(self):
        spec = support.manifest("fleet.yaml")[0]["spec"]["template"]["spec"]
        env = {variable["name"]: variable["value"] for variable in spec["template"]["spec"]["containers"][0]["env"]}
        (admin,) = spec["template"]["spec"]["containers"][0]["ports"]
        players, monitoring = support.manifest("networkpolicy.yaml")[0]["spec"]["ingress"]
        self.assertEqual(env["TIDELOCK_BIND"], f"0.0.0.0:{spec['ports'][0]['containerPort']}")
        self.assertEqual(env["TIDELOCK_ADMIN"], f"0.0.0.0:{admin['containerPort']}")
        self.assertEqual(players["ports"][0]["port"], spec["ports"][0]["containerPort"])
        self.assertEqual(monitoring["ports"][0]["port"], admin["containerPort"])
        self.assertNotIn("from", players)
        self.assertEqual(support.manifest("podmonitor.yaml")[0]["spec"]["podMetricsEndpoints"][0]["port"], admin["name"])
