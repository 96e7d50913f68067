"""Values that the chart refuses, and what it says."""

import unittest

import support
from cases import ANYWHERE, DEPLOYMENT, KEY

helm = support.package("helm_python")


def settings(**values):
    return {"settings": {name.replace("_", "-"): value for name, value in values.items()}}


REFUSED = [
    ({"mode": "statefulset"}, "'/mode': value must be one of 'fleet', 'deployment'"),
    ({"replicas": 3}, "additional properties 'replicas' not allowed"),
    ({"image": {"tag": "a b"}}, "'/image/tag': 'a b' does not match"),
    ({"image": {"digest": "sha256:12"}}, "'/image/digest'"),
    ({"image": {"pullPolicy": "Sometimes"}}, "'/image/pullPolicy': value must be one of"),
    ({"imagePullSecrets": ["registry"]}, "'/imagePullSecrets/0': got string, want object"),
    ({"nameOverride": "Arena"}, "'/nameOverride'"),
    (settings(max_clients=0), "'/settings/max-clients': minimum: got 0, want 1"),
    (settings(max_clients=20000), "'/settings/max-clients': maximum: got 20,000, want 16,384"),
    (settings(max_clients="64"), "'/settings/max-clients': got string, want null or integer"),
    (settings(tick_hz=241), "'/settings/tick-hz': maximum"),
    (settings(tick_rate=60), "'/settings': additional properties 'tick-rate' not allowed"),
    (settings(advertise="203.0.113.5:7777"), "additional properties 'advertise' not allowed"),
    (settings(drain_timeout="1m"), "additional properties 'drain-timeout' not allowed"),
    (settings(match_time="10 minutes"), "'/settings/match-time': '10 minutes' does not match"),
    (settings(token_lifetime="500ms"), "'/settings/token-lifetime'"),
    (settings(client_bandwidth="1 MB"), "'/settings/client-bandwidth': '1 MB' does not match"),
    (settings(client_bandwidth=1000), "'/settings/client-bandwidth': minimum: got 1,000, want 4,096"),
    (settings(seed=1), "'/settings/seed': got number, want null or string"),
    (settings(view_radius=0), "'/settings/view-radius'"),
    (settings(log="loud"), "'/settings/log': value must be one of"),
    (settings(exit_when_empty="yes"), "'/settings/exit-when-empty': got string, want null or boolean"),
    (settings(idle_timeout="five minutes"), "'/settings/idle-timeout'"),
    ({"drainSeconds": "30s"}, "'/drainSeconds': got string, want integer"),
    ({"key": {"items": []}}, "'/key/items': minItems: got 0, want 1"),
    ({"key": {"items": ["key", "key"]}}, "'/key/items': items at 0 and 1 are equal"),
    ({"key": {"items": ["../key"]}}, "'/key/items/0'"),
    ({"key": {"secretName": ""}}, "'/key/secretName'"),
    ({"key": {"create": True}}, "key.value must be 64 hex digits with key.create"),
    ({"key": {"create": True, "value": KEY[1:]}}, "key.value must be 64 hex digits with key.create"),
    ({"key": {"create": True, "value": KEY, "items": ["a", "b"]}}, "key.items must be one entry with key.create"),
    ({"key": {"value": KEY}}, "key.value is given, and key.create is false"),
    ({"podLabels": {"app.kubernetes.io/name": "x"}}, "podLabels must not have app.kubernetes.io/name"),
    ({"fleet": {"scheduling": "Random"}}, "'/fleet/scheduling': value must be one of"),
    ({"fleet": {"portPolicy": "Passthrough"}}, "additional properties 'portPolicy' not allowed"),
    ({"fleet": {"eviction": True}}, "'/fleet/eviction': value must be one of"),
    ({"fleet": {"health": {"periodSeconds": 1}}}, "'/fleet/health/periodSeconds': minimum: got 1, want 2"),
    ({"autoscaler": {"bufferSize": 0}}, "'/autoscaler/bufferSize': minimum: got 0, want 1"),
    ({"autoscaler": {"bufferSize": "100%"}}, "'/autoscaler/bufferSize': '100%' does not match"),
    ({"autoscaler": {"maxReplicas": 1}}, "autoscaler.maxReplicas is 1, and must be at least autoscaler.minReplicas, 2"),
    ({"autoscaler": {"bufferSize": 5}}, "autoscaler.minReplicas is 2, and must be 0 or at least autoscaler.bufferSize, 5"),
    (
        {"autoscaler": {"bufferSize": 20, "minReplicas": 0}},
        "autoscaler.maxReplicas is 10, and must be at least autoscaler.bufferSize, 20",
    ),
    ({"autoscaler": {"bufferSize": "10%", "minReplicas": 0}}, "autoscaler.minReplicas is 0, and must be at least 1"),
    ({"deployment": {"advertise": "203.0.113.5:7777"}}, "deployment.advertise is for mode deployment"),
    ({"podDisruptionBudget": {"enabled": True}}, "podDisruptionBudget is for mode deployment"),
    ({"mode": "deployment"}, "deployment.advertise is missing"),
    ({"mode": "deployment", "deployment": {"advertise": "game.example.com:7777"}}, "'/deployment/advertise'"),
    ({"mode": "deployment", "deployment": {"advertise": "203.0.113.5"}}, "'/deployment/advertise'"),
    (
        {"mode": "deployment", "deployment": {"advertise": "203.0.113.5:7778"}},
        "deployment.advertise names port 7778, and the Service is reached at port 7777",
    ),
    ({**DEPLOYMENT, "service": {"type": "NodePort"}}, "deployment.advertise names port 7777, and the Service is reached at port 30777"),
    ({**DEPLOYMENT, "service": {"type": "ClusterIP"}}, "'/service/type': value must be one of"),
    ({"mode": "deployment", "deployment": {**ANYWHERE["deployment"], "replicas": 2}}, "deployment.replicas must be 1 with expose service"),
    (
        {"mode": "deployment", "deployment": {**ANYWHERE["deployment"], "replicas": 2, "expose": "hostPort"}},
        "deployment.advertise is one address, and deployment.replicas are several servers",
    ),
    ({"deployment": {"hostPort": 70000}}, "'/deployment/hostPort': maximum: got 70,000, want 65,535"),
    ({"networkPolicy": {"adminFrom": [{"namespace": "monitoring"}]}}, "'/networkPolicy/adminFrom/0': additional properties"),
    ({"podMonitor": {"interval": "often"}}, "'/podMonitor/interval'"),
]


class Refusals(unittest.TestCase):
    def test_nonsense_is_refused_with_a_reason(self):
        for values, reason in REFUSED:
            with self.subTest(values=values):
                with self.assertRaises(helm.HelmError) as refused:
                    support.templates(values)
                self.assertIn(reason, str(refused.exception))

    def test_a_wrong_key_is_not_quoted(self):
        wrong = KEY[:-1] + "g"
        with self.assertRaises(helm.HelmError) as refused:
            support.templates({"key": {"create": True, "value": wrong}})
        self.assertNotIn(wrong, str(refused.exception))
