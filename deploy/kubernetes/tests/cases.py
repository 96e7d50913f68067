"""Sets of values that people may give the chart."""

KEY = "0123456789abcdef" * 4
ANYWHERE = {"deployment": {"advertise": "203.0.113.5:7777"}}

FLEET = {}
DEPLOYMENT = {"mode": "deployment", **ANYWHERE}
HOST_PORT = {"mode": "deployment", "deployment": {"expose": "hostPort"}}

# Everything that may be set for any mode, away from its default.
COMMON = {
    "nameOverride": "arena",
    "image": {"repository": "registry.example.com/games/arena", "tag": "1.2", "digest": "sha256:" + "a" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "settings": {
        "max-clients": 2000,
        "tick-hz": 30,
        "snapshot-hz": 15,
        "token-lifetime": "1m",
        "match-time": "1h30m",
        "protocol-id": "0xffffffffffffffff",
        "client-bandwidth": 1048576,
        "view-radius": 62.5,
        "rewind-max": "100ms",
        "npcs": 2000000,
        "seed": "18446744073709551615",
        "resume-time": "0s",
        "log": "warn",
        "log-format": "text",
        "threads": None,
        "exit-when-empty": False,
        "allow-token-endpoint": True,
    },
    "drainSeconds": 600,
    "key": {"secretName": "arena-keys", "items": ["new", "old"]},
    "adminToken": {"secretName": "arena-admin"},
    "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "2", "memory": "1Gi"}},
    "podLabels": {"team": "arena"},
    "podAnnotations": {"example.com/note": "yes"},
    "nodeSelector": {"pool": "games"},
    "tolerations": [{"key": "agones.dev/gameserver", "operator": "Equal", "value": "true", "effect": "NoSchedule"}],
    "affinity": {"podAntiAffinity": {}},
    "priorityClassName": "games",
    "networkPolicy": {"adminFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]},
    "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
}

CASES = {
    "fleet": FLEET,
    "fleet, everything set": {
        **COMMON,
        "fleet": {
            "scheduling": "Distributed",
            "strategy": {"type": "Recreate", "rollingUpdate": None},
            "portRange": "games",
            "eviction": "OnUpgrade",
            "health": {"disabled": True},
            "sdkServer": {"logLevel": "Error", "grpcPort": 9000, "httpPort": 9001},
        },
        "autoscaler": {"bufferSize": "25%", "minReplicas": 4, "maxReplicas": 40, "intervalSeconds": 10},
    },
    "fleet without autoscaler": {"autoscaler": {"enabled": False}, "fleet": {"replicas": 5, "countsAndLists": False}},
    "fleet with its key": {"key": {"create": True, "value": KEY}, "networkPolicy": {"enabled": False}},
    "deployment": DEPLOYMENT,
    "deployment, everything set": {
        **COMMON,
        "mode": "deployment",
        "deployment": {"replicas": 0, "advertise": "[2001:db8::5]:31000"},
        "service": {"type": "NodePort", "port": 7000, "nodePort": 31000, "annotations": {"example.com/dns": "game"}},
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 0},
    },
    "deployment with a reserved address": {**DEPLOYMENT, "service": {"loadBalancerIP": "203.0.113.5"}},
    "deployment on ports of nodes": {"mode": "deployment", "deployment": {"expose": "hostPort", "replicas": 3}},
    "deployment on the port of one node": {
        "mode": "deployment",
        "deployment": {"expose": "hostPort", "hostPort": 9999, "advertise": "203.0.113.5:9999"},
    },
}
