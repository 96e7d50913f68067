"""What the chart renders."""

import contextlib
import copy
import pathlib
import re
import shutil
import tempfile
import unittest

import support
from cases import ANYWHERE, CASES, DEPLOYMENT, FLEET, HOST_PORT, KEY

helm = support.package("helm_python")
yaml = support.package("yaml")
import schemas  # noqa: E402

# Each value of values.yaml: what it is set to, what is rendered then and not before, and the values before.
MONITORED = {"podMonitor": {"enabled": True}}
RULED = {"prometheusRule": {"enabled": True, "labels": {"release": "prom"}}}
SERVICE = {"mode": "deployment", "service": {"type": "NodePort"}, "deployment": {"advertise": "203.0.113.5:30777"}}
BUDGET = {**DEPLOYMENT, "podDisruptionBudget": {"enabled": True}}
FIXED = {"autoscaler": {"enabled": False}}
OWN_KEY = {"key": {"create": True, "value": KEY}}
ADMIN = {"adminToken": {"secretName": "admin"}}

EFFECTS = [
    ("mode", "deployment", "kind: Deployment", FLEET),
    ("nameOverride", "arena", "app.kubernetes.io/name: arena", FLEET),
    ("fullnameOverride", "arena", "fleetName: arena", FLEET),
    ("image.repository", "example.com/arena", 'image: "example.com/arena:0.1.0"', FLEET),
    ("image.tag", "7", 'image: "tidelock-server:7"', FLEET),
    ("image.digest", "sha256:" + "0" * 64, "0.1.0@sha256:000", FLEET),
    ("image.pullPolicy", "Always", "imagePullPolicy: Always", FLEET),
    ("imagePullSecrets", [{"name": "registry"}], "- name: registry", FLEET),
    ("settings.max-clients", 128, "capacity: 128", FLEET),
    ("settings.threads", 4, '- name: TIDELOCK_THREADS\n                  value: "4"', FLEET),
    ("settings.log-format", "text", '- name: TIDELOCK_LOG_FORMAT\n                  value: "text"', FLEET),
    ("settings.exit-when-empty", False, 'EMPTY\n                  value: "false"', FLEET),
    ("settings.idle-timeout", "1h", 'IDLE_TIMEOUT\n                  value: "1h"', FLEET),
    ("drainSeconds", 100, "terminationGracePeriodSeconds: 115", FLEET),
    ("key.secretName", "keys", "secretName: keys", FLEET),
    ("key.items", ["new", "old"], '"/etc/tidelock/key/new,/etc/tidelock/key/old"', FLEET),
    ("key.create", True, "kind: Secret", FLEET),
    ("key.value", "f" * 64, "f" * 64, OWN_KEY),
    ("adminToken.secretName", "admin", "TIDELOCK_ADMIN_TOKEN_FILE", FLEET),
    ("adminToken.item", "bearer", "/etc/tidelock/admin-token/bearer", ADMIN),
    ("resources.requests.cpu", "3", 'cpu: "3"', FLEET),
    ("resources.requests.memory", "99Mi", "memory: 99Mi", FLEET),
    ("resources.limits.memory", "98Mi", "memory: 98Mi", FLEET),
    ("podLabels", {"team": "arena"}, "team: arena", FLEET),
    ("podAnnotations", {"note": "arena"}, "note: arena", FLEET),
    ("nodeSelector", {"pool": "games"}, "pool: games", FLEET),
    ("tolerations", [{"key": "games", "operator": "Exists"}], "key: games", FLEET),
    ("affinity", {"podAntiAffinity": {}}, "podAntiAffinity", FLEET),
    ("priorityClassName", "games", "priorityClassName: games", FLEET),
    ("fleet.replicas", 5, "replicas: 5", FIXED),
    ("fleet.scheduling", "Distributed", "scheduling: Distributed", FLEET),
    ("fleet.strategy.type", "Recreate", "type: Recreate", FLEET),
    ("fleet.strategy.rollingUpdate.maxSurge", 7, "maxSurge: 7", FLEET),
    ("fleet.strategy.rollingUpdate.maxUnavailable", 6, "maxUnavailable: 6", FLEET),
    ("fleet.portRange", "games", "range: games", FLEET),
    ("fleet.eviction", "Always", "safe: Always", FLEET),
    ("fleet.countsAndLists", True, "counters:", {"fleet": {"countsAndLists": False}}),
    ("fleet.health.initialDelaySeconds", 9, "initialDelaySeconds: 9", FLEET),
    ("fleet.health.periodSeconds", 9, "periodSeconds: 9", FLEET),
    ("fleet.health.failureThreshold", 9, "failureThreshold: 9", FLEET),
    ("fleet.sdkServer.logLevel", "Debug", "logLevel: Debug", FLEET),
    ("fleet.sdkServer.grpcPort", 9001, "grpcPort: 9001", FLEET),
    ("fleet.sdkServer.httpPort", 9001, "httpPort: 9001", FLEET),
    ("autoscaler.enabled", True, "kind: FleetAutoscaler", FIXED),
    ("autoscaler.bufferSize", "25%", "bufferSize: 25%", FLEET),
    ("autoscaler.minReplicas", 3, "minReplicas: 3", FLEET),
    ("autoscaler.maxReplicas", 30, "maxReplicas: 30", FLEET),
    ("autoscaler.intervalSeconds", 12, "seconds: 12", FLEET),
    ("deployment.replicas", 3, "replicas: 3", HOST_PORT),
    ("deployment.expose", "hostPort", "hostPort: 7777", DEPLOYMENT),
    ("deployment.hostPort", 9999, "hostPort: 9999", HOST_PORT),
    ("deployment.advertise", "203.0.113.9:7777", '"203.0.113.9:7777"', HOST_PORT),
    ("service.type", "LoadBalancer", "type: LoadBalancer", {**SERVICE, "service": {"type": "NodePort", "port": 30777}}),
    ("service.port", 7000, "port: 7000", SERVICE),
    ("service.nodePort", 30888, "nodePort: 30888", SERVICE),
    ("service.loadBalancerIP", "203.0.113.5", "loadBalancerIP: 203.0.113.5", DEPLOYMENT),
    ("service.annotations", {"dns": "game"}, "dns: game", DEPLOYMENT),
    ("podDisruptionBudget.enabled", True, "kind: PodDisruptionBudget", DEPLOYMENT),
    ("podDisruptionBudget.maxUnavailable", 0, "maxUnavailable: 0", BUDGET),
    ("networkPolicy.enabled", True, "kind: NetworkPolicy", {"networkPolicy": {"enabled": False}}),
    ("networkPolicy.adminFrom", [{"podSelector": {"matchLabels": {"app": "prom"}}}], "app: prom", FLEET),
    ("podMonitor.enabled", True, "kind: PodMonitor", FLEET),
    ("podMonitor.interval", "5s", "interval: 5s", MONITORED),
    ("podMonitor.labels", {"release": "prom"}, "release: prom", MONITORED),
]

