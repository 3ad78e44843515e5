# Watching the running daemons: metrics, health, log formats, notifications to the service manager, dashboard and alert rules.
blowback_integration_test(watching_metrics 120 asan tsan)
blowback_integration_test(watching_notify 120 asan tsan)
