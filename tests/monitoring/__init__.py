"""Rules, alerts, runbooks and routes, tried with the real promtool and amtool."""