# Values that make sense only together with another.
TOGETHER = {
    "mode": ANYWHERE,
    "key.create": {"key": {"value": KEY}},
    "service.nodePort": {"deployment": {"advertise": "203.0.113.5:30888"}},
}


def leaves(values, path=""):
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key


def setting(path, value):
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def everything(values):
    return "\n".join(support.templates(values).values())


class Chart(unittest.TestCase):
    def test_lint_finds_nothing(self):
        for name, values in CASES.items():
            with self.subTest(name):
                report = helm.lint(str(support.CHART), values, strict=True)
                self.assertEqual(report["errors"], [])
                # Severity 1 is advice: an icon.
                self.assertEqual([m for m in report["messages"] if m["severity"] > 1], [])

    def test_each_manifest_is_valid(self):
        for name, values in CASES.items():
            for kind, document in support.objects(values).items():
                with self.subTest(name, kind=kind):
                    schemas.check(document)

    def test_rules_are_valid(self):
        if not support.CHART_RULES.exists():
            self.skipTest("the chart has no files/rules.yaml yet")
        schemas.check(support.objects(RULED)["PrometheusRule"])

    def test_rules_are_those_of_prometheus(self):
        if not support.RULES.exists():
            self.skipTest("deploy/prometheus/rules/tidelock.yaml is not there yet")
        same = support.CHART_RULES.exists() and support.CHART_RULES.read_bytes() == support.RULES.read_bytes()
        self.assertTrue(same, "copy deploy/prometheus/rules/tidelock.yaml to deploy/helm/tidelock/files/rules.yaml")

    def test_rules_are_about_the_job_that_is_scraped(self):
        """Whatever the release and its parts are called."""
        monitor = support.objects(support.merged(MONITORED, {"nameOverride": "arena"}), name="blue")["PodMonitor"]
        (relabeling,) = monitor["spec"]["podMetricsEndpoints"][0]["relabelings"]
        self.assertEqual(relabeling, {"targetLabel": "job", "replacement": "tidelock"})
        if not support.RULES.exists():
            self.skipTest("deploy/prometheus/rules/tidelock.yaml is not there yet")
        jobs = set(re.findall(r'job="([^"]*)"', support.RULES.read_text()))
        self.assertEqual(jobs, {"tidelock"})

    def test_rules_are_taken_as_they_are(self):
        """Prometheus has templates of its own in its rules, which Helm must leave alone."""
        alert = {"alert": "A", "expr": "up == 0", "annotations": {"summary": "{{ $labels.instance }} is gone"}}
        groups = [{"name": "tidelock", "rules": [alert]}]
        with self.copy() as folder:
            rules = folder / "files" / "rules.yaml"
            rules.parent.mkdir(exist_ok=True)
            rules.write_text("# Rules.\n" + yaml.safe_dump({"groups": groups}))
            with helm.Chart.load(str(folder)) as chart:
                rendered = chart.render(RULED, name="tidelock")["tidelock/templates/prometheusrule.yaml"]
            (document,) = support.documents(rendered)
            self.assertEqual(document["spec"]["groups"], groups)
            self.assertEqual(document["metadata"]["labels"]["release"], "prom")
            schemas.check(document)
            rules.unlink()
            with helm.Chart.load(str(folder)) as chart:
                with self.assertRaisesRegex(helm.HelmError, "this chart has no files/rules.yaml"):
                    chart.render(RULED, name="tidelock")

    def test_a_packaged_chart_is_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            archive = helm.package(str(support.CHART), destination=folder)
            with helm.Chart.load(archive) as chart:
                rendered = chart.render(FLEET, name="tidelock", namespace="default")
        self.assertEqual({path.split("/templates/")[1]: text for path, text in rendered.items()}, support.templates(FLEET))

    @contextlib.contextmanager
    def copy(self):
        with tempfile.TemporaryDirectory() as folder:
            yield pathlib.Path(shutil.copytree(support.CHART, pathlib.Path(folder) / "tidelock"))

    def test_each_template_is_rendered(self):
        seen = set()
        for values in CASES.values():
            seen |= {name for name, text in support.templates(values).items() if text.strip()}
        files = {f"{file.name}" for file in (support.CHART / "templates").iterdir() if not file.name.startswith("_")}
        self.assertEqual(files - seen, {"prometheusrule.yaml"})

    def test_each_value_has_an_effect(self):
        elsewhere = ["prometheusRule.enabled", "prometheusRule.labels"]
        self.assertEqual(sorted(elsewhere + [effect[0] for effect in EFFECTS]), sorted(leaves(support.chart().values)))
        for path, value, text, base in EFFECTS:
            with self.subTest(path):
                over = support.merged(setting(path, value), TOGETHER.get(path, {}))
                self.assertNotIn(text, everything(base))
                self.assertIn(text, everything(support.merged(base, over)))

    def test_a_setting_of_null_is_not_set(self):
        text = everything({"settings": {"threads": None, "log-format": None}})
        self.assertNotIn("TIDELOCK_THREADS", text)
        self.assertNotIn("TIDELOCK_LOG_FORMAT", text)

    def test_large_numbers_are_written_out(self):
        text = everything({"settings": {"client-bandwidth": 1048576, "npcs": 4294967295}})
        self.assertIn('value: "1048576"', text)
        self.assertIn('value: "4294967295"', text)

    def test_a_list_holds_no_more_than_agones_allows(self):
        for most, has_list in ((1000, True), (1001, False), (None, False)):
            spec = support.objects({"settings": {"max-clients": most}})["Fleet"]["spec"]["template"]["spec"]
            self.assertEqual("lists" in spec, has_list, most)
            # Without the setting, the server takes 1024.
            self.assertEqual(spec["counters"]["players"]["capacity"], most or 1024)

    def test_the_grace_period_is_longer_than_the_drain(self):
        for name, values in CASES.items():
            found = support.objects(values)
            pod = found.get("Fleet") or found["Deployment"]
            env = {variable["name"]: variable.get("value") for variable in support.container(pod)["env"]}
            drain = int(env["TIDELOCK_DRAIN_TIMEOUT"].removesuffix("s"))
            self.assertGreater(support.pod_template(pod)["spec"]["terminationGracePeriodSeconds"], drain, name)

    def test_selectors_find_the_pods_and_no_other_release(self):
        for name, values in CASES.items():
            found = support.objects(values, name="blue")
            pods = support.pod_template(found.get("Fleet") or found["Deployment"])["metadata"]["labels"]
            selectors = {
                "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
                "PodMonitor": lambda spec: spec["selector"]["matchLabels"],
                "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
                "Deployment": lambda spec: spec["selector"]["matchLabels"],
                "Service": lambda spec: spec["selector"],
            }
            for kind, selector in selectors.items():
                if kind in found:
                    with self.subTest(name, kind=kind):
                        chosen = selector(found[kind]["spec"])
                        self.assertLessEqual(chosen.items(), pods.items())
                        self.assertEqual(chosen["app.kubernetes.io/instance"], "blue")

    def test_objects_tell_where_they_come_from(self):
        labels = {
            "app.kubernetes.io/name": "tidelock",
            "app.kubernetes.io/instance": "blue",
            "app.kubernetes.io/version": "0.1.0",
            "app.kubernetes.io/managed-by": "Helm",
            "helm.sh/chart": "tidelock-0.1.0",
        }
        for values in (MONITORED, OWN_KEY, BUDGET):
            for kind, document in support.objects(values, name="blue").items():
                self.assertEqual(document["metadata"]["labels"], labels, kind)

    def test_annotations_are_no_labels(self):
        for mode in ({}, DEPLOYMENT):
            found = support.objects({**mode, "podAnnotations": {"note": "arena"}, "service": {"annotations": {"dns": "game"}}})
            metadata = support.pod_template(found.get("Fleet") or found["Deployment"])["metadata"]
            self.assertEqual(metadata["annotations"], {"note": "arena"})
            self.assertNotIn("note", metadata["labels"])
            if mode:
                self.assertEqual(found["Service"]["metadata"]["annotations"], {"dns": "game"})

    def test_names_follow_the_release(self):
        for release, name in (("tidelock", "tidelock"), ("blue", "blue-tidelock"), ("my-tidelock", "my-tidelock")):
            self.assertEqual(support.objects({}, name=release)["Fleet"]["metadata"]["name"], name)
        longest = support.objects({}, name="b" * 53)["Fleet"]["metadata"]["name"]
        self.assertLessEqual(len(longest), 63)

    def test_liveness_is_left_to_agones(self):
        self.assertNotIn("livenessProbe", support.container(support.objects(FLEET)["Fleet"]))
        self.assertIn("livenessProbe", support.container(support.objects(DEPLOYMENT)["Deployment"]))

    def test_a_deployment_has_its_own_ports_and_probes(self):
        for values, host_port in ((DEPLOYMENT, {}), (HOST_PORT, {"hostPort": 7777})):
            container = support.container(support.objects(values)["Deployment"])
            game = {"name": "game", "containerPort": 7777, "protocol": "UDP", **host_port}
            admin = {"name": "admin", "containerPort": 9100, "protocol": "TCP"}
            self.assertEqual(container["ports"], [game, admin])
            probe = lambda path: {"httpGet": {"path": path, "port": "admin"}, "periodSeconds": 5}
            self.assertEqual(container["livenessProbe"], {**probe("/livez"), "failureThreshold": 3})
            self.assertEqual(container["readinessProbe"], probe("/readyz"))

    def test_secrets_are_mounted_where_settings_look(self):
        for name, values in CASES.items():
            found = support.objects(values)
            pod = found.get("Fleet") or found["Deployment"]
            container = support.container(pod)
            secrets = {"key": values.get("key", {}).get("secretName", "tidelock-key")}
            if "adminToken" in values:
                secrets["admin-token"] = values["adminToken"]["secretName"]
            mount = lambda volume: {"name": volume, "mountPath": f"/etc/tidelock/{volume}", "readOnly": True}
            source = lambda volume: {"secretName": secrets[volume], "defaultMode": 0o440}
            with self.subTest(name):
                volumes = support.pod_template(pod)["spec"]["volumes"]
                self.assertEqual(volumes, [{"name": volume, "secret": source(volume)} for volume in secrets])
                self.assertEqual(container["volumeMounts"], [mount(volume) for volume in secrets])
                names = [variable["name"] for variable in container["env"]]
                self.assertEqual(len(names), len(set(names)))
                env = {variable["name"]: variable.get("value") for variable in container["env"]}
                files = [*env["TIDELOCK_KEY_FILE"].split(","), env.get("TIDELOCK_ADMIN_TOKEN_FILE", "/etc/tidelock/key/")]
                for file in files:
                    self.assertIn(file.rpartition("/")[0], [mount(volume)["mountPath"] for volume in secrets])

    def test_a_server_on_a_node_advertises_its_address(self):
        env = support.container(support.objects(CASES["deployment on ports of nodes"])["Deployment"])["env"]
        self.assertEqual(env[0], {"name": "HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}})
        self.assertEqual(env[1], {"name": "TIDELOCK_ADVERTISE", "value": "$(HOST_IP):7777"})

    def test_the_account_of_the_sidecar_is_left_to_agones(self):
        fleet = support.pod_template(support.objects(FLEET)["Fleet"])["spec"]
        self.assertNotIn("automountServiceAccountToken", fleet)
        self.assertNotIn("serviceAccountName", fleet)
        alone = support.pod_template(support.objects(DEPLOYMENT)["Deployment"])["spec"]
        self.assertIs(alone["automountServiceAccountToken"], False)

    def test_players_stay_on_a_server_that_drains(self):
        found = support.objects(DEPLOYMENT)
        service = found["Service"]["spec"]
        self.assertIs(service["publishNotReadyAddresses"], True)
        self.assertEqual(service["externalTrafficPolicy"], "Local")
        self.assertEqual(service["ports"], [{"name": "game", "port": 7777, "targetPort": "game", "protocol": "UDP"}])
        self.assertEqual(found["Deployment"]["spec"]["strategy"], {"type": "Recreate"})
        on_nodes = support.objects(HOST_PORT)["Deployment"]["spec"]["strategy"]["rollingUpdate"]
        self.assertEqual(on_nodes, {"maxSurge": 0, "maxUnavailable": 1})

    def test_services_of_the_cluster_are_no_settings(self):
        for name, values in CASES.items():
            found = support.objects(values)
            pod = support.pod_template(found.get("Fleet") or found["Deployment"])["spec"]
            self.assertIs(pod["enableServiceLinks"], False, name)

    def test_a_container_may_do_nothing_it_need_not(self):
        for name, values in CASES.items():
            found = support.objects(values)
            context = support.container(found.get("Fleet") or found["Deployment"])["securityContext"]
            with self.subTest(name):
                self.assertEqual(
                    context,
                    {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "readOnlyRootFilesystem": True,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                )

    def test_notes_name_what_was_made(self):
        notes = support.templates(FLEET, name="blue", namespace="games")["NOTES.txt"]
        for text in ("agones.dev/fleet: blue-tidelock", "--namespace games", "tidelock-server keygen"):
            self.assertIn(text, notes)
        notes = support.templates(DEPLOYMENT)["NOTES.txt"]
        self.assertIn("--advertise 203.0.113.5:7777", notes)
        notes = support.templates({**OWN_KEY, "networkPolicy": {"enabled": False}})["NOTES.txt"]
        self.assertIn("There is no NetworkPolicy", notes)
        self.assertNotIn("keygen", notes)
        self.assertNotIn(KEY, notes)


class SameAsPlain(unittest.TestCase):
    """A release called tidelock is what the plain manifests make, but for the labels that Helm adds."""

    HELM_LABELS = ("app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart")

    def plain(self, value):
        if isinstance(value, dict):
            return {key: self.plain(child) for key, child in value.items() if key not in self.HELM_LABELS}
        return [self.plain(child) for child in value] if isinstance(value, list) else value

    def test_same(self):
        rendered = support.objects({"podMonitor": {"enabled": True}})
        for name in ("fleet.yaml", "fleetautoscaler.yaml", "networkpolicy.yaml", "podmonitor.yaml"):
            with self.subTest(name):
                (plain,) = support.manifest(name)
                chart = self.plain(copy.deepcopy(rendered[plain["kind"]]))
                if plain["kind"] == "Fleet":
                    # The chart says what is the default for such a tag.
                    self.assertEqual(support.container(chart).pop("imagePullPolicy"), "IfNotPresent")
                    for document in (plain, chart):
                        support.container(document)["env"].sort(key=lambda variable: variable["name"])
                self.assertEqual(chart, plain)
