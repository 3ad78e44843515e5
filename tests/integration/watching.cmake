# How the running daemons are watched: metrics, health, log forms, the service manager's notes, dashboard and alert rules.
blowback_integration_test(watching_metrics 120)
blowback_integration_test(watching_notify 120)
